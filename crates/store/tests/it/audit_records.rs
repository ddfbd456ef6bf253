//! Audit events (M-13): every method of `Write` records its change in the same transaction.
use crate::{
    raw::Raw,
    walls::{acknowledged, arrival, idp, invite, new_identity},
    world::{World, decision, email, enrolled, hash, lease, needs_approval, new_key, on_both, receipt, sealed},
};
use domain::{
    Actor, BrowserSessionId, EnrollmentId, EventId, InvitationId, PasskeyId, Principal, ProviderId, SignedInBy,
    Timestamp,
    account::Factor,
    approval::Answer,
    audit::Outcome,
    log::{Line, Stream},
    policy::*,
    receipt::End,
    role::{Role, TenantRole},
    rule::Rules,
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    time::Duration,
};
use store::{
    AnomalyFilter, MailedLink, NewBrowserSession, NewInvitation, NewPasskey, Result, SignInBasis, SignInMethods, Write,
};
use testkit::Authenticator;
use uuid::Uuid;

/// Runs each change twice: first rolled back, which must leave neither change nor event, then committed.
struct Ledger<'a> {
    world: &'a World,
    /// Methods with the number of their events.
    done: Mutex<BTreeMap<String, i64>>,
}

impl<'a> Ledger<'a> {
    fn new(world: &'a World) -> Self {
        Self { world, done: Mutex::default() }
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
        world.rolled_back().await;
        assert_eq!(world.records(&world.acme).await, before, "{method}, dropped");
        let answer = world.change(actor, async |write| work(write).await).await;
        let answer = answer.unwrap_or_else(|error| panic!("{method} after it was dropped: {error}"));
        assert_eq!(world.records(&world.acme).await - before, count, "{method}");
        *self.done.lock().unwrap().entry(method.into()).or_default() += count;
        answer
    }

    /// Asserts that exactly these methods were called, that only silent ones recorded nothing, and that the filter of the
    /// audit log offers every event.
    async fn covers(&self, methods: &[&str]) {
        let done = self.done.lock().unwrap().clone();
        let called: BTreeSet<_> = done.keys().map(String::as_str).collect();
        assert_eq!(called, methods.iter().copied().collect());
        let silent: Vec<_> =
            done.iter().filter(|(_, events)| **events == 0).map(|(method, _)| method.as_str()).collect();
        let unexplained = silent.iter().filter(|method| !SILENT.iter().any(|(known, _)| known == *method));
        assert_eq!(unexplained.collect::<Vec<_>>(), Vec::<&&str>::new(), "methods that record nothing");
        let recorded = Raw::of(self.world).await.texts("select distinct action from audit order by 1").await;
        let offered = audit_event_names();
        let missing: Vec<_> = recorded.iter().filter(|name| !offered.contains(&name.as_str())).collect();
        assert!(recorded.len() > 3 && missing.is_empty(), "{recorded:?}, missing in the filter: {missing:?}");
    }
}

/// Methods whose change is covered by another event in the same transaction, or which change nothing durable.
const SILENT: &[(&str, &str)] = &[
    ("lock_browser_session", "only locks the row"),
    ("delete_expired_history", "expired habits, failures and sessions; retention.rs tests the audit events"),
    ("use_enrollment", "the runner's enrollment is recorded"),
    ("use_password_link", "the new password is recorded"),
    ("begin_totp_enrollment", "has no effect before the first code"),
    ("totp_secret", "only reads"),
    ("durable_audit_head", "only reads"),
    ("verify_starts", "only reads"),
    ("keep_checkpoint", "signs events and is none"),
    ("use_totp_step", "the session that it completes is recorded"),
    ("use_passkey", "the session that it completes is recorded"),
    ("see_account_events", "only marks events as seen"),
    ("arrive", "updates known places; anomalies are recorded"),
    ("note_key_use", "updates known networks; anomalies are recorded"),
    ("append_lines", "output is not a change of state; its digest is in the receipt"),
    ("show_incomplete_lines", "they are output later"),
    ("renew_leases", "only updates a time"),
    ("touch_runner", "only updates a time"),
    ("mark_notifications_read", "only marks notifications as seen"),
    ("set_notification_preferences", "affects nobody else"),
];

// Methods of `Write`, by the test that calls them.
const ORGANIZATIONS: &[&str] = &[
    "create_organization",
    "set_membership",
    "remove_membership",
    "rename_organization",
    "archive_organization",
    "restore_organization",
];
const JOINING: &[&str] = &[
    "set_accepts_join_requests",
    "request_membership",
    "withdraw_join_request",
    "decline_join_request",
    "accept_join_request",
    "leave_organization",
    "invite",
    "accept_invitation",
    "confirm_invitee",
    "admit_invitee",
    "resend_invitation",
    "revoke_invitation",
];
const PEOPLE: &[&str] = &[
    "create_person",
    "set_tenant_role",
    "issue_password_link",
    "use_password_link",
    "set_password",
    "reset_factors",
    "set_factor_policy",
    "set_self_approval",
    "set_retention",
    "set_legal_hold",
    "lift_legal_hold",
    "lift_hold",
    "set_dual_control",
    "confirm_change",
    "decline_change",
    "replace_address",
];
const BROWSER_SESSIONS: &[&str] = &[
    "open_browser_session",
    "lock_browser_session",
    "complete_second_factor",
    "reauthenticate_browser_session",
    "arrive",
    "review_anomaly",
    "delete_expired_history",
    "see_account_events",
    "note_refused_sign_in",
    "note_rate_limited",
    "note_throttled",
    "note_admin_blocked",
    "end_browser_session",
    "end_other_browser_sessions",
    "end_all_browser_sessions",
];
const SIGN_IN_METHODS: &[&str] = &[
    "begin_totp_enrollment",
    "totp_secret",
    "confirm_totp",
    "use_totp_step",
    "make_recovery_codes",
    "use_recovery_code",
    "add_passkey",
    "use_passkey",
    "remove_totp",
    "remove_passkey",
    "sign_passkey",
    "note_refused_factor",
    "change_password",
    "open_browser_session",
    "mail_password_link",
    "request_address_change",
    "confirm_address",
];
const KEYS: &[&str] = &[
    "note_key_use",
    "note_refused_key",
    "create_key",
    "revoke_key",
    "change_key",
    "rotate_key",
    "revoke_keys_of",
    "create_service_account",
    "transfer_service_account",
];
const REVIEWS: &[&str] = &["start_review", "keep_reviewed", "revoke_reviewed", "finish_review"];
const PROVIDERS: &[&str] = &[
    "set_provider",
    "admit_person",
    "sync_roles_from_provider",
    "note_refused_invitation",
    "note_missing_groups",
    "note_refused_identity",
    "link_identity",
    "unlink_identity",
    "open_break_glass",
    "close_break_glass",
    "remove_provider",
];
const WEBHOOKS: &[&str] = &[
    "set_webhook",
    "test_webhook",
    "redeliver_webhook",
    "rotate_webhook_secret",
    "remove_webhook",
    "mark_notifications_read",
    "set_notification_preferences",
];
const RUNNERS: &[&str] = &[
    "change_rules",
    "create_enrollment",
    "use_enrollment",
    "note_refused_enrollment",
    "enroll_runner",
    "revoke_runner",
    "runner_connected",
    "renew_runner",
    "confirm_runner_certificate",
    "touch_runner",
    "runner_disconnected",
];
const TASKS: &[&str] = &[
    "submit_task",
    "decide",
    "claim_tasks",
    "start_task",
    "append_lines",
    "show_incomplete_lines",
    "note_refused_runner",
    "renew_leases",
    "finish_task",
    "cancel_task",
    "release_task",
    "refuse_task",
    "release_unlisted_leases",
    "release_expired_leases",
    "expire_approvals",
    "durable_audit_head",
    "verify_starts",
];
const AUDIT: &[&str] = &["keep_checkpoint", "acknowledge_audit", "restore_audit", "erase_personal_data", "sign_again"];
const EMERGENCIES: &[&str] = &["lock_person", "unlock_person", "stop_tasks", "freeze", "unfreeze"];

#[test]
fn m_13_every_method_of_write_has_a_case() {
    let tests = [
        ORGANIZATIONS,
        JOINING,
        PEOPLE,
        BROWSER_SESSIONS,
        SIGN_IN_METHODS,
        KEYS,
        REVIEWS,
        PROVIDERS,
        WEBHOOKS,
        RUNNERS,
        TASKS,
        EMERGENCIES,
        AUDIT,
    ];
    let tested: BTreeSet<_> = tests.into_iter().flatten().copied().collect();
    let rows = crate::walls::matrix();
    let all: BTreeSet<_> = rows.iter().filter_map(|row| row.method.strip_prefix("Write::")).collect();
    assert_eq!(tested, all);
    assert!(SILENT.iter().all(|(method, _)| tested.contains(method)), "every silent method is tested");
}

/// Returns a session that ends at the end of time.
fn new_browser_session(world: &World, id: BrowserSessionId, password: Option<&str>) -> NewBrowserSession {
    NewBrowserSession {
        token_hash: hash(&id.to_string()),
        id,
        person: world.acme.mia.person().unwrap(),
        by: SignedInBy::Password,
        basis: SignInBasis::Password(password.map(str::to_owned)),
        second_factor_verified: false,
        device: "d".into(),
        address: "a".into(),
        authenticated_at: world.now(),
        expires_at: Timestamp(i64::MAX),
    }
}

on_both! {
    async fn m_13_changes_of_organizations_are_recorded(world) {
        let l = &Ledger::new(world);
        let adam = &world.acme.adam;
        let person = world.acme.sam.person().unwrap();
        let lab = l.records("create_organization", 1, adam, async |w| w.create_organization(adam.may(CreateOrganization { name: "new".into() })?).await).await;
        l.records("set_membership", 1, adam, async |w| w.set_membership(adam.may(SetMembership { organization: lab, person, role: Role::Member })?).await).await;
        l.records("remove_membership", 1, adam, async |w| w.remove_membership(adam.may(RemoveMembership { organization: lab, person, successor: None })?).await).await;
        let rename = || RenameOrganization { organization: lab, name: "newer".into() };
        l.records("rename_organization", 1, adam, async |w| w.rename_organization(adam.may(rename())?).await).await;
        l.records("archive_organization", 1, adam, async |w| w.archive_organization(adam.may(ArchiveOrganization { organization: lab })?).await).await;
        l.records("restore_organization", 1, adam, async |w| w.restore_organization(adam.may(RestoreOrganization { organization: lab })?).await).await;
        l.covers(ORGANIZATIONS).await;
    }

    async fn m_13_joining_and_leaving_are_recorded(world) {
        let l = &Ledger::new(world);
        let (acme, mia, adam) = (&world.acme, &world.acme.mia, &world.acme.adam);
        let lab = acme.lab;
        l.records("set_accepts_join_requests", 1, adam, async |w| w.set_accepts_join_requests(adam.may(SetAcceptsJoinRequests { organization: lab, open: true })?).await).await;
        let (mias, nobody) = (mia.person().unwrap(), Actor::invitation(acme.tenant, world.now()));
        let ask = || RequestMembership { organization: lab, person: mias, reason: String::new() };
        let request = l.records("request_membership", 1, mia, async |w| w.request_membership(mia.may(ask())?).await).await;
        l.records("withdraw_join_request", 1, mia, async |w| w.withdraw_join_request(mia.may(WithdrawJoinRequest { request, person: mias })?).await).await;
        let request = world.change(mia, async |w| w.request_membership(mia.may(ask())?).await).await.unwrap();
        let decline = || DeclineJoinRequest { request, organization: lab, reason: "full".into() };
        l.records("decline_join_request", 1, adam, async |w| w.decline_join_request(adam.may(decline())?).await).await;
        let request = world.change(mia, async |w| w.request_membership(mia.may(ask())?).await).await.unwrap();
        let accept = || AcceptJoinRequest { request, organization: lab, role: Role::Member };
        l.records("accept_join_request", 1, adam, async |w| w.accept_join_request(adam.may(accept())?).await).await;
        let leave = || LeaveOrganization { organization: lab, person: mias, successor: None };
        l.records("leave_organization", 1, mia, async |w| w.leave_organization(mia.may(leave())?).await).await;
        let (invitation, organization) = (InvitationId(store::new_id()), lab);
        let link = |token: &str| NewInvitation { token: token.into(), token_hash: hash(token) };
        l.records("invite", 1, adam, async |w| w.invite(adam.may(invite(invitation, lab))?, link("i")).await).await;
        let accept = || AcceptInvitation { invitation, organization, person: mias };
        l.records("accept_invitation", 1, mia, async |w| w.accept_invitation(mia.may(accept())?, hash("i")).await).await;
        let confirm = || ConfirmInvitee { invitation, organization, email: email("ivy", "acme") };
        l.records("confirm_invitee", 1, &nobody, async |w| w.confirm_invitee(nobody.may(confirm())?, hash("i"), link("j")).await).await;
        let admit = || AdmitInvitee { invitation, organization, email: email("ivy", "acme"), name: "Ivy".into() };
        l.records("admit_invitee", 1, &nobody, async |w| w.admit_invitee(nobody.may(admit())?, hash("i"), "$argon2id$").await).await;
        let bound = InvitationId(store::new_id());
        let to = Invite { email: Some(email("ivy", "acme")), uses: 1, ..invite(bound, lab) };
        l.world.change(adam, async |w| w.invite(adam.may(to)?, link("k")).await).await.unwrap();
        let resend = || ResendInvitation { invitation: bound, organization };
        l.records("resend_invitation", 1, adam, async |w| w.resend_invitation(adam.may(resend())?, link("l")).await).await;
        l.records("revoke_invitation", 1, adam, async |w| w.revoke_invitation(adam.may(RevokeInvitation { invitation, organization })?).await).await;
        l.covers(JOINING).await;
    }

    async fn m_13_changes_of_people_are_recorded(world) {
        let l = &Ledger::new(world);
        let adam = &world.acme.adam;
        let new = || CreatePerson { email: email("new", "acme"), name: "New".into(), tenant_role: TenantRole::Person };
        let person = l.records("create_person", 1, adam, async |w| w.create_person(adam.may(new())?).await).await;
        l.records("set_tenant_role", 1, adam, async |w| w.set_tenant_role(adam.may(SetTenantRole { person, tenant_role: TenantRole::Auditor })?).await).await;
        l.records("issue_password_link", 1, adam, async |w| w.issue_password_link(adam.may(IssuePasswordLink { person })?, hash("l")).await).await;
        l.records("use_password_link", 0, adam, async |w| w.use_password_link(hash("l")).await).await;
        l.records("set_password", 1, adam, async |w| w.set_password(person, "$argon2id$").await).await;
        l.records("reset_factors", 1, adam, async |w| w.reset_factors(adam.may(ResetFactors { person })?).await).await;
        l.records("set_factor_policy", 1, adam, async |w| w.set_factor_policy(adam.may(SetFactorPolicy { everybody: false })?).await).await;
        let times = || domain::retention::RetentionTimes::default();
        l.records("set_retention", 1, adam, async |w| w.set_retention(adam.may(SetRetention { times: times() })?).await).await;
        let hold = || SetLegalHold { reason: "case 7".into() };
        l.records("set_legal_hold", 1, adam, async |w| w.set_legal_hold(adam.may(hold())?).await).await;
        l.records("lift_legal_hold", 1, adam, async |w| w.lift_legal_hold(adam.may(LiftLegalHold {})?).await).await;
        l.records("set_self_approval", 1, adam, async |w| w.set_self_approval(adam.may(SetSelfApproval { allowed: true })?).await).await;
        let (held, console) = (world.acme.ada.person().unwrap(), &world.acme.console);
        world.change(adam, async |w| w.reset_factors(adam.may(ResetFactors { person: held })?).await).await.unwrap();
        let lift = || LiftHold { person: held, maker: adam.person().unwrap() };
        l.records("lift_hold", 1, console, async |w| w.lift_hold(console.may(lift())?).await).await;
        l.records("set_dual_control", 1, adam, async |w| w.set_dual_control(adam.may(SetDualControl { enabled: true })?).await).await;
        let (olga, admin) = (&world.acme.olga, adam.person().unwrap());
        for method in ["confirm_change", "decline_change"] {
            let (organization, role) = (world.acme.ops, if method == "confirm_change" { Role::Owner } else { Role::Approver });
            let person = if method == "confirm_change" { held } else { world.acme.vera.person().unwrap() };
            let set = SetMembership { organization, person, role };
            world.change(adam, async |w| w.set_membership(adam.may(set)?).await).await.unwrap();
            let (request, organization) = (world.store.read(adam).await.unwrap().confirmations().await.unwrap()[0].id, Some(organization));
            match method {
                "confirm_change" => {
                    let confirm = || ConfirmChange { request, requester: admin, person: Some(held), organization };
                    l.records(method, 2, olga, async |w| w.confirm_change(olga.may(confirm())?, mailed("unused")).await).await;
                }
                _ => l.records(method, 1, olga, async |w| w.decline_change(olga.may(DeclineChange { request, requester: admin, organization })?).await).await,
            }
        }
        let replace = || ReplaceAddress { person, email: email("replaced", "acme") };
        l.records("replace_address", 1, adam, async |w| w.replace_address(adam.may(replace())?, mailed("replaced")).await).await;
        l.covers(PEOPLE).await;
    }

    async fn m_13_what_an_operator_does_to_the_audit_log_is_recorded(world) {
        let l = &Ledger::new(world);
        let console = &world.acme.console;
        l.records("keep_checkpoint", 0, console, async |w| w.keep_checkpoint(Uuid::nil(), "note".into()).await).await;
        let erase = || ErasePersonalData { person: world.acme.mia.person().unwrap(), reason: "left".into() };
        l.records("erase_personal_data", 1, console, async |w| w.erase_personal_data(console.may(erase())?, 0).await).await;
        l.records("acknowledge_audit", 1, console, async |w| w.acknowledge_audit(console.may(AcknowledgeAudit { change: acknowledged() })?).await).await;
        l.records("sign_again", 1, console, async |w| w.sign_again(console.may(RotateGrantKey { key: [1; 32] })?).await).await;
        l.records("sign_again", 0, console, async |w| w.sign_again(console.may(RotateGrantKey { key: [1; 32] })?).await).await;
        l.records("restore_audit", 1, console, async |w| w.restore_audit(console.may(RestoreAudit { change: acknowledged() })?).await).await;
        l.covers(AUDIT).await;
    }

    async fn m_13_browser_sessions_and_refusals_are_recorded(world) {
        let l = &Ledger::new(world);
        let (mia, adam) = (&world.acme.mia, &world.acme.adam);
        let sessions = [BrowserSessionId(store::new_id()), BrowserSessionId(store::new_id())];
        let owner = mia.person().unwrap();
        for session in sessions {
            l.records("open_browser_session", 1, mia, async |w| w.open_browser_session(new_browser_session(world, session, None)).await).await;
        }
        l.records("lock_browser_session", 0, mia, async |w| w.lock_browser_session(sessions[0]).await).await;
        l.records("complete_second_factor", 1, mia, async |w| w.complete_second_factor(sessions[0], hash("second_factor_verified")).await).await;
        l.records("reauthenticate_browser_session", 1, mia, async |w| w.reauthenticate_browser_session(sessions[0]).await).await;
        l.records("arrive", 0, mia, async |w| w.arrive(owner, &arrival("laptop", true)).await).await;
        l.records("arrive", 1, mia, async |w| w.arrive(owner, &arrival("phone", true)).await).await;
        let proof = adam.may(ReadAudit).unwrap();
        let found = world.store.read(adam).await.unwrap().anomalies(&proof, AnomalyFilter::default(), None, 1).await.unwrap().items[0].id;
        let look = || ReviewAnomaly { id: found, seen: world.now() };
        l.records("review_anomaly", 1, adam, async |w| w.review_anomaly(adam.may(look())?).await).await;
        l.records("delete_expired_history", 0, adam, async |w| w.delete_expired_history(100).await).await;
        l.records("see_account_events", 0, mia, async |w| w.see_account_events(EventId(Uuid::max())).await).await;
        l.records("note_refused_sign_in", 1, mia, async |w| w.note_refused_sign_in(owner, "wrong password").await).await;
        let limited = || store::RateLimited {
            class: "changes", target: "POST /api/v1/tasks".into(), key_prefix: None, quota: 1, window: 60,
        };
        l.records("note_rate_limited", 1, mia, async |w| w.note_rate_limited(limited()).await).await;
        l.records("note_throttled", 1, mia, async |w| w.note_throttled(owner).await).await;
        l.records("note_admin_blocked", 1, mia, async |w| w.note_admin_blocked().await).await;
        l.records("end_browser_session", 1, mia, async |w| w.end_browser_session(mia.may(EndBrowserSession { session: sessions[0], owner })?).await).await;
        l.records("end_other_browser_sessions", 1, mia, async |w| w.end_other_browser_sessions(mia.may(EndOtherBrowserSessions { owner })?, sessions[0]).await).await;
        l.records("end_all_browser_sessions", 1, adam, async |w| w.end_all_browser_sessions(adam.may(EndBrowserSessions { of: None })?, None).await).await;
        l.covers(BROWSER_SESSIONS).await;
    }

    async fn m_13_changes_of_sign_in_methods_are_recorded(world) {
        let l = &Ledger::new(world);
        let mia = &world.acme.mia;
        let sessions = [BrowserSessionId(store::new_id()), BrowserSessionId(store::new_id())];
        let owner = mia.person().unwrap();
        for session in sessions {
            world.change(mia, async |w| w.open_browser_session(new_browser_session(world, session, None)).await).await.unwrap();
        }
        let enroll = |factor| mia.may(EnrollFactor { owner, factor });
        let remove = |factor| mia.may(RemoveFactor { owner, factor });
        l.records("begin_totp_enrollment", 0, mia, async |w| w.begin_totp_enrollment(&enroll(Factor::Totp)?, b"secret").await).await;
        l.records("totp_secret", 0, mia, async |w| w.totp_secret().await).await;
        l.records("confirm_totp", 1, mia, async |w| w.confirm_totp(enroll(Factor::Totp)?, 1).await).await;
        l.records("use_totp_step", 0, mia, async |w| w.use_totp_step(2).await).await;
        l.records("make_recovery_codes", 1, mia, async |w| w.make_recovery_codes(mia.may(MakeRecoveryCodes { owner })?, &[hash("code")]).await).await;
        l.records("use_recovery_code", 1, mia, async |w| w.use_recovery_code(hash("code")).await).await;
        let passkey = PasskeyId(store::new_id());
        let new = || NewPasskey {
            id: passkey,
            name: "Phone".into(),
            credential_id: vec![1],
            body: "{}".into(),
            public_key: vec![],
            relying_party: "localhost".into(),
        };
        l.records("add_passkey", 1, mia, async |w| w.add_passkey(enroll(Factor::Passkey)?, new()).await).await;
        l.records("use_passkey", 0, mia, async |w| w.use_passkey(passkey, "{}").await).await;
        let device = Authenticator::es256(mia.tenant, owner, "localhost");
        let by = || NewPasskey {
            id: PasskeyId(store::new_id()),
            credential_id: device.passkey.credential_id.0.clone(),
            public_key: device.passkey.public_key.0.clone(),
            ..new()
        };
        l.records("add_passkey", 1, mia, async |w| w.add_passkey(enroll(Factor::Passkey)?, by()).await).await;
        let signed = domain::passkey::Passkey {
            credential_id: domain::passkey::Base64Url(vec![1]),
            public_key: domain::passkey::Base64Url(vec![]),
            ..device.passkey.clone()
        };
        let addition = domain::passkey::PasskeyAddition { passkey: signed, at: world.now() };
        let assertion = device.sign(&addition);
        l.records("sign_passkey", 1, mia, async |w| w.sign_passkey(mia.may(SignPasskey { owner })?, passkey, addition.at, &assertion).await).await;
        l.records("remove_totp", 2, mia, async |w| w.remove_totp(remove(Factor::Totp)?, Some(sessions[0])).await).await;
        l.records("remove_passkey", 1, mia, async |w| w.remove_passkey(remove(Factor::Passkey)?, passkey, Some(sessions[0])).await).await;
        l.records("note_refused_factor", 1, mia, async |w| w.note_refused_factor("wrong code").await).await;
        l.records("change_password", 1, mia, async |w| w.change_password(mia.may(ChangePassword { owner })?, "$argon2id$", Some(sessions[0])).await).await;
        let (id, password) = (BrowserSessionId(store::new_id()), Some("$argon2id$"));
        l.records("open_browser_session", 1, mia, async |w| w.open_browser_session(new_browser_session(world, id, password)).await).await;
        l.records("mail_password_link", 1, mia, async |w| w.mail_password_link(owner, "t", hash("mailed")).await).await;
        let address = email("moved", "acme");
        l.records("request_address_change", 1, mia, async |w| w.request_address_change(mia.may(ChangeAddress { owner })?, &address, mailed("address"), mailed("present")).await).await;
        l.records("confirm_address", 1, mia, async |w| w.confirm_address(hash("present"), Some(sessions[0])).await).await;
        l.records("confirm_address", 2, mia, async |w| w.confirm_address(hash("address"), Some(sessions[0])).await).await;
        l.covers(SIGN_IN_METHODS).await;
    }

    async fn m_13_changes_of_keys_and_service_accounts_are_recorded(world) {
        let l = &Ledger::new(world);
        let (mia, adam) = (&world.acme.mia, &world.acme.adam);
        let owner = mia.person().unwrap();
        let key = world.key(mia, "tasks:read").await;
        l.records("note_key_use", 0, &key, async |w| w.note_key_use(None).await).await;
        l.records("note_refused_key", 1, mia, async |w| w.note_refused_key("mk_abcdef", "elsewhere").await).await;
        let key = l.records("create_key", 1, mia, async |w| w.create_key(mia.may(new_key(mia, "k", "tasks:*"))?, "mk_", hash("k")).await).await;
        l.records("revoke_key", 1, mia, async |w| w.revoke_key(mia.may(RevokeKey { key, owner, responsible: None })?).await).await;
        let key = l.records("create_key", 1, mia, async |w| w.create_key(mia.may(new_key(mia, "k", "tasks:*"))?, "mk_", hash("k2")).await).await;
        let change = || ChangeKey {
            key, owner, responsible: None, name: "k".into(), networks: domain::Networks::default(), end: KeyExpiryChange::Never,
        };
        l.records("change_key", 1, mia, async |w| w.change_key(mia.may(change())?).await).await;
        let rotate = || RotateKey { key, owner, responsible: None, overlap: Duration::from_mins(1) };
        l.records("rotate_key", 1, mia, async |w| w.rotate_key(mia.may(rotate())?, "mk_", hash("k3")).await).await;
        l.records("revoke_keys_of", 1, mia, async |w| w.revoke_keys_of(mia.may(RevokeKeysOf { owner, responsible: None })?).await).await;
        let robot = || CreateServiceAccount { name: "Robot".into(), responsible: owner };
        let account = l.records("create_service_account", 1, adam, async |w| w.create_service_account(adam.may(robot())?).await).await;
        let hand_on = || TransferServiceAccount { account, responsible: owner, successor: adam.person().unwrap(), revoke: true };
        l.records("transfer_service_account", 1, adam, async |w| w.transfer_service_account(adam.may(hand_on())?).await).await;
        l.covers(KEYS).await;
    }

    async fn m_13_access_reviews_are_recorded(world) {
        let l = &Ledger::new(world);
        let adam = &world.acme.adam;
        let start = || StartReview { organization: None };
        let review = l.records("start_review", 1, adam, async |w| w.start_review(adam.may(start())?).await).await;
        let items = world.store.read(adam).await.unwrap().review_items(review, true, world.now(), 0, 500).await.unwrap();
        let (last, others) = items.split_last().unwrap();
        let keep = || KeepReviewed { review, items: others.iter().map(|item| item.item_number).collect() };
        l.records("keep_reviewed", 1, adam, async |w| w.keep_reviewed(adam.may(keep())?).await).await;
        let revoke = || RevokeReviewed { review, item: last.item_number };
        l.records("revoke_reviewed", 2, adam, async |w| w.revoke_reviewed(adam.may(revoke())?).await).await;
        l.records("finish_review", 1, adam, async |w| w.finish_review(adam.may(FinishReview { review })?).await).await;
        l.covers(REVIEWS).await;
    }

    async fn m_13_changes_of_identity_providers_are_recorded(world) {
        let l = &Ledger::new(world);
        let (acme, mia, adam, console) = (&world.acme, &world.acme.mia, &world.acme.adam, &world.acme.console);
        let owner = mia.person().unwrap();
        let id = ProviderId(store::new_id());
        let secret = world.store.seal_secret(acme.tenant, id, "secret").await.unwrap();
        let set = || SetProvider { id, provider: idp("ID"), new_secret: true };
        l.records("set_provider", 1, adam, async |w| w.set_provider(adam.may(set())?, Some(secret.clone())).await).await;
        let provider = Actor::provider(acme.tenant, "ID", world.now());
        let admit = || AdmitPerson { email: email("nia", "acme"), name: "Nia".into(), provider: "ID".into() };
        let nia = l.records("admit_person", 1, &provider, async |w| w.admit_person(provider.may(admit())?, new_identity("1")).await).await;
        let roles = || SyncProviderRoles { person: nia, provider: "id".into(), tenant_role: TenantRole::Admin, roles: Some(vec![(acme.lab, Role::Owner)]) };
        l.records("sync_roles_from_provider", 1, &provider, async |w| w.sync_roles_from_provider(provider.may(roles())?).await).await;
        let invitation = domain::InvitationId(store::new_id());
        l.records("note_refused_invitation", 1, &provider, async |w| {
            w.note_refused_invitation(invitation, acme.ops, "invitation.accept", "no").await
        }).await;
        l.records("note_missing_groups", 1, &provider, async |w| w.note_missing_groups(nia, "id").await).await;
        l.records("note_refused_identity", 1, &provider, async |w| w.note_refused_identity("id", "no").await).await;
        let link = || LinkIdentity { person: owner, provider: "ID".into() };
        let linked = l.records("link_identity", 1, mia, async |w| w.link_identity(mia.may(link())?, new_identity("2")).await).await;
        let ways = SignInMethods { password: true, issuers: vec![] };
        world.change(mia, async |w| w.set_password(owner, "$argon2id$").await).await.unwrap();
        let unlink = || UnlinkIdentity { identity: linked, person: owner };
        l.records("unlink_identity", 1, mia, async |w| w.unlink_identity(mia.may(unlink())?, &ways, None).await).await;
        let open = || OpenBreakGlass { person: adam.person().unwrap(), until: Timestamp(i64::MAX), reason: "drill".into() };
        l.records("open_break_glass", 1, console, async |w| w.open_break_glass(console.may(open())?).await).await;
        let close = || CloseBreakGlass { person: adam.person().unwrap() };
        l.records("close_break_glass", 1, console, async |w| w.close_break_glass(console.may(close())?).await).await;
        l.records("remove_provider", 1, adam, async |w| w.remove_provider(adam.may(RemoveProvider { id })?).await).await;
        l.covers(PROVIDERS).await;
    }

    async fn m_13_changes_of_webhooks_are_recorded_and_preferences_are_not(world) {
        let l = &Ledger::new(world);
        let (mia, adam) = (&world.acme.mia, &world.acme.adam);
        let id = domain::WebhookId(store::new_id());
        let (kind, events) = (domain::notification::WebhookKind::Generic, domain::notification::Events::default());
        let set = || SetWebhook { id, name: "chat".into(), kind, events: events.clone(), enabled: true, new_host: None };
        let (url, secret) = (Some("https://x.example".to_owned()), Some("whsec_bmV3".to_owned()));
        l.records("set_webhook", 1, adam, async |w| w.set_webhook(adam.may(set())?, url.clone(), secret.clone()).await).await;
        l.records("test_webhook", 1, adam, async |w| w.test_webhook(adam.may(TestWebhook { id })?).await).await;
        let due = world.store.system().take_delivery().await.unwrap().unwrap();
        world.store.system().finish_delivery(&due, store::Attempt::Abandoned("410".into())).await.unwrap();
        let redeliver = || RedeliverWebhook { id, delivery: due.id };
        l.records("redeliver_webhook", 1, adam, async |w| w.redeliver_webhook(adam.may(redeliver())?).await).await;
        let rotate = || RotateWebhookSecret { id };
        l.records("rotate_webhook_secret", 1, adam, async |w| w.rotate_webhook_secret(adam.may(rotate())?, "whsec_b3Ro".into()).await).await;
        l.records("remove_webhook", 1, adam, async |w| w.remove_webhook(adam.may(RemoveWebhook { id })?).await).await;
        let all = (domain::NotificationId(Uuid::nil()), domain::NotificationId(Uuid::max()));
        l.records("mark_notifications_read", 0, mia, async |w| w.mark_notifications_read(None, all.0, all.1).await).await;
        l.records("set_notification_preferences", 0, mia, async |w| w.set_notification_preferences(&Default::default()).await).await;
        l.covers(WEBHOOKS).await;
    }

    async fn m_13_changes_of_rules_and_runners_are_recorded(world) {
        let l = &Ledger::new(world);
        let (adam, rex) = (&world.acme.adam, &world.acme.rex);
        let change = || ChangeRules { rules: Rules::default(), version: 1 };
        l.records("change_rules", 1, adam, async |w| w.change_rules(adam.may(change())?).await).await;
        let enrollment = EnrollmentId(store::new_id());
        let offer = || CreateEnrollment { enrollment, name: "new".into() };
        l.records("create_enrollment", 1, adam, async |w| w.create_enrollment(adam.may(offer())?, hash("e")).await).await;
        l.records("use_enrollment", 0, adam, async |w| w.use_enrollment(hash("e")).await).await;
        l.records("note_refused_enrollment", 1, adam, async |w| w.note_refused_enrollment(enrollment).await).await;
        let max = enrolled("max");
        l.records("enroll_runner", 1, adam, async |w| w.enroll_runner(max.clone()).await).await;
        l.records("revoke_runner", 1, adam, async |w| w.revoke_runner(adam.may(RevokeRunner { runner: max.id })?).await).await;
        l.records("runner_connected", 1, rex, async |w| w.runner_connected("1", "bash", &json!({}), 1).await).await;
        l.records("renew_runner", 1, rex, async |w| w.renew_runner("next".into(), Timestamp(i64::MAX)).await).await;
        l.records("confirm_runner_certificate", 1, rex, async |w| w.confirm_runner_certificate("next").await).await;
        l.records("confirm_runner_certificate", 0, rex, async |w| w.confirm_runner_certificate("next").await).await;
        l.records("touch_runner", 0, rex, async |w| w.touch_runner().await).await;
        l.records("runner_disconnected", 1, rex, async |w| w.runner_disconnected(false).await).await;
        l.covers(RUNNERS).await;
    }

    async fn m_13_submission_decision_and_run_of_tasks_are_recorded(world) {
        let l = &Ledger::new(world);
        let acme = &world.acme;
        let (mia, ada, olga, rex) = (&acme.mia, &acme.ada, &acme.olga, &acme.rex);
        let owner = mia.person().unwrap();
        let task = l.records("submit_task", 1, mia, async |w| w.submit_task(mia.may(needs_approval(acme.ops))?).await).await;
        let approval = world.approval_request(&task).await;
        l.records("decide", 1, ada, async |w| w.decide(ada.may(decision(&approval, Answer::Approve))?).await).await;
        let taken = l.records("claim_tasks", 1, rex, async |w| w.claim_tasks(&["bash".into()], 1).await).await.pop().unwrap();
        let held = lease(&taken);
        l.records("start_task", 1, rex, async |w| w.start_task(held).await).await;
        let line = || [Line::new(Timestamp(0), Stream::Stdout, "hi")];
        l.records("show_incomplete_lines", 0, rex, async |w| w.show_incomplete_lines(held, &line()).await).await;
        l.records("append_lines", 0, rex, async |w| w.append_lines(held, 1, &line()).await).await;
        l.records("note_refused_runner", 1, rex, async |w| w.note_refused_runner(Some(held), "stale").await).await;
        l.records("renew_leases", 0, rex, async |w| w.renew_leases(&[held]).await).await;
        let receipt = receipt(rex, &taken, End::Exited(0), "hi\n");
        l.records("finish_task", 1, rex, async |w| w.finish_task(held, &receipt, vec![]).await).await;
        let submit = async || world.submit(mia, sealed(acme.ops)).await.id;
        let waiting = submit().await;
        let stop = || CancelTask { task: waiting, owner, organization: acme.ops };
        l.records("cancel_task", 1, mia, async |w| w.cancel_task(mia.may(stop())?).await).await;
        submit().await;
        let taken = world.claim(rex).await.unwrap();
        l.records("release_task", 1, rex, async |w| w.release_task(lease(&taken), "no room").await).await;
        let taken = world.claim(rex).await.unwrap();
        l.records("refuse_task", 1, rex, async |w| w.refuse_task(lease(&taken), "no").await).await;
        submit().await;
        world.claim(rex).await.unwrap();
        l.records("release_unlisted_leases", 1, rex, async |w| w.release_unlisted_leases(&[]).await).await;
        world.claim(rex).await.unwrap();
        world.submit(mia, needs_approval(acme.ops)).await;
        world.wait(Duration::from_hours(25));
        l.records("release_expired_leases", 1, olga, async |w| w.release_expired_leases().await).await;
        l.records("expire_approvals", 1, olga, async |w| w.expire_approvals().await).await;
        l.records("durable_audit_head", 0, mia, async |w| w.durable_audit_head().await).await;
        let console = &acme.console;
        l.records("verify_starts", 0, console, async |w| w.verify_starts(&console.may(ReadAudit)?, None, 50).await).await;
        l.covers(TASKS).await;
    }

    async fn m_13_emergency_actions_are_recorded(world) {
        let l = &Ledger::new(world);
        let (acme, adam) = (&world.acme, &world.acme.adam);
        let person = acme.sam.person().unwrap();
        l.records("lock_person", 1, adam, async |w| w.lock_person(adam.may(LockPerson { person })?).await).await;
        l.records("unlock_person", 1, adam, async |w| w.unlock_person(adam.may(UnlockPerson { person })?).await).await;
        for _ in 0..2 {
            world.submit(&acme.mia, sealed(acme.ops)).await;
        }
        let all = || StopTasks { whose: Stopped::WholeTenant };
        l.records("stop_tasks", 3, adam, async |w| w.stop_tasks(adam.may(all())?).await).await;
        l.records("freeze", 1, adam, async |w| w.freeze(adam.may(FreezeTenant {})?).await).await;
        l.records("unfreeze", 1, adam, async |w| w.unfreeze(adam.may(UnfreezeTenant {})?).await).await;
        l.covers(EMERGENCIES).await;
    }

    async fn m_13_a_refused_attempt_is_recorded_and_changes_nothing(world) {
        let acme = &world.acme;
        let before = world.records(acme).await;
        let refused = world.store.authorize(&acme.mia, CreateOrganization { name: "mine".into() }).await;
        assert!(matches!(refused, Err(store::Error::Denied(_))));
        let mut read = world.store.read(&acme.adam).await.unwrap();
        let row = read.audit_record(&acme.adam.may(ReadAudit).unwrap(), before + 1).await.unwrap();
        assert_eq!((row.action.as_str(), row.outcome.as_str(), row.person_id), ("organization.create", "refused", acme.mia.person()));
        let filter = store::AuditFilter { outcome: Some(Outcome::Refused), person: acme.mia.person(), ..Default::default() };
        let page = read.audit(&acme.adam.may(ReadAudit).unwrap(), filter, None, 10).await.unwrap();
        assert_eq!(page.items.iter().map(|row| row.seq).collect::<Vec<_>>(), [before + 1]);
    }

    async fn d_06_the_log_is_filtered_and_paged(world) {
        let acme = &world.acme;
        let begun = world.now();
        world.wait(Duration::from_mins(1));
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

    /// Names are stored next to the chained event, so that erasing them does not break the chain.
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

/// Returns a link with this token.
fn mailed(token: &str) -> MailedLink<'_> {
    MailedLink { token, token_hash: hash(token) }
}
