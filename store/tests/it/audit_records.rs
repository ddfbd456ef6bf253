//! M-13: no record, no change. What every method of `Write` leaves in the log, in the same transaction.
use crate::{
    raw::Raw,
    walls::{idp, new_identity},
    world::{World, asking, decision, email, enrolled, hash, lease, new_key, on_both, receipt, sealed},
};
use domain::{
    Actor, EnrolmentId, Principal, ProviderId, SessionId, SignedInBy, Timestamp,
    approval::Answer,
    log::{Line, Stream},
    policy::*,
    receipt::End,
    role::{Role, TenantRole},
    rule::Rules,
};
use serde_json::json;
use std::{collections::BTreeSet, sync::Mutex, time::Duration};
use store::{NewSession, Result, WaysIn, Write};
use uuid::Uuid;

/// Does a change twice: first dropped, which must leave neither change nor record, then committed.
struct Ledger<'a> {
    world: &'a World,
    done: Mutex<BTreeSet<String>>,
}

impl Ledger<'_> {
    /// On PostgreSQL a dropped transaction keeps its locks until its connection was tidied up.
    async fn rolled_back(&self) {
        if self.world.is_sqlite() {
            return;
        }
        let mut raw = Raw::of(self.world).await;
        let open = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'";
        while raw.number(open).await > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn records<T: std::fmt::Debug>(
        &self,
        method: &str,
        count: i64,
        actor: &domain::Actor,
        work: impl AsyncFn(&mut Write) -> Result<T>,
    ) -> T {
        let world = self.world;
        let before = world.records(&world.acme).await;
        let mut dropped = world.store.write(actor).await.unwrap();
        work(&mut dropped).await.unwrap_or_else(|error| panic!("{method}: {error}"));
        drop(dropped);
        self.rolled_back().await;
        assert_eq!(world.records(&world.acme).await, before, "{method}, dropped");
        let answer = world.change(actor, async |write| work(write).await).await;
        let answer = answer.unwrap_or_else(|error| panic!("{method} after it was dropped: {error}"));
        assert_eq!(world.records(&world.acme).await - before, count, "{method}");
        self.done.lock().unwrap().insert(method.into());
        answer
    }
}

/// Methods whose change is told by the record of another in the same transaction, or is no change of anything that lasts.
const SILENT: &[(&str, &str)] = &[
    ("use_enrolment", "the runner's enrolment is recorded"),
    ("use_password_link", "the new password is recorded"),
    ("append_lines", "output is not a change of state; its digest stands in the receipt"),
    ("renew_leases", "nothing but time passes"),
    ("runner_seen", "nothing but time passes"),
];

on_both! {
    async fn m_13_every_change_makes_its_record_in_its_own_transaction(world) {
        let acme = &world.acme;
        let (mia, ada, olga, adam, rex) = (&acme.mia, &acme.ada, &acme.olga, &acme.adam, &acme.rex);
        let sam = acme.sam.person().unwrap();
        let ledger = Ledger { world, done: Mutex::default() };
        let l = &ledger;

        // People and organisations
        let lab = l.records("create_organisation", 1, adam, async |w| w.create_organisation(adam.may(CreateOrganisation { name: "new".into() })?).await).await;
        let new = || CreatePerson { email: email("new", "acme"), name: "New".into(), tenant_role: TenantRole::Person };
        let person = l.records("create_person", 1, adam, async |w| w.create_person(adam.may(new())?).await).await;
        l.records("set_membership", 1, adam, async |w| w.set_membership(adam.may(SetMembership { organisation: lab, person, role: Role::Member })?).await).await;
        l.records("remove_membership", 1, adam, async |w| w.remove_membership(adam.may(RemoveMembership { organisation: lab, person })?).await).await;
        l.records("set_tenant_role", 1, adam, async |w| w.set_tenant_role(adam.may(SetTenantRole { person, tenant_role: TenantRole::Auditor })?).await).await;
        l.records("issue_password_link", 1, adam, async |w| w.issue_password_link(adam.may(IssuePasswordLink { person })?, hash("l")).await).await;
        l.records("use_password_link", 0, adam, async |w| w.use_password_link(hash("l")).await).await;
        l.records("set_password", 1, adam, async |w| w.set_password(person, "$argon2id$").await).await;

        // Sessions and keys
        let sessions = [SessionId(Uuid::now_v7()), SessionId(Uuid::now_v7())];
        let owner = mia.person().unwrap();
        for session in sessions {
            let new = || NewSession {
                token_hash: hash(&session.to_string()), id: session, person: owner, by: SignedInBy::Password, device: "d".into(),
                address: "a".into(), expires_at: Timestamp(i64::MAX),
            };
            l.records("open_session", 1, mia, async |w| w.open_session(new()).await).await;
        }
        l.records("note_refused_sign_in", 1, mia, async |w| w.note_refused_sign_in(owner, "wrong password").await).await;
        l.records("end_session", 1, mia, async |w| w.end_session(mia.may(EndSession { session: sessions[0], owner })?).await).await;
        l.records("end_other_sessions", 1, mia, async |w| w.end_other_sessions(mia.may(EndOtherSessions { owner })?, sessions[0]).await).await;
        let key = l.records("create_key", 1, mia, async |w| w.create_key(mia.may(new_key(mia, "k", "tasks:*"))?, "mk_", hash("k")).await).await;
        l.records("revoke_key", 1, mia, async |w| w.revoke_key(mia.may(RevokeKey { key, owner })?).await).await;

        // Identity providers
        let id = ProviderId(Uuid::now_v7());
        let secret = world.store.seal_secret(acme.tenant, id, "secret").await.unwrap();
        let set = || SetProvider { id, provider: idp("ID"), new_secret: true };
        l.records("set_provider", 1, adam, async |w| w.set_provider(adam.may(set())?, Some(secret.clone())).await).await;
        let provider = Actor::provider(acme.tenant, "ID", world.now());
        let admit = || AdmitPerson { email: email("nia", "acme"), name: "Nia".into(), provider: "ID".into() };
        let nia = l.records("admit_person", 1, &provider, async |w| w.admit_person(provider.may(admit())?, new_identity("1")).await).await;
        let roles = || FollowProvider { person: nia, provider: "id".into(), tenant_role: TenantRole::Admin, roles: vec![(lab, Role::Owner)] };
        l.records("follow_provider", 1, &provider, async |w| w.follow_provider(provider.may(roles())?).await).await;
        l.records("note_refused_identity", 1, &provider, async |w| w.note_refused_identity("id", "no").await).await;
        let link = || LinkIdentity { person: owner, provider: "ID".into(), now: world.now() };
        let linked = l.records("link_identity", 1, mia, async |w| w.link_identity(mia.may(link())?, new_identity("2")).await).await;
        let ways = WaysIn { password: true, issuers: vec![] };
        world.change(mia, async |w| w.set_password(owner, "$argon2id$").await).await.unwrap();
        let unlink = || UnlinkIdentity { identity: linked, person: owner, now: world.now() };
        l.records("unlink_identity", 1, mia, async |w| w.unlink_identity(mia.may(unlink())?, &ways).await).await;
        let console = &acme.console;
        let open = || OpenBreakGlass { person: adam.person().unwrap(), until: Timestamp(i64::MAX), reason: "drill".into() };
        l.records("open_break_glass", 1, console, async |w| w.open_break_glass(console.may(open())?).await).await;
        let close = || CloseBreakGlass { person: adam.person().unwrap() };
        l.records("close_break_glass", 1, console, async |w| w.close_break_glass(console.may(close())?).await).await;
        l.records("remove_provider", 1, adam, async |w| w.remove_provider(adam.may(RemoveProvider { id })?).await).await;

        // Rules and runners
        let change = || ChangeRules { rules: Rules::default(), version: 1 };
        l.records("change_rules", 1, adam, async |w| w.change_rules(adam.may(change())?).await).await;
        let enrolment = EnrolmentId(Uuid::now_v7());
        let offer = || CreateEnrolment { enrolment, name: "new".into() };
        l.records("create_enrolment", 1, adam, async |w| w.create_enrolment(adam.may(offer())?, hash("e")).await).await;
        l.records("use_enrolment", 0, adam, async |w| w.use_enrolment(hash("e")).await).await;
        l.records("note_refused_enrolment", 1, adam, async |w| w.note_refused_enrolment(enrolment).await).await;
        let max = enrolled("max");
        l.records("enrol_runner", 1, adam, async |w| w.enrol_runner(max.clone()).await).await;
        l.records("revoke_runner", 1, adam, async |w| w.revoke_runner(adam.may(RevokeRunner { runner: max.id })?).await).await;
        l.records("runner_connected", 1, rex, async |w| w.runner_connected("1", "bash", &json!({}), 1).await).await;
        l.records("runner_seen", 0, rex, async |w| w.runner_seen().await).await;

        // Tasks
        let task = l.records("submit_task", 1, mia, async |w| w.submit_task(mia.may(asking(acme.ops))?).await).await;
        let question = world.question(&task).await;
        l.records("decide", 1, ada, async |w| w.decide(ada.may(decision(&question, Answer::Approve))?).await).await;
        let taken = l.records("claim_task", 1, rex, async |w| w.claim_task(&["bash".into()]).await).await.unwrap();
        let held = lease(&taken);
        l.records("start_task", 1, rex, async |w| w.start_task(held).await).await;
        let line = || [Line { at: Timestamp(0), stream: Stream::Stdout, text: "hi".into() }];
        l.records("append_lines", 0, rex, async |w| w.append_lines(held, 1, &line()).await).await;
        l.records("note_refused_runner", 1, rex, async |w| w.note_refused_runner(Some(held), "stale").await).await;
        l.records("renew_leases", 0, rex, async |w| w.renew_leases(&[held]).await).await;
        let receipt = receipt(rex, &taken, End::Exited(0), 1);
        l.records("finish_task", 1, rex, async |w| w.finish_task(held, &receipt, vec![]).await).await;
        let submit = async || world.submit(mia, sealed(acme.ops)).await.id;
        let waiting = submit().await;
        let stop = || CancelTask { task: waiting, owner, organisation: acme.ops };
        l.records("cancel_task", 1, mia, async |w| w.cancel_task(mia.may(stop())?).await).await;
        submit().await;
        let taken = world.claim(rex).await.unwrap();
        l.records("refuse_task", 1, rex, async |w| w.refuse_task(lease(&taken), "no").await).await;
        submit().await;
        world.claim(rex).await.unwrap();
        l.records("release_unheld", 1, rex, async |w| w.release_unheld(&[]).await).await;
        world.claim(rex).await.unwrap();
        world.submit(mia, asking(acme.ops)).await;
        world.wait(Duration::from_hours(25));
        l.records("release_expired", 1, olga, async |w| w.release_expired().await).await;
        l.records("expire_approvals", 1, olga, async |w| w.expire_approvals().await).await;
        l.records("runner_disconnected", 1, rex, async |w| w.runner_disconnected().await).await;

        let done = l.done.lock().unwrap().clone();
        let all: BTreeSet<_> = crate::walls::matrix().iter().filter_map(|row| row.method.strip_prefix("Write::").map(str::to_owned)).collect();
        assert_eq!(all.difference(&done).collect::<Vec<_>>(), Vec::<&String>::new(), "these are not in this story");
        assert!(SILENT.iter().all(|(method, _)| done.contains(*method)));
        let _ = sam;
    }

    async fn m_13_a_refused_attempt_is_recorded_and_changes_nothing(world) {
        let acme = &world.acme;
        let before = world.records(acme).await;
        let refused = world.store.authorise(&acme.mia, CreateOrganisation { name: "mine".into() }).await;
        assert!(matches!(refused, Err(store::Error::Denied(_))));
        let mut read = world.store.read(&acme.adam).await.unwrap();
        let row = read.audit_record(&acme.adam.may(ReadAudit).unwrap(), before + 1).await.unwrap();
        assert_eq!((row.action.as_str(), row.outcome.as_str(), row.person_id), ("organisation.create", "refused", acme.mia.person()));
        let filter = store::AuditFilter { outcome: Some("refused".into()), person: acme.mia.person(), ..Default::default() };
        let page = read.audit(&acme.adam.may(ReadAudit).unwrap(), filter, None, 10).await.unwrap();
        assert_eq!(page.items.iter().map(|row| row.seq).collect::<Vec<_>>(), [before + 1]);
    }

    async fn d_06_the_log_is_filtered_and_paged(world) {
        let acme = &world.acme;
        let begun = world.now();
        world.wait(Duration::from_secs(60));
        let mut tasks = vec![];
        for _ in 0..3 {
            tasks.push(world.submit(&acme.mia, sealed(acme.ops)).await);
        }
        let proof = acme.audrey.may(ReadAudit).unwrap();
        let mut read = world.store.read(&acme.audrey).await.unwrap();
        let mut found = async |filter, after, limit| {
            let page = read.audit(&proof, filter, after, limit).await.unwrap();
            (page.items.into_iter().map(|row| row.target_id).collect::<Vec<_>>(), page.next)
        };
        let submits = || store::AuditFilter { action: Some("task.submit".into()), ..Default::default() };
        let (first, next) = found(submits(), None, 2).await;
        assert_eq!(first, [tasks[2].id.to_string(), tasks[1].id.to_string()]);
        assert_eq!(found(submits(), next.unwrap().parse().ok(), 2).await, (vec![tasks[0].id.to_string()], None));
        let target = store::AuditFilter { target: Some(tasks[1].id.to_string()), ..Default::default() };
        assert_eq!(found(target, None, 9).await.0.len(), 1);
        let since = store::AuditFilter { since: Some(world.now()), until: Some(world.now()), ..Default::default() };
        assert_eq!(found(since, None, 9).await.0.len(), 3);
        let until = store::AuditFilter { until: Some(begun), person: acme.mia.person(), ..Default::default() };
        assert_eq!(found(until, None, 9).await.0.len(), 0);
    }

    /// Names stand beside the record, not in it: erasing them must not need the chain to be broken.
    async fn m_13_the_chain_holds_no_names_and_no_addresses(world) {
        let acme = &world.acme;
        world.submit(&acme.mia, sealed(acme.ops)).await;
        let Principal::Person(_) = acme.mia.principal else { unreachable!() };
        let mut read = world.store.read(&acme.adam).await.unwrap();
        let rows = read.audit_from(&acme.adam.may(ReadAudit).unwrap(), 0, 1_000).await.unwrap();
        for row in &rows {
            for word in ["@acme.example", "mia of acme", "Mia"] {
                assert!(!row.body.contains(word), "{}", row.body);
            }
        }
        assert!(rows.iter().any(|row| row.personal.as_ref().is_some_and(|text| text.contains("mia@acme.example"))));
    }
}
