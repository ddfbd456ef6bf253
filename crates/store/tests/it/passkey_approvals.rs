//! Approvals that are confirmed with the approver's passkey (X19).
use crate::{
    raw::Raw,
    world::{World, decision, needs_approval, on_both},
};
use domain::{
    Actor, PasskeyId, PersonId, TenantId,
    account::Factor,
    approval::{Answer, ApprovalState},
    passkey::{Assertion, PasskeyDecision},
    policy::{ChangeRules, Decide, DenialReason, EnrollFactor, ReadAudit, RemoveFactor},
    receipt::End,
    rule::{Rule, Rules, Verdict},
    task::TaskState,
};
use std::time::Duration;
use store::{Approval, Conflict, DecisionEvidence, Error, NewPasskey, Result};
use testkit::Authenticator;

const HOST: &str = "castellan.example.org";

pub async fn demand(world: &World, approvers: u32, passkey: bool) {
    let adam = &world.acme.adam;
    let version = world.store.read(adam).await.unwrap().rules().await.unwrap().version;
    let verdict = Verdict::Ask { approvers, hours: 24, passkey };
    let rules = Rules::new(vec![Rule::new("passkeys", verdict)]).unwrap();
    let change = ChangeRules { rules, version };
    world.change(adam, async |write| write.change_rules(adam.may(change)?).await).await.unwrap();
}

/// Registers a passkey, and returns its authenticator and its id.
pub async fn register(world: &World, owner: &Actor) -> (Authenticator, PasskeyId) {
    let (id, person) = (PasskeyId(store::new_id()), owner.person().unwrap());
    let device = Authenticator::es256(owner.tenant, person, HOST);
    let new = NewPasskey {
        id,
        name: "Laptop".into(),
        credential_id: device.passkey.credential_id.0.clone(),
        body: "{}".into(),
        public_key: device.passkey.public_key.0.clone(),
        relying_party: HOST.into(),
    };
    let enroll = EnrollFactor { owner: person, factor: Factor::Passkey };
    world.change(owner, async |write| write.add_passkey(owner.may(enroll)?, new).await).await.unwrap();
    (device, id)
}

pub async fn remove(world: &World, owner: &Actor, id: PasskeyId) {
    let action = RemoveFactor { owner: owner.person().unwrap(), factor: Factor::Passkey };
    let removed = world.change(owner, async |write| write.remove_passkey(owner.may(action)?, id, None).await);
    removed.await.unwrap();
}

pub fn statement(tenant: TenantId, request: &Approval, approver: PersonId, answer: Answer) -> PasskeyDecision {
    let subject = domain::consent::Subject::Task(request.task_id);
    PasskeyDecision { tenant, subject, approval: request.id, request: request.request_digest, approver, answer }
}

async fn decide(
    world: &World,
    approver: &Actor,
    request: &Approval,
    answer: Answer,
    assertion: Option<Assertion>,
) -> Result<ApprovalState> {
    let action = Decide { assertion, ..decision(request, answer) };
    world.change(approver, async |write| write.decide(approver.may(action)?).await).await
}

/// Approves with the passkey.
pub async fn approve(
    world: &World,
    approver: &Actor,
    request: &Approval,
    device: &Authenticator,
) -> Result<ApprovalState> {
    let statement = statement(approver.tenant, request, approver.person().unwrap(), Answer::Approve);
    decide(world, approver, request, Answer::Approve, Some(device.sign(&statement))).await
}

async fn evidence(world: &World, request: &Approval) -> Vec<DecisionEvidence> {
    let mut read = world.store.read(&world.acme.console).await.unwrap();
    let decisions = read.decisions(request.task_id).await.unwrap();
    decisions.into_iter().map(|decision| decision.evidence).collect()
}

on_both! {
    async fn x19_a_rule_that_demands_passkeys_is_met_by_a_valid_assertion_only(world) {
        let acme = &world.acme;
        demand(world, 1, true).await;
        let (device, _) = register(world, &acme.ada).await;
        let (of_abe, _) = register(world, &acme.abe).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let request = world.approval_request(&task).await;
        assert!(request.requires_passkey);
        let without = decide(world, &acme.ada, &request, Answer::Approve, None).await;
        assert!(matches!(without, Err(Error::Denied(denied)) if denied.reason == DenialReason::PasskeyRequired));
        let ada = acme.ada.person().unwrap();
        let good = statement(acme.tenant, &request, ada, Answer::Approve);
        for refused in [
            device.sign(&PasskeyDecision { answer: Answer::Deny, ..good.clone() }),
            device.sign(&PasskeyDecision { request: domain::request::RequestDigest::of(b"{}"), ..good.clone() }),
            device.sign_changed(&good, |_, data| data[32] = 1),
            of_abe.sign(&good),
        ] {
            let refused = decide(world, &acme.ada, &request, Answer::Approve, Some(refused)).await;
            assert!(matches!(refused, Err(Error::Conflict(Conflict::PasskeyRefused))), "{refused:?}");
        }
        // A policy that saw the request before it was opened again.
        let before = Decide { requires_passkey: false, ..decision(&request, Answer::Approve) };
        let late = world.change(&acme.ada, async |write| write.decide(acme.ada.may(before)?).await).await;
        assert!(matches!(late, Err(Error::Conflict(Conflict::RequestChanged))), "{late:?}");
        assert_eq!(evidence(world, &request).await, []);
        assert_eq!(approve(world, &acme.ada, &request, &device).await.unwrap(), ApprovalState::Approved);
        assert_eq!(evidence(world, &request).await, [DecisionEvidence::Passkey("Laptop".into())]);
        let used = world.store.read(&acme.ada).await.unwrap().passkeys().await.unwrap()[0].last_used_at;
        assert_eq!(used, Some(world.now()));
        let claimed = world.claim(&acme.rex).await.unwrap();
        let decided = &claimed.consent.decisions[0].statement;
        assert_eq!(decided.assertion.as_ref().unwrap().credential_id, device.passkey.credential_id);
    }

    async fn x19_a_denial_needs_no_passkey(world) {
        let acme = &world.acme;
        demand(world, 1, true).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let request = world.approval_request(&task).await;
        assert_eq!(decide(world, &acme.ada, &request, Answer::Deny, None).await.unwrap(), ApprovalState::Denied);
        assert_eq!(evidence(world, &request).await, [DecisionEvidence::Server]);
    }

    async fn x19_a_passkey_can_confirm_what_no_rule_demands(world) {
        let acme = &world.acme;
        let (device, _) = register(world, &acme.ada).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let request = world.approval_request(&task).await;
        assert!(!request.requires_passkey);
        assert_eq!(approve(world, &acme.ada, &request, &device).await.unwrap(), ApprovalState::Approved);
        assert!(world.claim(&acme.rex).await.unwrap().consent.decisions[0].statement.assertion.is_some());
        let records = world.store.read(&acme.console).await.unwrap().task_history(task.id).await.unwrap();
        let decided = records.iter().find(|record| record.body.contains("approval.decide")).unwrap();
        assert!(decided.body.contains(&format!(r#""passkey":"{}""#, device.passkey.credential_id)), "{}", decided.body);
    }

    /// Write access to the database neither removes a demand nor an assertion, and adds none.
    async fn x19_a_changed_assertion_or_demand_starts_nothing(world) {
        let acme = &world.acme;
        let mut raw = Raw::of(world).await;
        let (device, _) = register(world, &acme.ada).await;
        demand(world, 1, true).await;
        for attack in [
            "decision set assertion = null where approval_id = APPROVAL",
            "decision set assertion = replace(assertion, '\"signature\":\"M', '\"signature\":\"N') where approval_id = APPROVAL",
            "decision set assertion = assertion || ' ' where approval_id = APPROVAL",
            "decision set assertion = '' where approval_id = APPROVAL",
            "approval set requires_passkey = false where id = APPROVAL",
            "passkey set public_key = credential_id",
            "passkey set relying_party = 'example.org'",
        ] {
            let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
            let request = world.approval_request(&task).await;
            approve(world, &acme.ada, &request, &device).await.unwrap();
            raw.run(&format!("update {}", attack.replace("APPROVAL", &raw.id(request.id.0)))).await.unwrap();
            assert!(world.claim(&acme.rex).await.is_none(), "{attack}");
            // A passkey that was exchanged confirms nothing; the request is open again.
            let state = if attack.starts_with("passkey") { TaskState::AwaitingApproval } else { TaskState::Failed };
            assert_eq!(world.state(acme, task.id).await, state, "{attack}");
            if attack.starts_with("passkey") {
                assert_eq!(evidence(world, &request).await, [DecisionEvidence::Invalid]);
                let key = &device.passkey;
                let (public, id) = (hex(&key.public_key.0), hex(&key.credential_id.0));
                let blob = |hex: &str| match world.is_sqlite() {
                    true => format!("x'{hex}'"),
                    false => format!("'\\x{hex}'::bytea"),
                };
                let (public, id) = (blob(&public), blob(&id));
                raw.run(&format!("update passkey set public_key = {public}, relying_party = '{HOST}' where credential_id = {id}"))
                    .await
                    .unwrap();
            }
        }
    }

    async fn x19_an_approval_with_a_removed_passkey_no_longer_counts(world) {
        let acme = &world.acme;
        demand(world, 1, true).await;
        let (device, id) = register(world, &acme.ada).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        approve(world, &acme.ada, &world.approval_request(&task).await, &device).await.unwrap();
        remove(world, &acme.ada, id).await;
        assert!(world.claim(&acme.rex).await.is_none());
        let request = world.approval_request(&task).await;
        assert_eq!((request.state, request.requires_passkey), (ApprovalState::Waiting, true));
        assert_eq!(evidence(world, &request).await, [DecisionEvidence::RemovedPasskey]);
        // Where nothing demands it, the server's word is enough.
        demand(world, 1, false).await;
        let (device, id) = register(world, &acme.abe).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        approve(world, &acme.abe, &world.approval_request(&task).await, &device).await.unwrap();
        remove(world, &acme.abe, id).await;
        assert_eq!(world.claim(&acme.rex).await.unwrap().lease.task, task.id);
    }

    async fn x19_rules_that_begin_to_demand_passkeys_hold_for_tasks_in_the_queue(world) {
        let acme = &world.acme;
        demand(world, 2, false).await;
        let (device, _) = register(world, &acme.ada).await;
        let (of_abe, _) = register(world, &acme.abe).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let request = world.approval_request(&task).await;
        decide(world, &acme.ada, &request, Answer::Approve, None).await.unwrap();
        approve(world, &acme.abe, &request, &of_abe).await.unwrap();
        // Fewer approvals, but with a passkey: both demands hold.
        demand(world, 1, true).await;
        world.wait(Duration::from_secs(1));
        assert!(world.claim(&acme.rex).await.is_none());
        let request = world.approval_request(&task).await;
        assert_eq!((request.needed, request.requires_passkey, request.given), (2, true, 1));
        assert_eq!(approve(world, &acme.ada, &request, &device).await.unwrap(), ApprovalState::Approved);
        assert_eq!(world.claim(&acme.rex).await.unwrap().consent.decisions.len(), 2);
        // Rules that no longer demand it do not lower what was demanded.
        demand(world, 1, true).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        demand(world, 1, false).await;
        let request = world.approval_request(&task).await;
        assert!(decide(world, &acme.ada, &request, Answer::Approve, None).await.is_err());
        assert_eq!(approve(world, &acme.ada, &request, &device).await.unwrap(), ApprovalState::Approved);
        assert_eq!(world.claim(&acme.rex).await.unwrap().lease.task, task.id);
    }

    /// What `castellan audit verify` reports.
    async fn x19_a_changed_assertion_is_found_afterwards(world) {
        let acme = &world.acme;
        demand(world, 1, true).await;
        let (device, id) = register(world, &acme.ada).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        approve(world, &acme.ada, &world.approval_request(&task).await, &device).await.unwrap();
        let taken = world.claim(&acme.rex).await.unwrap();
        world.start(&acme.rex, taken.lease).await;
        world.finish(&acme.rex, &taken, End::Exited(0)).await.unwrap();
        let proof = acme.console.may(ReadAudit).unwrap();
        let verify = async || {
            let mut write = world.store.write(&acme.console).await.unwrap();
            let starts = write.verify_starts(&proof, None, 100).await.unwrap();
            starts.unexplained.into_iter().map(|start| start.problem).collect::<Vec<_>>()
        };
        assert_eq!(verify().await, [""; 0]);
        let mut raw = Raw::of(world).await;
        raw.run("create table kept as select * from decision").await.unwrap();
        raw.run("update decision set assertion = null").await.unwrap();
        assert_eq!(verify().await, ["a decision is not as it was signed"]);
        raw.run("update decision set assertion = (select assertion from kept)").await.unwrap();
        raw.run("update passkey set relying_party = 'example.org'").await.unwrap();
        assert_eq!(verify().await, ["the passkey of a decision did not confirm it"]);
        // A passkey that its owner removed later explains nothing and contradicts nothing.
        remove(world, &acme.ada, id).await;
        assert_eq!(verify().await, [""; 0]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
