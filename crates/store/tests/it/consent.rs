//! Consent (D-04, X1): write access to the database is not enough to make anything run that was not judged and approved.
use crate::{
    raw::Raw,
    tampering::rows_of,
    world::{World, decision, needs_approval, on_both, sealed, task},
};
use domain::{
    Actor,
    approval::{Answer, ApprovalState},
    policy::{
        CancelTask, ChangeRules, LockPerson, ReadAudit, RemoveMembership, RevokeKey, RotateGrantKey, SetMembership,
        SubmitTask,
    },
    receipt::End,
    role::Role,
    rule::{Rule, Rules, Verdict},
    task::TaskState,
};
use std::time::Duration;
use store::{Assignment, Conflict, Error, Settings, Store, Submitted};
use testkit::{change, signer, successor};

/// Submits a task with every optional column that is approved and in the queue.
pub async fn approved(world: &World, number: usize) -> Submitted {
    let acme = &world.acme;
    let fields = serde_json::json!({
        "script": format!("echo {number}"), "network_policy": "unrestricted", "labels": { "service": "mail" },
    });
    let submission = SubmitTask { idempotency_key: Some(format!("key-{number}")), ..task(acme.ops, fields) };
    let submitted = world.submit(&acme.mia, SubmitTask { ..submission }).await;
    let request = world.approval_request(&submitted).await;
    assert_eq!(world.decide(&acme.ada, &request, Answer::Approve).await.unwrap(), ApprovalState::Approved);
    submitted
}

/// Tries to claim a task. An error is a refusal, too.
pub async fn claim(world: &World) -> Option<Assignment> {
    let runner = &world.acme.rex;
    let claimed = change(&world.store, runner, async |write| write.claim_tasks(&["bash".into()], 5).await).await;
    claimed.ok().and_then(|mut assignments| assignments.pop())
}

pub fn rule(networks: Vec<domain::network::NetworkPolicy>, verdict: Verdict) -> Rule {
    Rule { networks, ..Rule::new("changed", verdict) }
}

async fn set_rules(world: &World, rules: Vec<Rule>) {
    let adam = &world.acme.adam;
    let version = world.store.read(adam).await.unwrap().rules().await.unwrap().version;
    let change = ChangeRules { rules: Rules::new(rules).unwrap(), version };
    world.change(adam, async |write| write.change_rules(adam.may(change)?).await).await.unwrap();
}

pub async fn set_role(world: &World, person: &Actor, role: Role) {
    let (acme, person) = (&world.acme, person.person().unwrap());
    let set = SetMembership { organization: acme.ops, person, role };
    world.change(&acme.adam, async |write| write.set_membership(acme.adam.may(set)?).await).await.unwrap();
}

pub async fn last_reason(world: &World, task: &Submitted) -> (String, String) {
    let mut read = world.store.read(&world.acme.console).await.unwrap();
    let last = read.task_history(task.id).await.unwrap().pop().unwrap();
    let record: domain::audit::Record = serde_json::from_str(&last.body).unwrap();
    (record.action, record.detail["because"].as_str().unwrap_or_default().to_owned())
}

on_both! {
    /// A value of another form than any that Castellan writes stops nobody else's task.
    async fn x1_a_row_that_cannot_be_read_is_set_aside_and_the_others_run(world) {
        let acme = &world.acme;
        let mut raw = Raw::of(world).await;
        let bytes = if world.is_sqlite() { "x'00'" } else { "'\\x00'::bytea" };
        let mut attacks: Vec<(&str, &str, &str)> = vec![
            ("task", "network", "'x'"),
            ("task", "visibility", "'x'"),
            ("task", "tool", "'x'"),
            ("task", "priority", "99"),
            ("task", "attempt", "9223372036854775807"),
            ("task", "attempt", "-5"),
            ("task", "rules_version", "-9223372036854775808"),
            ("task", "request_digest", bytes),
            ("approval", "state", "'x'"),
            ("approval", "needed", "-1"),
            ("approval", "expires_at", "-9223372036854775808"),
            ("approval", "request_digest", bytes),
            ("decision", "answer", "'x'"),
        ];
        if world.is_sqlite() {
            attacks.extend([
                ("task", "script", "x'ff'"),
                ("task", "title", "x'ff'"),
                ("task", "key_id", "x'00'"),
                ("task", "created_at", "'x'"),
                ("task", "priority", "'x'"),
                ("task", "attempt", "'x'"),
                ("task_label", "value", "x'ff'"),
                ("decision", "reason", "x'ff'"),
                ("approval", "rule", "x'ff'"),
            ]);
        }
        for (number, (table, column, value)) in attacks.into_iter().enumerate() {
            let (bad, good) = (approved(world, 2 * number).await, approved(world, 2 * number + 1).await);
            let rows = rows_of(&raw, table, &bad);
            assert_eq!(raw.run(&format!("update {table} set {column} = {value} where {rows}")).await.unwrap(), 1);
            assert!(world.store.read(&acme.rex).await.unwrap().runner_load().await.unwrap().queue_has_tasks);
            let assignment = claim(world).await.unwrap_or_else(|| panic!("{table}.{column} = {value}"));
            assert_eq!(assignment.lease.task, good.id, "{table}.{column} = {value}");
            let id = raw.id(bad.id.0);
            assert_eq!(raw.texts(&format!("select state from task where id = {id}")).await, ["failed"]);
            // Its page cannot be rendered, but the audit log has the reason.
            let last = format!("select body from audit where target_id = '{}' order by seq desc limit 1", bad.id);
            let last: domain::audit::Record = serde_json::from_str(&raw.texts(&last).await[0]).unwrap();
            assert!(last.action == "task.reject" && last.detail["because"].is_string(), "{table}.{column}: {last:?}");
            assert!(!world.store.read(&acme.rex).await.unwrap().runner_load().await.unwrap().queue_has_tasks);
        }
    }

    /// The same for a task that a runner already has.
    async fn x1_a_leased_row_that_cannot_be_read_is_set_aside_when_its_lease_ends(world) {
        let acme = &world.acme;
        let mut raw = Raw::of(world).await;
        for (number, value) in ["attempt = -5", "next_line = 'x'", "output_bytes = 'x'", "attempt = 9223372036854775807"].into_iter().enumerate() {
            if value.contains("'x'") && !world.is_sqlite() {
                continue;
            }
            let (bad, good) = (approved(world, 2 * number).await, approved(world, 2 * number + 1).await);
            assert_eq!(claim(world).await.unwrap().lease.task, good.id, "and the other one");
            let id = raw.id(bad.id.0);
            raw.run(&format!("update task set {value} where id = {id}")).await.unwrap();
            let leased = world.store.read(&acme.rex).await.unwrap().leased_tasks().await.unwrap();
            assert_eq!(leased.iter().map(|task| task.id).collect::<Vec<_>>(), [good.id], "{value}");
            world.wait(store::LEASE);
            let clock = Actor::clock(acme.tenant, world.now());
            let released = world.change(&clock, async |write| write.release_expired_leases().await).await.unwrap();
            assert_eq!(released, 1, "{value}");
            assert_eq!(raw.texts(&format!("select state from task where id = {id}")).await, ["failed"], "{value}");
            let last = claim(world).await.unwrap();
            assert_eq!((last.lease.task, last.lease.attempt), (good.id, 2));
            world.change(&acme.rex, async |write| write.refuse_task(last.lease, "done").await).await.unwrap();
        }
    }

    async fn x1_a_changed_task_fails_and_is_recorded(world) {
        let acme = &world.acme;
        let task = approved(world, 1).await;
        let mut raw = Raw::of(world).await;
        let id = raw.id(task.id.0);
        raw.run(&format!("update task set script = 'rm -rf /' where id = {id}")).await.unwrap();
        assert!(world.claim(&acme.rex).await.is_none());
        assert_eq!(world.state(acme, task.id).await, TaskState::Failed);
        assert_eq!(world.history(acme, task.id).await.last().unwrap(), "task.reject");
        assert!(world.claim(&acme.rex).await.is_none());
    }

    /// Sets tasks that ended, or were never approved, back to the queue.
    async fn x1_a_task_that_was_set_to_the_queue_does_not_run(world) {
        let acme = &world.acme;
        let mut raw = Raw::of(world).await;
        let mut tasks = vec![];
        let never_approved = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        tasks.push(never_approved);
        let denied = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        world.decide(&acme.ada, &world.approval_request(&denied).await, Answer::Deny).await.unwrap();
        tasks.push(denied);
        let cancelled = world.submit(&acme.mia, sealed(acme.ops)).await;
        let (owner, organization) = (acme.mia.person().unwrap(), acme.ops);
        let cancel = CancelTask { task: cancelled.id, owner, organization };
        world.change(&acme.mia, async |write| write.cancel_task(acme.mia.may(cancel)?).await).await.unwrap();
        tasks.push(cancelled);
        let done = world.submit(&acme.mia, sealed(acme.ops)).await;
        let taken = world.claim(&acme.rex).await.unwrap();
        world.start(&acme.rex, taken.lease).await;
        world.finish(&acme.rex, &taken, End::Exited(0)).await.unwrap();
        tasks.push(done);
        for attack in [
            "state = 'queued'",
            "state = 'queued', attempt = 0, ended_at = null, ending = null, receipt = null, receipt_signature = null,
                queued_at = created_at, lease_until = null, runner_id = null",
            "state = 'queued', attempt = 0, ended_at = null, ending = null, receipt = null, receipt_signature = null, required_approval = false",
        ] {
            for task in &tasks {
                let id = raw.id(task.id.0);
                raw.run(&format!("update task set {attack} where id = {id}")).await.unwrap();
                assert!(claim(world).await.is_none(), "{attack}");
                raw.run(&format!("update task set state = 'lost' where id = {id}")).await.unwrap();
            }
        }
    }

    /// Approvals that nobody gave.
    async fn x1_a_forged_approval_counts_for_nothing(world) {
        let acme = &world.acme;
        world.ask(acme, 2).await;
        let other = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        world.decide(&acme.abe, &world.approval_request(&other).await, Answer::Approve).await.unwrap();
        let mut raw = Raw::of(world).await;
        let copied = format!("select d.signature from decision d join approval a on a.id = d.approval_id
            where a.task_id = {}", raw.id(other.id.0));
        for forged in [
            // Fewer are needed.
            "update approval set needed = 1 where id = APPROVAL".to_owned(),
            "update approval set state = 'approved', settled_at = SETTLED where id = APPROVAL".to_owned(),
            // A second approval with a signature from another request, with an arbitrary one, and the first one under another name.
            format!("insert into decision (tenant_id, approval_id, person_id, answer, reason, created_at, rules_version, signature)
                select tenant_id, id, ABE, 'approve', 'checked the script', created_at, 2, ({copied}) from approval where id = APPROVAL"),
            "insert into decision (tenant_id, approval_id, person_id, answer, reason, created_at, rules_version, signature)
                select tenant_id, approval_id, ABE, answer, reason, created_at, rules_version, signature from decision
                where approval_id = APPROVAL".to_owned(),
        ] {
            let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
            let request = world.approval_request(&task).await;
            assert_eq!(world.decide(&acme.ada, &request, Answer::Approve).await.unwrap(), ApprovalState::Waiting);
            let (approval, abe) = (raw.id(request.id.0), raw.id(acme.abe.person().unwrap().0));
            let statement = forged.replace("APPROVAL", &approval).replace("ABE", &abe);
            raw.run(&statement.replace("SETTLED", &world.now().0.to_string())).await.unwrap();
            let (id, now) = (raw.id(task.id.0), world.now().0);
            raw.run(&format!("update approval set state = 'approved', settled_at = {now} where id = {approval}")).await.unwrap();
            raw.run(&format!("update task set state = 'queued', queued_at = {now} where id = {id}")).await.unwrap();
            assert!(claim(world).await.is_none(), "{forged}");
            raw.run(&format!("update task set state = 'lost' where id = {id}")).await.unwrap();
        }
    }

    async fn x1_a_decision_on_a_changed_request_is_a_conflict(world) {
        let acme = &world.acme;
        let mut raw = Raw::of(world).await;
        for attack in ["approval set needed = 0", "task set script = 'true'", "task set title = 'harmless'"] {
            let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
            let request = world.approval_request(&task).await;
            let table = attack.split(' ').next().unwrap();
            let rows = rows_of(&raw, table, &task);
            raw.run(&format!("update {attack} where {rows}")).await.unwrap();
            let decided = world.decide(&acme.ada, &request, Answer::Approve).await;
            assert!(matches!(decided, Err(Error::Conflict(Conflict::NotAsSigned))), "{attack}: {decided:?}");
        }
    }

    async fn x1_changed_or_rolled_back_rules_are_not_applied(world) {
        let acme = &world.acme;
        world.ask(acme, 2).await;
        let mut raw = Raw::of(world).await;
        let unguard = match world.is_sqlite() {
            true => ["drop trigger rules_no_update", "drop trigger rules_no_delete"],
            false => ["drop trigger rules_append_only on rules", "select 1"],
        };
        let tenant = raw.id(acme.tenant.0);
        for guarded in ["update rules set body = '[]'", "delete from rules"] {
            raw.run(guarded).await.unwrap_err();
        }
        for statement in unguard {
            raw.run(statement).await.unwrap();
        }
        let submit = async || change(&world.store, &acme.mia, async |w| w.submit_task(acme.mia.may(needs_approval(acme.ops))?).await).await;
        submit().await.unwrap();
        let kept = "create table kept as select * from rules";
        raw.run(kept).await.unwrap();
        for attack in [
            format!("update rules set body = '[]' where tenant_id = {tenant}"),
            format!("update rules set version = 3 where tenant_id = {tenant} and version = 2"),
            format!("update rules set changed_by = null where tenant_id = {tenant} and version = 2"),
            format!("update rules set changed_at = changed_at + 1 where tenant_id = {tenant} and version = 2"),
            format!("delete from rules where tenant_id = {tenant} and version = 2"),
            format!("insert into rules select tenant_id, 3, body, changed_by, changed_at, signature from rules where tenant_id = {tenant} and version = 1"),
        ] {
            raw.run(&attack).await.unwrap();
            assert!(matches!(submit().await, Err(Error::Corrupt(_))), "{attack}");
            assert!(world.store.read(&acme.adam).await.unwrap().rules().await.is_err(), "{attack}");
            raw.run("delete from rules").await.unwrap();
            raw.run("insert into rules select * from kept").await.unwrap();
        }
        submit().await.unwrap();
    }

    /// An approver who lost the role, left or was locked after the approval.
    async fn d_04_an_approval_counts_only_while_its_approver_may_approve(world) {
        let acme = &world.acme;
        let (ada, ops) = (acme.ada.person().unwrap(), acme.ops);
        for loss in ["demoted", "removed", "locked"] {
            let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
            world.decide(&acme.ada, &world.approval_request(&task).await, Answer::Approve).await.unwrap();
            match loss {
                "demoted" => set_role(world, &acme.ada, Role::Member).await,
                "removed" => {
                    let remove = RemoveMembership { organization: ops, person: ada, successor: None };
                    let removed = world.change(&acme.adam, async |w| w.remove_membership(acme.adam.may(remove)?).await);
                    removed.await.unwrap();
                }
                _ => {
                    let lock = LockPerson { person: ada };
                    world.change(&acme.adam, async |w| w.lock_person(acme.adam.may(lock)?).await).await.unwrap();
                }
            }
            assert!(world.claim(&acme.rex).await.is_none(), "{loss}");
            assert_eq!(world.state(acme, task.id).await, TaskState::AwaitingApproval, "{loss}");
            let reason = ("approval.reopen".to_owned(), "an_approval_no_longer_counts".to_owned());
            assert_eq!(last_reason(world, &task).await, reason, "{loss}");
            let request = world.approval_request(&task).await;
            assert_eq!((request.state, request.given), (ApprovalState::Waiting, 0), "{loss}");
            // Somebody else approves, and it runs.
            assert_eq!(world.decide(&acme.abe, &request, Answer::Approve).await.unwrap(), ApprovalState::Approved);
            assert_eq!(world.claim(&acme.rex).await.unwrap().lease.task, task.id, "{loss}");
            if loss != "locked" {
                set_role(world, &acme.ada, Role::Approver).await;
            }
        }
    }

    async fn d_04_the_first_of_two_approvals_is_judged_again_at_the_second(world) {
        let acme = &world.acme;
        world.ask(acme, 2).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let request = world.approval_request(&task).await;
        world.decide(&acme.ada, &request, Answer::Approve).await.unwrap();
        set_role(world, &acme.ada, Role::Member).await;
        assert_eq!(world.decide(&acme.abe, &request, Answer::Approve).await.unwrap(), ApprovalState::Waiting);
        assert_eq!(world.approval_request(&task).await.given, 1);
        assert_eq!(world.decide(&acme.olga, &request, Answer::Approve).await.unwrap(), ApprovalState::Approved);
        assert_eq!(world.claim(&acme.rex).await.unwrap().consent.decisions.len(), 2);
    }

    async fn d_04_a_task_whose_requester_may_no_longer_submit_is_cancelled(world) {
        let acme = &world.acme;
        let mia = acme.mia.person().unwrap();
        let key = world.key(&acme.mia, "tasks:*").await;
        let by_key = world.submit(&key, needs_approval(acme.ops)).await;
        world.decide(&acme.ada, &world.approval_request(&by_key).await, Answer::Approve).await.unwrap();
        let revoke = RevokeKey { key: key.key().unwrap(), owner: mia, responsible: None };
        world.change(&acme.mia, async |w| w.revoke_key(acme.mia.may(revoke)?).await).await.unwrap();
        assert!(world.claim(&acme.rex).await.is_none());
        assert_eq!(world.state(acme, by_key.id).await, TaskState::Cancelled);
        assert_eq!(last_reason(world, &by_key).await, ("task.stop".into(), store::KEY_REVOKED.into()));

        let task = world.submit(&acme.mia, sealed(acme.ops)).await;
        set_role(world, &acme.mia, Role::Viewer).await;
        assert!(world.claim(&acme.rex).await.is_none());
        assert_eq!(world.state(acme, task.id).await, TaskState::Cancelled);
        assert_eq!(last_reason(world, &task).await, ("task.stop".into(), store::OWNER_DEMOTED.into()));
    }

    async fn d_04_rules_that_became_stricter_hold_for_tasks_in_the_queue(world) {
        let acme = &world.acme;
        // Two approvals instead of one, approval instead of none, refusal.
        let approved = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        world.decide(&acme.ada, &world.approval_request(&approved).await, Answer::Approve).await.unwrap();
        let free = world.submit(&acme.mia, sealed(acme.ops)).await;
        set_rules(world, vec![rule(vec![], Verdict::Ask { approvers: 2, hours: 12, passkey: false })]).await;
        assert!(world.claim(&acme.rex).await.is_none());
        for (task, given) in [(&approved, 1), (&free, 0)] {
            assert_eq!(world.state(acme, task.id).await, TaskState::AwaitingApproval);
            assert_eq!(last_reason(world, task).await, ("approval.reopen".into(), "the_rules_changed".into()));
            let request = world.approval_request(task).await;
            assert_eq!((request.needed, request.given, request.rule.as_str()), (2, given, "changed"));
            assert_eq!(request.expires_at, world.now().after(Duration::from_hours(12)));
        }
        world.decide(&acme.abe, &world.approval_request(&approved).await, Answer::Approve).await.unwrap();
        assert_eq!(world.claim(&acme.rex).await.unwrap().consent.decisions.len(), 2);

        world.decide(&acme.ada, &world.approval_request(&free).await, Answer::Approve).await.unwrap();
        world.decide(&acme.abe, &world.approval_request(&free).await, Answer::Approve).await.unwrap();
        set_rules(world, vec![rule(vec![], Verdict::Refuse)]).await;
        assert!(world.claim(&acme.rex).await.is_none());
        assert_eq!(world.state(acme, free.id).await, TaskState::Denied);
        assert_eq!(last_reason(world, &free).await, ("task.deny".into(), "the_rules_changed".into()));
    }

    async fn d_04_rules_that_became_weaker_do_not_lower_what_was_demanded(world) {
        let acme = &world.acme;
        world.ask(acme, 2).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let request = world.approval_request(&task).await;
        set_rules(world, vec![rule(vec![], Verdict::Run)]).await;
        assert_eq!(world.decide(&acme.ada, &request, Answer::Approve).await.unwrap(), ApprovalState::Waiting);
        assert_eq!(world.decide(&acme.abe, &request, Answer::Approve).await.unwrap(), ApprovalState::Approved);
        assert_eq!(world.claim(&acme.rex).await.unwrap().lease.task, task.id);
    }

    /// A released task is judged again with each attempt.
    async fn d_04_every_attempt_is_judged(world) {
        let acme = &world.acme;
        let task = approved(world, 1).await;
        let first = world.claim(&acme.rex).await.unwrap();
        world.change(&acme.rex, async |w| w.release_task(first.lease, "no free slot").await).await.unwrap();
        let second = world.claim(&acme.rex).await.unwrap();
        assert_eq!((second.lease.task, second.lease.attempt), (task.id, 2));
        world.change(&acme.rex, async |w| w.release_task(second.lease, "no free slot").await).await.unwrap();
        set_role(world, &acme.ada, Role::Member).await;
        assert!(world.claim(&acme.rex).await.is_none());
        assert_eq!(world.state(acme, task.id).await, TaskState::AwaitingApproval);
    }

    /// The grant key is replaced while a task waits, one is approved, one is in the queue, and one has ended.
    async fn x1_a_new_grant_key_signs_what_can_still_start_and_the_old_one_starts_nothing(world) {
        let acme = &world.acme;
        world.ask(acme, 2).await;
        let ended = world.submit(&acme.mia, sealed(acme.ops)).await;
        let taken = world.claim(&acme.rex).await.unwrap();
        world.start(&acme.rex, taken.lease).await;
        world.finish(&acme.rex, &taken, End::Exited(0)).await.unwrap();
        let free = world.submit(&acme.mia, sealed(acme.ops)).await;
        let waiting = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        world.decide(&acme.ada, &world.approval_request(&waiting).await, Answer::Approve).await.unwrap();
        let approved = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        for approver in [&acme.ada, &acme.abe] {
            world.decide(approver, &world.approval_request(&approved).await, Answer::Approve).await.unwrap();
        }
        let mut raw = Raw::of(world).await;
        for kept in [
            "create table kept_task as select id, judgment_signature as signature from task",
            "create table kept_decision as select approval_id, person_id, signature from decision",
            "create table kept_rules as select tenant_id, version, signature from rules",
        ] {
            raw.run(kept).await.unwrap();
        }

        let settings = Settings { signer: successor(2, &[1]), ..world.settings([7; 32]) };
        let store = Store::open(settings).await.unwrap();
        let is_unreadable = async || matches!(store.read(&acme.adam).await.unwrap().rules().await, Err(Error::Corrupt(_)));
        assert!(is_unreadable().await, "rules that only the old key signed");
        let sign_again = async |store: &Store| {
            let proof = acme.console.may(RotateGrantKey { key: [2; 32] }).unwrap();
            change(store, &acme.console, async |write| write.sign_again(proof).await).await.unwrap()
        };
        // Rules, three judgments and three decisions; the task that ended keeps its signature.
        assert_eq!(sign_again(&store).await, Some(7));
        assert_eq!(sign_again(&store).await, None, "once per key");
        assert!(!is_unreadable().await);

        // Statements of the old key: the same ones as before, which a thief of that key could also make.
        let (free_id, approved_id) = (raw.id(free.id.0), raw.id(approved.id.0));
        let tenant = raw.id(acme.tenant.0);
        let claim = async || {
            let claimed = change(&store, &acme.rex, async |write| write.claim_tasks(&["bash".into()], 5).await).await;
            claimed.unwrap_or_default()
        };
        let rules = "update rules set signature = (select k.signature from TABLE k where k.version = rules.version and k.tenant_id = rules.tenant_id)";
        raw.run("create table new_rules as select tenant_id, version, signature from rules").await.unwrap();
        raw.run(&format!("{} where tenant_id = {tenant}", rules.replace("TABLE", "kept_rules"))).await.unwrap();
        assert!(is_unreadable().await);
        assert!(claim().await.is_empty());
        raw.run(&format!("{} where tenant_id = {tenant}", rules.replace("TABLE", "new_rules"))).await.unwrap();
        raw.run(&format!("update task set judgment_signature = (select k.signature from kept_task k where k.id = task.id) where id = {free_id}"))
            .await
            .unwrap();
        let old_decisions = "update decision set signature = (select k.signature from kept_decision k
            where k.approval_id = decision.approval_id and k.person_id = decision.person_id)";
        let request = store.read(&acme.console).await.unwrap().approval_of(waiting.id).await.unwrap().unwrap();
        let decided = change(&store, &acme.abe, async |write| {
            write.decide(acme.abe.may(decision(&request, Answer::Approve))?).await
        });
        assert_eq!(decided.await.unwrap(), ApprovalState::Approved, "one decision by each key");
        raw.run(&format!("{old_decisions} where approval_id in (select id from approval where task_id = {approved_id})"))
            .await
            .unwrap();
        let claimed = claim().await;
        assert_eq!(claimed.iter().map(|it| it.lease.task).collect::<Vec<_>>(), [waiting.id]);
        for rejected in [&free, &approved] {
            assert_eq!(last_reason(world, rejected).await.0, "task.reject");
        }
        // The grant contains statements of the new key only.
        let consent = &claimed[0].consent;
        let statements = [consent.judgment.is_by(&|m, s| signer(2).verifies(m, s))];
        let decisions = consent.decisions.iter().map(|it| it.is_by(&|m, s| signer(2).verifies(m, s)));
        assert_eq!(statements.into_iter().chain(decisions).collect::<Vec<_>>(), [true; 3]);

        // A new task, and the verification of all starts.
        let new = change(&store, &acme.mia, async |w| w.submit_task(acme.mia.may(sealed(acme.ops))?).await).await.unwrap();
        assert_eq!(claim().await[0].lease.task, new.id);
        let proof = acme.console.may(ReadAudit).unwrap();
        let unexplained = store.snapshot(&acme.console).await.unwrap().verify_starts(&proof, None, 100).await.unwrap();
        assert_eq!((unexplained.count, unexplained.unexplained), (3, vec![]), "{ended:?} is explained by the old key");
        // A node that still has the old key can do nothing.
        let submitted = change(&world.store, &acme.mia, async |w| w.submit_task(acme.mia.may(sealed(acme.ops))?).await);
        assert!(matches!(submitted.await, Err(Error::Corrupt(_))));
        store.close().await;
    }

    /// What nobody signed is not signed with the rest.
    async fn x1_a_changed_row_is_not_signed_again(world) {
        let acme = &world.acme;
        let (changed, unreadable, good) = (approved(world, 1).await, approved(world, 2).await, approved(world, 3).await);
        let mut raw = Raw::of(world).await;
        let (first, second) = (raw.id(changed.id.0), raw.id(unreadable.id.0));
        raw.run(&format!("update task set script = 'true' where id = {first}")).await.unwrap();
        raw.run(&format!("update task set network = 'x' where id = {second}")).await.unwrap();
        let store = Store::open(Settings { signer: successor(3, &[1, 2]), ..world.settings([7; 32]) }).await.unwrap();
        let proof = acme.console.may(RotateGrantKey { key: [3; 32] }).unwrap();
        let signed = change(&store, &acme.console, async |write| write.sign_again(proof).await).await.unwrap();
        assert_eq!(signed, Some(3), "the rules, and a judgment and a decision");
        let claimed = change(&store, &acme.rex, async |write| write.claim_tasks(&["bash".into()], 5).await).await.unwrap();
        assert_eq!(claimed.iter().map(|it| it.lease.task).collect::<Vec<_>>(), [good.id]);
        store.close().await;
    }

    /// An approver whose role returned can approve a reopened request again.
    async fn d_04_a_reopened_request_can_be_decided_again_by_the_same_person(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        world.decide(&acme.ada, &world.approval_request(&task).await, Answer::Approve).await.unwrap();
        set_role(world, &acme.ada, Role::Member).await;
        world.wait(Duration::from_secs(1));
        assert!(world.claim(&acme.rex).await.is_none());
        set_role(world, &acme.ada, Role::Approver).await;
        let request = world.approval_request(&task).await;
        assert_eq!((request.state, request.given), (ApprovalState::Waiting, 1));
        let mut read = world.store.read(&acme.ada).await.unwrap();
        assert_eq!(read.approvals_waiting_for_me().await.unwrap(), 1);
        drop(read);
        assert_eq!(world.decide(&acme.ada, &request, Answer::Approve).await.unwrap(), ApprovalState::Approved);
        assert_eq!(world.claim(&acme.rex).await.unwrap().lease.task, task.id);
    }

    async fn d_04_a_reopened_request_keeps_the_larger_number_of_approvals(world) {
        let acme = &world.acme;
        world.ask(acme, 3).await;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        for approver in [&acme.ada, &acme.abe, &acme.olga] {
            world.decide(approver, &world.approval_request(&task).await, Answer::Approve).await.unwrap();
        }
        world.ask(acme, 2).await;
        for approver in [&acme.ada, &acme.abe] {
            set_role(world, approver, Role::Member).await;
        }
        assert!(world.claim(&acme.rex).await.is_none());
        let request = world.approval_request(&task).await;
        assert_eq!((request.needed, request.given), (3, 1));
    }

    /// A task that started, was released, and then waited for approval again is explained, however it ends.
    async fn x1_a_start_before_the_rules_changed_is_explained(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.mia, sealed(acme.ops)).await;
        let first = world.claim(&acme.rex).await.unwrap();
        world.change(&acme.rex, async |w| w.release_task(first.lease, "no free slot").await).await.unwrap();
        set_rules(world, vec![rule(vec![], Verdict::Ask { approvers: 2, hours: 12, passkey: false })]).await;
        assert!(world.claim(&acme.rex).await.is_none());
        world.decide(&acme.ada, &world.approval_request(&task).await, Answer::Deny).await.unwrap();
        let proof = acme.console.may(ReadAudit).unwrap();
        let mut snapshot = world.store.snapshot(&acme.console).await.unwrap();
        assert_eq!(snapshot.verify_starts(&proof, None, 10).await.unwrap().unexplained, []);
    }

    /// More events than one statement reads.
    async fn d_04_a_long_history_is_read_to_its_end(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        for _ in 0..101 {
            world.decide(&acme.ada, &world.approval_request(&task).await, Answer::Approve).await.unwrap();
            set_role(world, &acme.ada, Role::Member).await;
            world.wait(Duration::from_secs(1));
            assert!(world.claim(&acme.rex).await.is_none());
            set_role(world, &acme.ada, Role::Approver).await;
        }
        world.decide(&acme.ada, &world.approval_request(&task).await, Answer::Approve).await.unwrap();
        let id = task.id.to_string();
        let events = Raw::of(world).await.number(&format!("select count(*) from audit where target_id = '{id}'")).await;
        assert!(events > 200, "{events}");
        assert_eq!(world.claim(&acme.rex).await.unwrap().lease.task, task.id);
        let proof = acme.console.may(ReadAudit).unwrap();
        let mut snapshot = world.store.snapshot(&acme.console).await.unwrap();
        let starts = snapshot.verify_starts(&proof, None, 10).await.unwrap();
        assert_eq!((starts.count, starts.unexplained), (1, vec![]));
    }

    /// The server writes while `castellan audit verify` reads.
    async fn x1_verification_reads_one_snapshot_while_tasks_start(world) {
        let acme = &world.acme;
        let proof = acme.console.may(ReadAudit).unwrap();
        let tasks = [world.submit(&acme.mia, sealed(acme.ops)).await, world.submit(&acme.mia, sealed(acme.ops)).await];
        let first = world.claim(&acme.rex).await.unwrap();
        assert_eq!(first.lease.task, tasks[0].id);
        let mut snapshot = world.store.snapshot(&acme.console).await.unwrap();
        let mut read = world.store.read(&acme.console).await.unwrap();
        let size = read.audit_head().await.unwrap().seq;
        assert_eq!(snapshot.verify_starts(&proof, None, 1).await.unwrap().count, 1);

        let write = async {
            world.change(&acme.rex, async |w| w.release_task(first.lease, "no free slot").await).await.unwrap();
            assert_eq!(world.claim(&acme.rex).await.unwrap().lease.attempt, 2);
            assert_eq!(world.claim(&acme.rex).await.unwrap().lease.task, tasks[1].id);
        };
        tokio::time::timeout(Duration::from_secs(10), write).await.expect("the verification keeps nobody from writing");
        let starts = snapshot.verify_starts(&proof, None, 10).await.unwrap();
        assert_eq!((starts.count, starts.unexplained), (1, vec![]), "what started later is not in the snapshot");
        let verified = read.verify_audit(&proof, &std::collections::BTreeMap::new()).await.unwrap().unwrap();
        assert_eq!(verified.head.seq, size);
        drop((snapshot, read));

        let mut snapshot = world.store.snapshot(&acme.console).await.unwrap();
        let starts = snapshot.verify_starts(&proof, None, 10).await.unwrap();
        assert_eq!((starts.count, starts.unexplained), (2, vec![]));
    }

    /// Events that were appended by hand do not bring an ended task or former rules back.
    async fn x1_forged_events_do_not_bring_anything_back(world) {
        let acme = &world.acme;
        let task = world.submit(&acme.mia, sealed(acme.ops)).await;
        let taken = world.claim(&acme.rex).await.unwrap();
        world.start(&acme.rex, taken.lease).await;
        world.finish(&acme.rex, &taken, End::Exited(0)).await.unwrap();
        world.ask(acme, 2).await;
        let mut raw = Raw::of(world).await;
        let (tenant, id) = (raw.id(acme.tenant.0), raw.id(task.id.0));
        let head = world.records(acme).await;
        let forge = |seq: i64, action: &str, target: &str, detail: &str| {
            let body = format!(
                r#"{{"action":"{action}","actor":"clock","at":"2026-03-01T14:05:09Z","by":"console","detail":{detail},"outcome":"done","personal_sha256":null,"target":{{"id":"{target}","kind":"task"}}}}"#
            );
            format!("insert into audit (tenant_id, seq, at, action, outcome, target_kind, target_id, body, previous, hash)
                select tenant_id, {seq}, at, '{action}', 'done', 'task', '{target}', '{body}', previous, hash from audit
                where tenant_id = {tenant} and seq = {head}")
        };
        raw.run(&forge(head + 1, "task.release", &task.id.to_string(), r#"{"state":"queued"}"#)).await.unwrap();
        let reset = "state = 'queued', ended_at = null, ending = null, receipt = null, receipt_signature = null";
        raw.run(&format!("update task set {reset} where id = {id}")).await.unwrap();
        assert!(claim(world).await.is_none());
        assert!(world.store.read(&acme.adam).await.unwrap().rules().await.is_ok());
        raw.run(&forge(head + 2, "rules.change", "", r#"{"version":1}"#)).await.unwrap();
        assert!(world.store.read(&acme.adam).await.unwrap().rules().await.is_err());
    }
}
