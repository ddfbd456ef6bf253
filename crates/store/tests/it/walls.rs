//! Tenant isolation matrix (M-11): every method of the store × every role × two tenants. `sources.rs` fails for methods
//! without a row.
use crate::{
    raw::Raw,
    world::{
        TenantFixture, World, decision, email, enrolled, hash, lease, needs_approval, new_key, on_both, person,
        receipt, sealed, task,
    },
};
use domain::{
    Action, Actor, Allowed, ApprovalId, BrowserSessionId, ConfirmationId, DeliveryId, Email, EnrollmentId, EventId,
    IdentityId, InvitationId, JoinRequestId, KeyId, NotificationId, OrganizationId, PasskeyId, PersonId, ProviderId,
    ReviewId, RunnerId, SignedInBy, TaskId, WebhookId,
    account::Factor,
    approval::{Answer, Requesters},
    confirmation::ProtectedChange,
    log::{Line, Stream},
    notification::{Events, Notification, WebhookKind},
    passkey::{self, Base64Url, PasskeyAddition},
    policy::*,
    provider::{Provider, ProviderForm},
    receipt::{End, Receipt},
    request::{InputDigest, RequestDigest},
    retention::RetentionTimes,
    role::{Role, TenantRole},
    rule::{DEFAULT_VERDICT, Rule, Rules},
};
use futures::future::BoxFuture;
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};
use store::{
    AnomalyFilter, ApprovalFilter, Arrival, AuditFilter, Error, Lease, MailedLink, NewBrowserSession, NewIdentity,
    NewInvitation, NewPasskey, RateLimited, ResourceRef, Result, SignInBasis, SignInMethods, TaskFilter, Write,
};
use testkit::Authenticator;
use uuid::Uuid;

/// The ids and tokens that the calls of the matrix refer to. None of them names its tenant.
#[derive(Clone)]
pub struct Resources {
    /// Submitted by `person`, private, waiting for a second approval.
    task: TaskId,
    approval: ApprovalId,
    request: RequestDigest,
    organization: OrganizationId,
    organization_name: String,
    /// Archived, with Olga as its owner.
    archived: OrganizationId,
    /// Mia.
    person: PersonId,
    /// Ada, who is on hold because of Adam.
    held: PersonId,
    /// Adam's, to make Ada an owner.
    confirmation: ConfirmationId,
    /// Adam's, to loosen the rules.
    proposal: ConfirmationId,
    email: Email,
    /// Held by the runner, private, with a line of output.
    lease: Lease,
    receipt: Receipt,
    runner: RunnerId,
    serial: String,
    enrollment: EnrollmentId,
    enrollment_token: [u8; 32],
    link_token: [u8; 32],
    session: BrowserSessionId,
    key: KeyId,
    passkey: PasskeyId,
    recovery_code: [u8; 32],
    address_token: [u8; 32],
    /// Adam, who has a password and break-glass access.
    admin: PersonId,
    /// A service account that Mia is responsible for.
    account: PersonId,
    provider: ProviderId,
    /// Mia's; she has another one.
    identity: IdentityId,
    /// For the whole tenant, without decisions. Its first right is Audrey's.
    review: ReviewId,
    /// Mia signed in from a new place.
    anomaly: EventId,
    /// To the organization, for anybody.
    invitation: InvitationId,
    invitation_token: [u8; 32],
    /// Sam's, waiting for a decision.
    join_request: JoinRequestId,
    /// Has a message that was abandoned.
    webhook: WebhookId,
    delivery: DeliveryId,
    /// Hash of the last event in the audit log.
    audit_head: [u8; 32],
}

/// Returns rules that name an organization and a person.
fn naming(organization: OrganizationId, person: PersonId) -> Rules {
    let rule =
        Rule { organizations: vec![organization], submitters: vec![person], ..Rule::new("names", DEFAULT_VERDICT) };
    Rules::new(vec![rule]).unwrap()
}

/// Lets rules wait for confirmation. The tenant has only one admin, so the rows are inserted.
async fn propose_rules(world: &World, fixture: &TenantFixture) -> ConfirmationId {
    let (id, body) = (ConfirmationId(store::new_id()), serde_json::to_string(&Rules::default()).unwrap());
    let digest = InputDigest::of(body.as_bytes());
    let change = ProtectedChange::LoosenRules { version: 2, digest };
    let mut raw = Raw::of(world).await;
    let bytes = match &raw {
        Raw::Sqlite(_) => format!("x'{digest}'"),
        Raw::Postgres(_) => format!("'\\x{digest}'"),
    };
    let (tenant, adam) = (raw.id(fixture.console.tenant.0), raw.id(fixture.adam.person().unwrap().0));
    let (key, now) = (raw.id(id.0), world.now().0);
    for statement in [
        format!(
            "insert into rules_proposal (tenant_id, digest, body, created_at) values ({tenant}, {bytes}, '{body}', {now})"
        ),
        format!(
            "insert into confirmation (tenant_id, id, change, requester_id, state, created_at, expires_at)
            values ({tenant}, {key}, '{change}', {adam}, 'waiting', {now}, {now} + 604800000000)"
        ),
    ] {
        raw.run(&statement).await.unwrap();
    }
    id
}

impl Resources {
    /// Creates the resources of both tenants, and work in each that is overdue.
    pub async fn create_in_both(world: &World) -> (Self, Self) {
        for fixture in [&world.acme, &world.bolt] {
            create_overdue_work(world, fixture).await;
        }
        world.wait(Duration::from_hours(25));
        (Self::create_in(world, &world.acme).await, Self::create_in(world, &world.bolt).await)
    }

    /// Creates one resource of each kind in a tenant.
    pub async fn create_in(world: &World, fixture: &TenantFixture) -> Self {
        let TenantFixture { name, mia, console, adam, rex, .. } = fixture;
        world.ask(fixture, 2).await;
        for called in [format!("{name} laboratory"), format!("{name} lab")] {
            let rename = adam.may(RenameOrganization { organization: fixture.lab, name: called }).unwrap();
            world.change(adam, async |write| write.rename_organization(rename).await).await.unwrap();
        }
        world.submit(mia, task(fixture.ops, json!({ "title": format!("failed at {name}") }))).await;
        let failed = world.claim(rex).await.unwrap();
        world.finish(rex, &failed, End::Exited(1)).await.unwrap();
        let running = task(fixture.ops, json!({ "title": format!("running at {name}") }));
        world.submit(mia, running).await;
        let taken = world.claim(rex).await.unwrap();
        let lease = lease(&taken);
        let note = format!("note of {name}");
        world.change(console, async |write| write.keep_checkpoint(Uuid::nil(), note.clone()).await).await.unwrap();
        let line = Line::new(world.now(), Stream::Stdout, format!("printed at {name}"));
        world.change(rex, async |write| write.append_lines(lease, 1, &[line]).await).await.unwrap();
        let waiting = json!({ "title": format!("approval at {name}"), "network_policy": "unrestricted", "labels": { "at": name } });
        let waiting = world.submit(mia, task(fixture.ops, waiting)).await;
        let mut read = world.store.read(console).await.unwrap();
        let approval = read.approval_of(waiting.id).await.unwrap().unwrap();
        drop(read);
        world.decide(&fixture.abe, &approval, Answer::Approve).await.unwrap();

        let person = mia.person().unwrap();
        let (enrollment, session) = (EnrollmentId(store::new_id()), BrowserSessionId(store::new_id()));
        let enrollment_token = hash(&format!("enroll at {name}"));
        let link_token = hash(&format!("link at {name}"));
        let key = world
            .change(mia, async |write| {
                write
                    .create_key(
                        mia.may(new_key(mia, &format!("key at {name}"), "tasks:*"))?,
                        "mk_",
                        hash(&format!("key at {name}")),
                    )
                    .await
            })
            .await
            .unwrap();
        world
            .change(adam, async |write| {
                write
                    .create_enrollment(adam.may(CreateEnrollment { enrollment, name: "new".into() })?, enrollment_token)
                    .await?;
                Ok(())
            })
            .await
            .unwrap();
        let link = console.may(IssuePasswordLink { person }).unwrap();
        world.change(console, async |write| write.issue_password_link(link, link_token).await).await.unwrap();
        let held = fixture.ada.person().unwrap();
        let link = adam.may(IssuePasswordLink { person: held }).unwrap();
        let held_link = hash(&format!("link of ada at {name}"));
        world.change(adam, async |write| write.issue_password_link(link, held_link).await).await.unwrap();
        for required in [true, false] {
            let set = console.may(SetDualControl { enabled: required }).unwrap();
            world.change(console, async |write| write.set_dual_control(set).await).await.unwrap();
            if required {
                let set =
                    adam.may(SetMembership { organization: fixture.ops, person: held, role: Role::Owner }).unwrap();
                world.change(adam, async |write| write.set_membership(set).await).await.unwrap();
            }
        }
        let confirmation = world.store.read(adam).await.unwrap().confirmations().await.unwrap()[0].id;
        let archived = CreateOrganization { name: format!("{name} archive") };
        let archived = world
            .change(console, async |write| {
                let organization = write.create_organization(console.may(archived)?).await?;
                let owner = fixture.olga.person().unwrap();
                for role in [Role::Approver, Role::Member, Role::Owner] {
                    let membership = SetMembership { organization, person: owner, role };
                    write.set_membership(console.may(membership)?).await?;
                }
                write.archive_organization(console.may(ArchiveOrganization { organization })?).await?;
                Ok(organization)
            })
            .await
            .unwrap();
        let account = world
            .change(adam, async |write| {
                write.set_factor_policy(adam.may(SetFactorPolicy { everybody: true })?).await?;
                let account = CreateServiceAccount { name: format!("robot of {name}"), responsible: person };
                write.create_service_account(adam.may(account)?).await
            })
            .await
            .unwrap();
        world.store.system().open_browser_session(mia, new_session(world, session, person, name)).await.unwrap();
        world.store.enable_mail();
        let address_token = hash(&format!("address at {name}"));
        let (passkey, recovery_code) = (PasskeyId(store::new_id()), hash(&format!("code at {name}")));
        world
            .change(mia, async |write| {
                let enroll = |factor| may(mia, EnrollFactor { owner: person, factor });
                write.begin_totp_enrollment(&enroll(Factor::Totp)?, name.as_bytes()).await?;
                write.confirm_totp(enroll(Factor::Totp)?, 1).await?;
                write
                    .make_recovery_codes(
                        may(mia, MakeRecoveryCodes { owner: person })?,
                        &[recovery_code, hash("another")],
                    )
                    .await?;
                write.add_passkey(enroll(Factor::Passkey)?, new_passkey(passkey, name)).await?;
                let proof = may(mia, ChangeAddress { owner: person })?;
                let present = MailedLink { token: "", token_hash: hash(&format!("present address at {name}")) };
                let new = MailedLink { token: "", token_hash: address_token };
                write.request_address_change(proof, &email("new", name), new, present).await?;
                write.confirm_address(present.token_hash, None).await
            })
            .await
            .unwrap();
        let (admin, provider) = (adam.person().unwrap(), ProviderId(store::new_id()));
        world.change(adam, async |write| write.set_password(admin, "$argon2id$").await).await.unwrap();
        let secret = world.store.seal_secret(fixture.tenant, provider, "secret").await.unwrap();
        let set = SetProvider { id: provider, provider: idp(&format!("ID of {name}")), new_secret: true };
        let set = adam.may(set).unwrap();
        world.change(adam, async |write| write.set_provider(set, Some(secret)).await).await.unwrap();
        let glass = OpenBreakGlass {
            person: admin,
            until: world.now().after(Duration::from_hours(1)),
            reason: format!("a drill at {name}"),
        };
        let glass = console.may(glass).unwrap();
        world.change(console, async |write| write.open_break_glass(glass).await).await.unwrap();
        for n in 1..3 {
            let listener = Actor { address: Some(format!("192.0.{n}.1")), ..Actor::clock(fixture.tenant, world.now()) };
            let device = arrival(&format!("device at {name}"), true);
            world.change(&listener, async |write| write.arrive(person, &device).await).await.unwrap();
            world
                .change(&listener, async |write| write.note_refused_sign_in(person, "wrong password").await)
                .await
                .unwrap();
        }
        let proof = may(adam, ReadAudit).unwrap();
        let mut read = world.store.read(adam).await.unwrap();
        let anomaly = read.anomalies(&proof, AnomalyFilter::default(), None, 1).await.unwrap().items[0].id;
        drop(read);
        let shown = domain::Principal::Key { key, owner: person };
        let shown = Actor { principal: shown, address: Some("192.0.2.1".into()), ..mia.clone() };
        world.change(&shown, async |write| write.note_key_use(None).await).await.unwrap();
        world
            .submit(&shown, task(fixture.ops, json!({ "title": format!("queued at {name}"), "priority": "low" })))
            .await;
        let mut identity = None;
        for subject in ["1", "2"] {
            let link = mia.may(LinkIdentity { person, provider: "ID".into() }).unwrap();
            let new = new_identity(&format!("{subject} at {name}"));
            identity = Some(world.change(mia, async |write| write.link_identity(link, new).await).await.unwrap());
        }
        let start = adam.may(StartReview { organization: None }).unwrap();
        let review = world.change(adam, async |write| write.start_review(start).await).await.unwrap();
        let (olga, sam) = (&fixture.olga, &fixture.sam);
        let (invitation, invitation_token) = (InvitationId(store::new_id()), hash(&format!("invitation at {name}")));
        let link = NewInvitation { token: String::new(), token_hash: invitation_token };
        let join_request = world
            .change(olga, async |write| {
                for organization in [fixture.ops, fixture.lab] {
                    write
                        .set_accepts_join_requests(may(olga, SetAcceptsJoinRequests { organization, open: true })?)
                        .await?;
                }
                write.invite(may(olga, invite(invitation, fixture.ops))?, link).await
            })
            .await
            .map(|_| RequestMembership {
                organization: fixture.ops,
                person: sam.person().unwrap(),
                reason: (*name).into(),
            })
            .unwrap();
        let join_request =
            world.change(sam, async |write| write.request_membership(may(sam, join_request)?).await).await.unwrap();
        let webhook = crate::webhooks::create(world, adam, WebhookKind::Generic).await;
        world
            .change(adam, async |write| write.test_webhook(may(adam, TestWebhook { id: webhook })?).await)
            .await
            .unwrap();
        let chosen = [(Notification::KeyExpiring, Notification::KeyExpiring.default_channels())].into();
        world.change(mia, async |write| write.set_notification_preferences(&chosen).await).await.unwrap();
        let proof = may(adam, ReadAudit).unwrap();
        let delivery = world.store.read(adam).await.unwrap().deliveries(&proof, webhook, 1).await.unwrap()[0].id;
        while let Some(due) = world.store.system().take_delivery().await.unwrap() {
            world.store.system().finish_delivery(&due, store::Attempt::Abandoned("410".into())).await.unwrap();
        }
        let domain::Principal::Runner(runner) = rex.principal else { unreachable!() };
        let audit_head = world.store.read(console).await.unwrap().audit_head().await.unwrap().hash;
        Self {
            task: waiting.id,
            approval: approval.id,
            request: approval.request_digest,
            organization: fixture.ops,
            organization_name: format!("{name} ops"),
            archived,
            person,
            held,
            confirmation,
            proposal: propose_rules(world, fixture).await,
            email: email("mia", name),
            lease,
            receipt: receipt(rex, &taken, End::Exited(0), &format!("printed at {name}\n")),
            runner,
            serial: "serial of rex".into(),
            enrollment,
            enrollment_token,
            link_token,
            session,
            key,
            passkey,
            recovery_code,
            address_token,
            admin,
            account,
            provider,
            identity: identity.unwrap(),
            review,
            anomaly,
            invitation,
            invitation_token,
            join_request,
            webhook,
            delivery,
            audit_head,
        }
    }

    /// Returns ids and tokens that do not exist.
    fn nowhere() -> Self {
        let id = store::new_id;
        let lease = Lease { task: TaskId(id()), attempt: 1 };
        let receipt = Receipt {
            tenant: domain::TenantId(id()),
            task: lease.task,
            attempt: 1,
            runner: RunnerId(id()),
            request: RequestDigest([1; 32]),
            started_at: domain::Timestamp(0),
            ended_at: domain::Timestamp(0),
            end: End::Exited(0),
            output: domain::request::OutputDigest([0; 32]),
            output_bytes: 0,
            out_of_memory: false,
            replaced_bytes: 0,
            output_lines: 1,
        };
        Self {
            task: TaskId(id()),
            approval: ApprovalId(id()),
            request: RequestDigest([1; 32]),
            organization: OrganizationId(id()),
            organization_name: "nowhere".into(),
            archived: OrganizationId(id()),
            person: PersonId(id()),
            held: PersonId(id()),
            confirmation: ConfirmationId(id()),
            proposal: ConfirmationId(id()),
            email: Email::parse("nobody@nowhere.example").unwrap(),
            lease,
            receipt,
            runner: RunnerId(id()),
            serial: "none".into(),
            enrollment: EnrollmentId(id()),
            enrollment_token: [9; 32],
            link_token: [9; 32],
            session: BrowserSessionId(id()),
            key: KeyId(id()),
            passkey: PasskeyId(id()),
            recovery_code: [9; 32],
            address_token: [9; 32],
            admin: PersonId(id()),
            account: PersonId(id()),
            provider: ProviderId(id()),
            identity: IdentityId(id()),
            review: ReviewId(id()),
            anomaly: EventId(id()),
            invitation: InvitationId(id()),
            invitation_token: [9; 32],
            join_request: JoinRequestId(id()),
            webhook: WebhookId(id()),
            delivery: DeliveryId(id()),
            audit_head: [9; 32],
        }
    }

    /// Returns the same resources, claimed to belong to the actor and its organization, so that the policy allows the
    /// calls.
    fn claimed_by(&self, actor: &Actor, fixture: &TenantFixture) -> Self {
        let person = actor.person().unwrap_or(self.person);
        Self { person, organization: fixture.ops, ..self.clone() }
    }
}

/// Leaves an approval request, a lease and a browser session of Ada's that have expired a day later.
async fn create_overdue_work(world: &World, fixture: &TenantFixture) {
    let TenantFixture { name, mia, ada, rex, .. } = fixture;
    world.submit(mia, task(fixture.ops, json!({ "title": format!("abandoned at {name}") }))).await;
    world.claim(rex).await.unwrap();
    world.submit(mia, needs_approval(fixture.ops)).await;
    let (id, person) = (BrowserSessionId(store::new_id()), ada.person().unwrap());
    let session = new_session(world, id, person, &format!("expired {name}"));
    world.change(ada, async |write| write.open_browser_session(session).await).await.unwrap();
}

pub fn rate_limited() -> RateLimited {
    let target = "GET /api/v1/tasks".to_owned();
    RateLimited { class: "api_reads", target, key_prefix: Some("mk_abcdef".into()), quota: 1, window: 60 }
}

/// Returns an invitation for anybody.
pub fn invite(invitation: InvitationId, organization: OrganizationId) -> Invite {
    Invite { invitation, organization, role: Role::Member, email: None, uses: 5, days: 7 }
}

/// Returns an acknowledgment of an altered audit log.
pub fn acknowledged() -> Acknowledged {
    Acknowledged { reason: "drill".into(), findings: vec!["a finding".into()], rollback: None, size: 1, starts: vec![] }
}

fn another_link() -> NewInvitation {
    NewInvitation { token: String::new(), token_hash: [4; 32] }
}

pub fn idp(label: &str) -> Provider {
    let (kind, client_id, issuer) = ("oidc".into(), "us".into(), "https://id.example".into());
    ProviderForm { kind, client_id, issuer, label: label.into(), ..ProviderForm::default() }.check().unwrap()
}

pub fn new_identity(subject: &str) -> NewIdentity {
    let (issuer, provider) = ("https://id.example".into(), "id".into());
    NewIdentity { issuer, subject: subject.into(), provider, name: subject.into() }
}

/// Only the issuer's provider is enabled.
fn one_way() -> SignInMethods {
    SignInMethods { password: false, issuers: vec!["https://id.example".into()] }
}

pub fn new_session(world: &World, id: BrowserSessionId, person: PersonId, name: &str) -> NewBrowserSession {
    NewBrowserSession {
        token_hash: hash(&format!("session at {name}")),
        id,
        person,
        by: SignedInBy::Password,
        basis: SignInBasis::Password(None),
        second_factor_verified: true,
        device: format!("browser at {name}"),
        address: "192.0.2.1".into(),
        authenticated_at: world.now(),
        expires_at: world.now().after(Duration::from_hours(12)),
    }
}

pub fn arrival(device: &str, second_factor_verified: bool) -> Arrival {
    Arrival { token_hash: hash(device), device: device.into(), second_factor_verified }
}

fn new_passkey(id: PasskeyId, name: &str) -> NewPasskey {
    let name = format!("passkey at {name}");
    let body = format!("{{\"of\":\"{name}\"}}");
    let (public_key, relying_party) = (vec![], "localhost".into());
    NewPasskey { id, credential_id: id.0.as_bytes().to_vec(), body, name, public_key, relying_party }
}

/// Signs Mia's passkey with a second one, which is added first.
async fn sign_passkey(write: &mut Write, world: &World, actor: &Actor, t: &Resources) -> Result<()> {
    let proof = may(actor, SignPasskey { owner: t.person })?;
    let device = Authenticator::es256(actor.tenant, t.person, "localhost");
    let NewPasskey { credential_id, public_key, relying_party, .. } = new_passkey(t.passkey, "");
    let signed = passkey::Passkey {
        tenant: actor.tenant,
        person: t.person,
        credential_id: Base64Url(credential_id),
        public_key: Base64Url(public_key),
        relying_party,
    };
    let by = NewPasskey {
        credential_id: device.passkey.credential_id.0.clone(),
        public_key: device.passkey.public_key.0.clone(),
        ..new_passkey(PasskeyId(store::new_id()), "other")
    };
    write.add_passkey(may(actor, EnrollFactor { owner: t.person, factor: Factor::Passkey })?, by).await?;
    let at = world.now();
    let assertion = device.sign(&PasskeyAddition { passkey: signed, at });
    write.sign_passkey(proof, t.passkey, at, &assertion).await
}

/// A method with the expected outcome for each role in its own tenant, and the call.
pub struct Row {
    pub method: &'static str,
    pub own: &'static str,
    pub call: for<'a> fn(&'a World, &'a Actor, &'a Resources) -> BoxFuture<'a, Result<String>>,
}

macro_rules! rows {
    ($impl:literal through $open_as:ident: $($method:ident $own:literal |$open:ident, $world:ident, $actor:ident, $t:ident| $call:expr;)*) => {
        [$(Row {
            method: concat!($impl, "::", stringify!($method)),
            own: $own,
            call: |$world, $actor, $t| Box::pin(async move {
                let _ = ($world, $actor, $t);
                let mut $open = $world.store.$open_as($actor).await?;
                let answer = $call?;
                Ok::<_, Error>(format!("{answer:?}"))
            }),
        }),*]
    };
}

/// A retention time of a day for everything.
fn all_kinds() -> RetentionTimes {
    RetentionTimes::read(|_| "1").unwrap()
}

fn may<A: Action>(actor: &Actor, action: A) -> Result<Allowed<A>> {
    Ok(actor.may(action)?)
}

/// Expected outcomes, one letter per role, in the order of [`TenantFixture::every_role`]:
///
/// ```text
/// s stranger     sam, in no organization
/// v viewer       vera
/// m member       mia, who owns the resources
/// a approver     ada
/// o owner        olga
/// u auditor      audrey
/// A admin        adam
/// r runner       rex
/// k API key      kit, olga's, which only reads tasks
/// c console
/// i invitation   its holder, who has no account
/// p provider     an identity provider
/// e elsewhere    the admin of an empty tenant, who calls with the resources of acme
/// ```
///
/// Letters: `+` an answer, `-` an empty answer, `n` not found, `d` denied, `c` conflict, `i` invalid. Each call runs in its own
/// transaction without a commit, so the cells do not affect each other.
pub fn matrix() -> Vec<Row> {
    let mut rows = Vec::from(rows! { "Read" through read:
        //                          svmaouArkcipe
        tasks                      "--+++++-++---" |r, w, a, t| r.tasks(&TaskFilter::default(), None, 50).await;
        tasks_newer                "--+++++-++---" |r, w, a, t| r.tasks_newer(&TaskFilter::default(), TaskId(Uuid::nil()), 50).await;
        task_counts                "--+++++-++---" |r, w, a, t| r.task_counts(&TaskFilter::default()).await.map(|counts| counts.values().sum::<i64>());
        task                       "nn+++++n++nnn" |r, w, a, t| r.task(t.task).await;
        progress                   "nn+++++n++nnn" |r, w, a, t| r.progress(t.task).await;
        labels                     "nn+++++n++nnn" |r, w, a, t| r.labels(t.task).await;
        labels_of                  "--+++++-++---" |r, w, a, t| { let page = r.tasks(&TaskFilter::default(), None, 50).await?; r.labels_of(&page.items).await.map(|sets| sets.len()) };
        task_history               "nn+++++n++nnn" |r, w, a, t| r.task_history(t.task).await;
        decisions                  "nn+++++n++nnn" |r, w, a, t| r.decisions(t.task).await;
        log                        "nn+nn++nn+nnn" |r, w, a, t| r.log(t.lease.task, 1, 1).await;
        log_of_progress            "nn+nn++nn+nnn" |r, w, a, t| { let progress = r.progress(t.lease.task).await?; r.log_of_progress(&progress, 1).await };
        log_between                "nn+nn++nn+nnn" |r, w, a, t| r.log_between(t.lease.task, 1, 1, 9).await;
        find_in_log                "nn+nn++nn+nnn" |r, w, a, t| r.find_in_log(t.lease.task, 1, "printed", 9).await;
        approvals                  "--+++++-++---" |r, w, a, t| r.approvals(&ApprovalFilter::default(), None, 50).await;
        approval_counts            "--+++++-++---" |r, w, a, t| r.approval_counts(&ApprovalFilter::default()).await.map(|counts| counts.values().sum::<i64>());
        approvals_waiting_for_me   "---++--------" |r, w, a, t| r.approvals_waiting_for_me().await;
        approvals_for_me           "---++--------" |r, w, a, t| r.approvals_for_me(50).await;
        approved_before            "nn-----n--nnn" |r, w, a, t| r.approved_before(t.approval).await;
        deciders                   "nn+++++n++nnn" |r, w, a, t| r.deciders(t.approval).await.map(|found| found.len());
        deciders_of_own            "--+++--------" |r, w, a, t| r.deciders_of_own(t.organization).await.map(|found| found.len());
        open_counts                "--+++++-++---" |r, w, a, t| r.open_counts().await.map(|counts| counts.values().sum::<i64>());
        finished_tasks_by_day      "--+--++--+---" |r, w, a, t| r.finished_tasks_by_day(domain::Timestamp(0)).await;
        failed_since               "--+--++--+---" |r, w, a, t| r.failed_since(domain::Timestamp(0), 50).await;
        approval                   "nn+++++n++nnn" |r, w, a, t| r.approval(t.approval).await;
        approval_of                "--+++++-++---" |r, w, a, t| r.approval_of(t.task).await;
        leased_tasks               "nnnnnnn+nnnnn" |r, w, a, t| r.leased_tasks().await;
        runner_load                "nnnnnnn+nnnnn" |r, w, a, t| r.runner_load().await;
        runners                    "++++++++++++-" |r, w, a, t| r.runners().await;
        runner                     "++++++++++++n" |r, w, a, t| r.runner(t.runner).await;
        waiting                    "nn-----n--nnn" |r, w, a, t| r.waiting(t.task).await;
        runner_by_name             "++++++++++++-" |r, w, a, t| r.runner_by_name("rex").await;
        sessions                   "--++---------" |r, w, a, t| r.sessions().await;
        own_browser_session        "--+----------" |r, w, a, t| r.own_browser_session(t.session).await;
        factors                    "--+----------" |r, w, a, t| r.factors().await;
        retention                  "ddddd++dd+dd+" |r, w, a, t| r.retention(&may(a, ReadAudit)?).await;
        expired                    "ddddd++dd+dd+" |r, w, a, t| r.expired(&may(a, ReadAudit)?, &all_kinds()).await;
        approval_policy            "+++++++++++++" |r, w, a, t| r.approval_policy().await;
        confirmation               "nnnn+++nn+nnn" |r, w, a, t| r.confirmation(t.confirmation).await;
        confirmations              "----+++--+---" |r, w, a, t| r.confirmations().await.map(|all| all.len());
        holds                      "-----++--+---" |r, w, a, t| r.holds().await.map(|holds| holds.len());
        factor_policy              "++++++++++++-" |r, w, a, t| r.factor_policy().await.map(i32::from);
        passkeys                   "--+----------" |r, w, a, t| r.passkeys().await;
        passkey_hosts              "-----++--+---" |r, w, a, t| r.passkey_hosts().await;
        own_public_keys            "--+----------" |r, w, a, t| r.own_public_keys().await;
        passkey_credentials        "--+----------" |r, w, a, t| r.passkey_credentials().await;
        account_events             "--+++-+-+----" |r, w, a, t| r.account_events(50).await;
        unseen_account_events      "--+++-+-+----" |r, w, a, t| r.unseen_account_events(50).await;
        audit                      "ddddd++dd+dd+" |r, w, a, t| r.audit(&may(a, ReadAudit)?, AuditFilter::default(), None, 50).await;
        audit_record               "ddddd++dd+dd+" |r, w, a, t| r.audit_record(&may(a, ReadAudit)?, 1).await;
        audit_from                 "ddddd++dd+dd+" |r, w, a, t| r.audit_from(&may(a, ReadAudit)?, 0, 50).await;
        erasure_of                 "ddddd--dd-dd-" |r, w, a, t| r.erasure_of(&may(a, ReadAudit)?, 1).await;
        usage_today                "--+----------" |r, w, a, t| r.usage_today(w.now()).await.map(|usage| usage.tasks);
        tenant_usage_today         "-----++--+--+" |r, w, a, t| r.tenant_usage_today(w.now()).await;
        verify_audit               "ddddd++dd+dd+" |r, w, a, t| r.verify_audit(&may(a, ReadAudit)?, &Default::default()).await;
        acknowledged_starts        "ddddd--dd-dd-" |r, w, a, t| r.acknowledged_starts(&may(a, ReadAudit)?).await;
        checkpoints                "++++++++++++-" |r, w, a, t| r.checkpoints().await;
        audit_hash                 "++++++++++++-" |r, w, a, t| r.audit_hash(40).await;
        audit_head                 "++++++++++++-" |r, w, a, t| r.audit_head().await.map(|head| i32::from(head.hash == t.audit_head));
        keys                       "--+-+++-++---" |r, w, a, t| r.keys().await;
        keys_of                    "--+--++--+---" |r, w, a, t| r.keys_of(t.person).await;
        key                        "nn+nn++nn+nnn" |r, w, a, t| r.key(t.key).await;
        frozen_since               "-------------" |r, w, a, t| r.frozen_since().await;
        service_accounts           "--+--++--+---" |r, w, a, t| r.service_accounts().await;
        service_account            "nn+nn++nn+nnn" |r, w, a, t| r.service_account(t.account).await;
        rules                      "++++++++++++-" |r, w, a, t| r.rules().await.map(|rules| (rules.version > 1).then_some(rules));
        rules_versions             "++++++++++++-" |r, w, a, t| r.rules_versions(None, 50).await.map(|rows| (rows.len() > 1).then_some(rows.len()));
        rules_version              "++++++++++++n" |r, w, a, t| r.rules_version(2).await;
        rule_names                 "-++++++-++---" |r, w, a, t| r.rule_names(&[&naming(t.organization, t.person)]).await.map(|names| names.organizations.len() + names.submitters.len());
        rules_proposal             "nnnnn++nn+nnn" |r, w, a, t| r.rules_proposal(t.proposal).await.map(|(_, version, _)| version);
        past_tasks                 "--+++++-++---" |r, w, a, t| r.past_tasks(domain::Timestamp(0)).await.map(|tasks| tasks.len());
        providers                  "-----++--+---" |r, w, a, t| r.providers().await;
        provider                   "nnnnn++nn+nnn" |r, w, a, t| r.provider(t.provider).await;
        identities                 "--+----------" |r, w, a, t| r.identities().await;
        break_glass                "-----++--+---" |r, w, a, t| r.break_glass(w.now()).await;
        people                     "-----++--+--+" |r, w, a, t| r.people("", 50).await;
        find_people                "-----++--+--+" |r, w, a, t| r.find_people("m", 50).await;
        person                     "nn+nn++nn+nnn" |r, w, a, t| r.person(t.person).await;
        anomalies                  "ddddd++dd+dd-" |r, w, a, t| { let proof = may(a, ReadAudit)?; r.anomalies(&proof, AnomalyFilter::default(), None, 9).await };
        unreviewed_anomalies       "-----++--+---" |r, w, a, t| r.unreviewed_anomalies().await;
        own_anomalies              "--+----------" |r, w, a, t| r.own_anomalies(9).await;
        person_by_email            "nnnn+++n++nnn" |r, w, a, t| r.person_by_email(&t.email).await;
        memberships                "nn+nn++nn+nnn" |r, w, a, t| r.memberships(t.person).await;
        reviews                    "-----++--+---" |r, w, a, t| r.reviews().await;
        review                     "nnnnn++nn+nnn" |r, w, a, t| r.review(t.review).await;
        review_items               "nnnnn++nn+nnn" |r, w, a, t| r.review_items(t.review, true, w.now(), 0, 50).await;
        review_open                "nnnnn++nn+nnn" |r, w, a, t| r.review_open(t.review, w.now()).await;
        resource_and_name          "nn+++++n++nnn" |r, w, a, t| r.resource_and_name(ResourceRef::Task(t.task)).await;
        access_list                "nn+d+++nd+nnn" |r, w, a, t| { let (thing, _) = r.resource_and_name(ResourceRef::Task(t.task)).await?; r.access_list(&may(a, ReadAccess { resource: thing })?, "", 50, w.now()).await };
        organizations              "-++++++-++---" |r, w, a, t| r.organizations().await;
        organization               "n++++++n++nnn" |r, w, a, t| r.organization(t.organization).await;
        organization_by_name       "nnnnn++nn+nnn" |r, w, a, t| r.organization_by_name(&t.organization_name).await;
        members                    "n++++++n++nnn" |r, w, a, t| r.members(t.organization).await;
        archived_organizations     "----+++-++---" |r, w, a, t| r.archived_organizations().await;
        open_task_count            "nnnn+++n++nn-" |r, w, a, t| r.open_task_count(t.organization).await;
        departure                  "nn+n+++n++nnn" |r, w, a, t| r.departure(t.organization, t.person).await;
        invitations                "nnnn+++n++nn-" |r, w, a, t| r.invitations(t.organization, w.now()).await;
        joinable_organizations     "++++-++------" |r, w, a, t| r.joinable_organizations().await;
        own_join_requests          "+------------" |r, w, a, t| r.own_join_requests().await;
        join_requests              "nnnn+++n++nn-" |r, w, a, t| r.join_requests(t.organization).await;
        inbox                      "--+++++------" |r, w, a, t| r.inbox(None, 50).await;
        unread_notifications       "--+++++------" |r, w, a, t| r.unread_notifications().await;
        notifications_of_mail      "-------------" |r, w, a, t| r.notifications_of_mail(t.person.0, 50).await;
        notification_preferences   "+++++++++++++" |r, w, a, t| r.notification_preferences().await.map(|all| all.len());
        webhooks                   "ddddd++dd+dd-" |r, w, a, t| r.webhooks(&may(a, ReadAudit)?).await;
        webhook                    "ddddd++dd+ddn" |r, w, a, t| r.webhook(&may(a, ReadAudit)?, t.webhook).await;
        deliveries                 "ddddd++dd+dd-" |r, w, a, t| r.deliveries(&may(a, ReadAudit)?, t.webhook, 50).await;
        join_requests_for_me       "----+---+----" |r, w, a, t| r.join_requests_for_me().await;
    });
    rows.extend(rows! { "Write" through write:
        //                          svmaouArkcipe
        submit_task                "dd+++dddddddd" |x, w, a, t| x.submit_task(may(a, sealed(t.organization))?).await;
        cancel_task                "dd+d+d+dd+ddn" |x, w, a, t| x.cancel_task(may(a, CancelTask { task: t.task, owner: t.person, organization: t.organization })?).await;
        decide                     "ddd++dddddddd" |x, w, a, t| x.decide(may(a, Decide { approval: t.approval, task: t.task, organization: t.organization, requesters: Requesters::only(t.person), self_approval: false, held_until: None, answer: Answer::Approve, reason: String::new(), request: t.request, network: domain::network::NetworkPolicy::Unrestricted, requires_passkey: false, assertion: None })?).await;
        expire_approvals           "++++++++++++-" |x, w, a, t| x.expire_approvals().await;
        durable_audit_head         "++++++++++++-" |x, w, a, t| x.durable_audit_head().await.map(|head| i32::from(head.hash == t.audit_head));
        verify_starts              "ddddd++dd+dd-" |x, w, a, t| x.verify_starts(&may(a, ReadAudit)?, None, 50).await.map(|starts| i64::from(starts.last.is_some()));
        keep_checkpoint            "+++++++++++++" |x, w, a, t| x.keep_checkpoint(uuid::Uuid::nil(), "note".into()).await;
        acknowledge_audit          "ddddddddd+ddd" |x, w, a, t| x.acknowledge_audit(may(a, AcknowledgeAudit { change: acknowledged() })?).await;
        restore_audit              "ddddddddd+ddd" |x, w, a, t| x.restore_audit(may(a, RestoreAudit { change: acknowledged() })?).await;
        erase_personal_data        "ddddddddd+ddd" |x, w, a, t| x.erase_personal_data(may(a, ErasePersonalData { person: t.person, reason: "left".into() })?, 0).await.map(|(_, erased)| i64::try_from(erased).unwrap());
        sign_again                 "ddddddddd+ddd" |x, w, a, t| x.sign_again(may(a, RotateGrantKey { key: [1; 32] })?).await.map(|signed| i32::from(signed.is_some()));
        claim_tasks                "nnnnnnn+nnnnn" |x, w, a, t| x.claim_tasks(&["bash".into()], 1).await;
        start_task                 "nnnnnnn+nnnnn" |x, w, a, t| x.start_task(t.lease).await;
        append_lines               "nnnnnnn+nnnnn" |x, w, a, t| x.append_lines(t.lease, 2, &[Line::new(w.now(), Stream::Stdout, "more")]).await;
        show_incomplete_lines      "nnnnnnn+nnnnn" |x, w, a, t| x.show_incomplete_lines(t.lease, &[Line::new(w.now(), Stream::Stdout, "mo")]).await;
        finish_task                "nnnnnnn+nnnnn" |x, w, a, t| x.finish_task(t.lease, &t.receipt, vec![1]).await;
        refuse_task                "nnnnnnn+nnnnn" |x, w, a, t| x.refuse_task(t.lease, "no").await;
        note_refused_runner        "nnnnnnn+nnnnn" |x, w, a, t| x.note_refused_runner(Some(t.lease), "stale").await;
        renew_leases               "+++++++-+++++" |x, w, a, t| x.renew_leases(&[t.lease]).await;
        release_task               "nnnnnnn+nnnnn" |x, w, a, t| x.release_task(t.lease, "no room").await;
        release_unlisted_leases    "nnnnnnn+nnnnn" |x, w, a, t| x.release_unlisted_leases(&[]).await;
        create_enrollment          "dddddd+dd+dd+" |x, w, a, t| x.create_enrollment(may(a, CreateEnrollment { enrollment: EnrollmentId(store::new_id()), name: "other".into() })?, [5; 32]).await;
        use_enrollment             "++++++++++++n" |x, w, a, t| x.use_enrollment(t.enrollment_token).await;
        note_refused_enrollment    "+++++++++++++" |x, w, a, t| x.note_refused_enrollment(t.enrollment).await;
        enroll_runner              "++++++++++++n" |x, w, a, t| { x.use_enrollment(t.enrollment_token).await?; x.enroll_runner(enrolled("new")).await };
        runner_connected           "nnnnnnn+nnnnn" |x, w, a, t| x.runner_connected("2", "bash", &json!({}), 2).await;
        renew_runner               "nnnnnnn+nnnnn" |x, w, a, t| x.renew_runner("next".into(), w.now()).await;
        confirm_runner_certificate "nnnnnnn+nnnnn" |x, w, a, t| x.confirm_runner_certificate("another").await;
        runner_disconnected        "nnnnnnn+nnnnn" |x, w, a, t| x.runner_disconnected(false).await;
        touch_runner               "nnnnnnn+nnnnn" |x, w, a, t| x.touch_runner().await;
        revoke_runner              "dddddd+dd+ddn" |x, w, a, t| x.revoke_runner(may(a, RevokeRunner { runner: t.runner })?).await;
        open_browser_session       "++++++++++++n" |x, w, a, t| x.open_browser_session(new_session(w, BrowserSessionId(store::new_id()), t.person, "new")).await;
        lock_browser_session       "nn+nnnnnnnnnn" |x, w, a, t| x.lock_browser_session(t.session).await;
        complete_second_factor     "nn+nnnnnnnnnn" |x, w, a, t| x.complete_second_factor(t.session, [9; 32]).await;
        note_refused_sign_in       "++++++++++++n" |x, w, a, t| x.note_refused_sign_in(t.person, "wrong password").await;
        note_rate_limited          "+++++++++++++" |x, w, a, t| x.note_rate_limited(rate_limited()).await;
        note_throttled             "+++++++++++++" |x, w, a, t| x.note_throttled(t.person).await;
        note_refused_key           "+++++++++++++" |x, w, a, t| x.note_refused_key("mk_abcdef", "elsewhere").await;
        note_admin_blocked         "+++++++++++++" |x, w, a, t| x.note_admin_blocked().await;
        end_browser_session        "dd+dddddddddd" |x, w, a, t| x.end_browser_session(may(a, EndBrowserSession { session: t.session, owner: t.person })?).await;
        end_other_browser_sessions "dd+dddddddddd" |x, w, a, t| x.end_other_browser_sessions(may(a, EndOtherBrowserSessions { owner: t.person })?, BrowserSessionId(store::new_id())).await;
        create_key                 "dd+dddddd+ddd" |x, w, a, t| x.create_key(may(a, CreateKey { owner: t.person, ..new_key(&w.acme.mia, "k", "tasks:*") })?, "mk_", [6; 32]).await;
        revoke_key                 "dd+ddd+dd+ddn" |x, w, a, t| x.revoke_key(may(a, RevokeKey { key: t.key, owner: t.person, responsible: None })?).await;
        change_key                 "dd+ddd+dd+ddn" |x, w, a, t| x.change_key(may(a, ChangeKey { key: t.key, owner: t.person, responsible: None, name: "k".into(), networks: domain::Networks::default(), end: KeyExpiryChange::Kept })?).await;
        rotate_key                 "dd+dddddd+ddd" |x, w, a, t| x.rotate_key(may(a, RotateKey { key: t.key, owner: t.person, responsible: None, overlap: Duration::from_mins(1) })?, "mk_", [8; 32]).await;
        revoke_keys_of             "dd+ddd+dd+ddn" |x, w, a, t| x.revoke_keys_of(may(a, RevokeKeysOf { owner: t.person, responsible: None })?).await;
        create_service_account     "dddddd+dd+ddn" |x, w, a, t| x.create_service_account(may(a, CreateServiceAccount { name: "Robot".into(), responsible: t.person })?).await;
        transfer_service_account   "dddddd+dd+ddn" |x, w, a, t| x.transfer_service_account(may(a, TransferServiceAccount { account: t.account, responsible: t.person, successor: t.admin, revoke: true })?).await;
        reauthenticate_browser_session "nn+nnnnnnnnnn" |x, w, a, t| x.reauthenticate_browser_session(t.session).await;
        begin_totp_enrollment      "ddcdddddddddd" |x, w, a, t| x.begin_totp_enrollment(&may(a, EnrollFactor { owner: t.person, factor: Factor::Totp })?, b"secret").await;
        totp_secret                "--+----------" |x, w, a, t| x.totp_secret().await;
        confirm_totp               "ddndddddddddd" |x, w, a, t| x.confirm_totp(may(a, EnrollFactor { owner: t.person, factor: Factor::Totp })?, 5).await;
        use_totp_step              "nn+nnnnnnnnnn" |x, w, a, t| x.use_totp_step(5).await;
        remove_totp                "dd+dddddddddd" |x, w, a, t| x.remove_totp(may(a, RemoveFactor { owner: t.person, factor: Factor::Totp })?, None).await;
        note_refused_factor        "+++++++++++++" |x, w, a, t| x.note_refused_factor("wrong code").await;
        reset_factors              "dddddd+dd+ddn" |x, w, a, t| x.reset_factors(may(a, ResetFactors { person: t.person })?).await;
        set_retention              "dddddd+dd+dd+" |x, w, a, t| x.set_retention(may(a, SetRetention { times: all_kinds() })?).await;
        mark_notifications_read    "--+++++------" |x, w, a, t| x.mark_notifications_read(None, NotificationId(Uuid::nil()), NotificationId(Uuid::max())).await.map(|n| i64::try_from(n).unwrap());
        set_notification_preferences "+++++++++++++" |x, w, a, t| x.set_notification_preferences(&Default::default()).await;
        set_webhook                "dddddd+dd+ddn" |x, w, a, t| x.set_webhook(may(a, SetWebhook { id: t.webhook, name: "new".into(), kind: WebhookKind::Generic, events: Events::default(), enabled: true, new_host: None })?, Some("https://x.example".into()), None).await;
        remove_webhook             "dddddd+dd+ddn" |x, w, a, t| x.remove_webhook(may(a, RemoveWebhook { id: t.webhook })?).await;
        rotate_webhook_secret      "dddddd+dd+ddn" |x, w, a, t| x.rotate_webhook_secret(may(a, RotateWebhookSecret { id: t.webhook })?, "whsec_bmV3".into()).await;
        test_webhook               "dddddd+dd+ddn" |x, w, a, t| x.test_webhook(may(a, TestWebhook { id: t.webhook })?).await;
        redeliver_webhook          "dddddd+dd+ddn" |x, w, a, t| x.redeliver_webhook(may(a, RedeliverWebhook { id: t.webhook, delivery: t.delivery })?).await;
        set_legal_hold             "dddddd+dd+dd+" |x, w, a, t| x.set_legal_hold(may(a, SetLegalHold { reason: "audit".into() })?).await;
        lift_legal_hold            "dddddd+dd+dd+" |x, w, a, t| { x.set_legal_hold(may(a, SetLegalHold { reason: "audit".into() })?).await?; x.lift_legal_hold(may(a, LiftLegalHold {})?).await };
        set_self_approval          "dddddd+dd+dd+" |x, w, a, t| x.set_self_approval(may(a, SetSelfApproval { allowed: true })?).await;
        set_dual_control          "dddddd+dd+dd+" |x, w, a, t| x.set_dual_control(may(a, SetDualControl { enabled: true })?).await;
        confirm_change             "dddd+dddd+ddn" |x, w, a, t| x.confirm_change(may(a, ConfirmChange { request: t.confirmation, requester: t.admin, person: Some(t.held), organization: Some(t.organization) })?, MailedLink { token: "", token_hash: [6; 32] }).await;
        decline_change             "dddd+d+dd+ddn" |x, w, a, t| x.decline_change(may(a, DeclineChange { request: t.confirmation, requester: t.admin, organization: Some(t.organization) })?).await;
        lift_hold                  "ddddddddd+ddn" |x, w, a, t| x.lift_hold(may(a, LiftHold { person: t.held, maker: t.admin })?).await;
        set_factor_policy          "dddddd+dd+dd+" |x, w, a, t| x.set_factor_policy(may(a, SetFactorPolicy { everybody: true })?).await;
        make_recovery_codes        "dd+dddddddddd" |x, w, a, t| x.make_recovery_codes(may(a, MakeRecoveryCodes { owner: t.person })?, &[[1; 32]]).await;
        use_recovery_code          "nn+nnnnnnnnnn" |x, w, a, t| x.use_recovery_code(t.recovery_code).await;
        add_passkey                "dd+dddddddddd" |x, w, a, t| x.add_passkey(may(a, EnrollFactor { owner: t.person, factor: Factor::Passkey })?, new_passkey(PasskeyId(store::new_id()), "home")).await;
        use_passkey                "nn+nnnnnnnnnn" |x, w, a, t| x.use_passkey(t.passkey, "{}").await;
        sign_passkey               "dd+dddddddddd" |x, w, a, t| sign_passkey(&mut x, w, a, t).await;
        remove_passkey             "dd+dddddddddd" |x, w, a, t| x.remove_passkey(may(a, RemoveFactor { owner: t.person, factor: Factor::Passkey })?, t.passkey, None).await;
        change_password            "dd+dddddddddd" |x, w, a, t| x.change_password(may(a, ChangePassword { owner: t.person })?, "$argon2id$", None).await;
        mail_password_link         "++++++++++++n" |x, w, a, t| x.mail_password_link(t.admin, "", [8; 32]).await;
        request_address_change     "dd+dddddddddd" |x, w, a, t| x.request_address_change(may(a, ChangeAddress { owner: t.person })?, &Email::parse("x@x.example")?, MailedLink { token: "", token_hash: [8; 32] }, MailedLink { token: "", token_hash: [7; 32] }).await;
        replace_address            "dddddd+dd+ddn" |x, w, a, t| x.replace_address(may(a, ReplaceAddress { person: t.person, email: Email::parse("x@x.example")? })?, MailedLink { token: "", token_hash: [8; 32] }).await;
        confirm_address            "++++++++++++n" |x, w, a, t| x.confirm_address(t.address_token, None).await;
        arrive                     "++++++++++++n" |x, w, a, t| x.arrive(t.person, &arrival("new", true)).await;
        note_key_use               "nnnnnnnn+nnnn" |x, w, a, t| x.note_key_use(None).await;
        delete_expired_history     "++++++++++++-" |x, w, a, t| x.delete_expired_history(1).await.map(i32::from);
        review_anomaly             "dddddd+dd+ddn" |x, w, a, t| x.review_anomaly(may(a, ReviewAnomaly { id: t.anomaly, seen: w.now() })?).await;
        see_account_events         "--+++-+-+----" |x, w, a, t| x.see_account_events(EventId(Uuid::max())).await;
        set_provider               "dddddd+dd+ddn" |x, w, a, t| x.set_provider(may(a, SetProvider { id: t.provider, provider: idp("ID"), new_secret: false })?, None).await;
        remove_provider            "dddddd+dd+ddn" |x, w, a, t| x.remove_provider(may(a, RemoveProvider { id: t.provider })?).await;
        link_identity              "dd+dddddddddd" |x, w, a, t| x.link_identity(may(a, LinkIdentity { person: t.person, provider: "ID".into() })?, new_identity("new")).await;
        unlink_identity            "dd+dddddddddd" |x, w, a, t| x.unlink_identity(may(a, UnlinkIdentity { identity: t.identity, person: t.person })?, &one_way(), None).await;
        admit_person               "ddddddddddd+d" |x, w, a, t| x.admit_person(may(a, AdmitPerson { email: email("new", "acme"), name: "New".into(), provider: "ID".into() })?, new_identity("new")).await;
        sync_roles_from_provider            "ddddddddddd+d" |x, w, a, t| x.sync_roles_from_provider(may(a, SyncProviderRoles { person: t.person, provider: "id".into(), tenant_role: TenantRole::Admin, roles: Some(vec![]) })?).await;
        note_missing_groups        "+++++++++++++" |x, w, a, t| x.note_missing_groups(t.person, "id").await;
        note_refused_identity      "+++++++++++++" |x, w, a, t| x.note_refused_identity("id", "no").await;
        note_refused_invitation    "+++++++++++++" |x, w, a, t| x.note_refused_invitation(t.invitation, t.organization, "invitation.accept", "no").await;
        open_break_glass           "ddddddddd+ddd" |x, w, a, t| x.open_break_glass(may(a, OpenBreakGlass { person: t.admin, until: w.now(), reason: "drill".into() })?).await;
        close_break_glass          "ddddddddd+ddd" |x, w, a, t| x.close_break_glass(may(a, CloseBreakGlass { person: t.admin })?).await;
        issue_password_link        "dddddd+dd+ddn" |x, w, a, t| x.issue_password_link(may(a, IssuePasswordLink { person: t.person })?, [7; 32]).await;
        use_password_link          "++++++++++++n" |x, w, a, t| x.use_password_link(t.link_token).await;
        change_rules               "dddddd+dd+ddc" |x, w, a, t| x.change_rules(may(a, ChangeRules { rules: Rules::default(), version: 2 })?).await;
        lock_person                "dddddd+dd+ddn" |x, w, a, t| x.lock_person(may(a, LockPerson { person: t.person })?).await;
        unlock_person              "dddddd+dd+ddn" |x, w, a, t| { x.lock_person(may(a, LockPerson { person: t.person })?).await?; x.unlock_person(may(a, UnlockPerson { person: t.person })?).await };
        end_all_browser_sessions   "dddddd+dd+ddn" |x, w, a, t| x.end_all_browser_sessions(may(a, EndBrowserSessions { of: Some(t.person) })?, None).await.map(drop);
        freeze                     "dddddd+dd+dd+" |x, w, a, t| x.freeze(may(a, FreezeTenant {})?).await;
        unfreeze                       "dddddd+dd+dd+" |x, w, a, t| { x.freeze(may(a, FreezeTenant {})?).await?; x.unfreeze(may(a, UnfreezeTenant {})?).await };
        stop_tasks                 "dddd+d+dd+ddn" |x, w, a, t| x.stop_tasks(may(a, StopTasks { whose: Stopped::Of(t.organization) })?).await.map(drop);
        create_person              "dddddd+dd+dd+" |x, w, a, t| x.create_person(may(a, CreatePerson { email: email("new", "acme"), name: "New".into(), tenant_role: TenantRole::Person })?).await;
        set_tenant_role            "dddddd+dd+ddn" |x, w, a, t| x.set_tenant_role(may(a, SetTenantRole { person: t.person, tenant_role: TenantRole::Auditor })?).await;
        set_password               "++++++++++++n" |x, w, a, t| x.set_password(t.person, "$argon2id$").await;
        create_organization        "dddddd+dd+dd+" |x, w, a, t| x.create_organization(may(a, CreateOrganization { name: "new".into() })?).await;
        start_review               "ddddddcddcddn" |x, w, a, t| x.start_review(may(a, StartReview { organization: Some(t.organization) })?).await;
        keep_reviewed              "dddddd+dd+ddn" |x, w, a, t| x.keep_reviewed(may(a, KeepReviewed { review: t.review, items: vec![1] })?).await;
        revoke_reviewed            "dddddd+dd+ddn" |x, w, a, t| x.revoke_reviewed(may(a, RevokeReviewed { review: t.review, item: 1 })?).await;
        finish_review              "ddddddcddcddn" |x, w, a, t| x.finish_review(may(a, FinishReview { review: t.review })?).await;
        set_membership             "dddd+d+dd+ddn" |x, w, a, t| x.set_membership(may(a, SetMembership { organization: t.organization, person: t.person, role: Role::Approver })?).await;
        remove_membership          "dddd+d+dd+ddn" |x, w, a, t| x.remove_membership(may(a, RemoveMembership { organization: t.organization, person: t.person, successor: None })?).await;
        leave_organization         "dd+dddddddddd" |x, w, a, t| x.leave_organization(may(a, LeaveOrganization { organization: t.organization, person: t.person, successor: None })?).await;
        rename_organization        "dddd+d+dd+ddn" |x, w, a, t| x.rename_organization(may(a, RenameOrganization { organization: t.organization, name: "another".into() })?).await;
        archive_organization       "ddddcdcddcddn" |x, w, a, t| x.archive_organization(may(a, ArchiveOrganization { organization: t.organization })?).await;
        // Olga's actor is older than her role in the archived organization.
        restore_organization       "dddddd+dd+ddn" |x, w, a, t| x.restore_organization(may(a, RestoreOrganization { organization: t.archived })?).await;
        set_accepts_join_requests           "dddd+d+dd+ddn" |x, w, a, t| x.set_accepts_join_requests(may(a, SetAcceptsJoinRequests { organization: t.organization, open: true })?).await;
        invite                     "dddd+d+dddddn" |x, w, a, t| x.invite(may(a, invite(InvitationId(store::new_id()), t.organization))?, another_link()).await;
        resend_invitation          "ddddndndddddn" |x, w, a, t| x.resend_invitation(may(a, ResendInvitation { invitation: t.invitation, organization: t.organization })?, NewInvitation { token: "again".into(), token_hash: [9; 32] }).await.map(i32::from);
        revoke_invitation          "dddd+d+dd+ddn" |x, w, a, t| x.revoke_invitation(may(a, RevokeInvitation { invitation: t.invitation, organization: t.organization })?).await;
        accept_invitation          "ddcdddddddddd" |x, w, a, t| x.accept_invitation(may(a, AcceptInvitation { invitation: t.invitation, organization: t.organization, person: t.person })?, t.invitation_token).await;
        admit_invitee              "ddddddddddcdd" |x, w, a, t| x.admit_invitee(may(a, AdmitInvitee { invitation: t.invitation, organization: t.organization, email: email("new", "acme"), name: "New".into() })?, t.invitation_token, "$argon2id$").await;
        confirm_invitee            "dddddddddd+dd" |x, w, a, t| x.confirm_invitee(may(a, ConfirmInvitee { invitation: t.invitation, organization: t.organization, email: email("new", "acme") })?, t.invitation_token, another_link()).await;
        request_membership                "ddcdddddddddd" |x, w, a, t| x.request_membership(may(a, RequestMembership { organization: t.organization, person: t.person, reason: String::new() })?).await;
        withdraw_join_request      "ddndddddddddd" |x, w, a, t| x.withdraw_join_request(may(a, WithdrawJoinRequest { request: t.join_request, person: t.person })?).await;
        accept_join_request        "dddd+d+dd+ddn" |x, w, a, t| x.accept_join_request(may(a, AcceptJoinRequest { request: t.join_request, organization: t.organization, role: Role::Viewer })?).await;
        decline_join_request       "dddd+d+dd+ddn" |x, w, a, t| x.decline_join_request(may(a, DeclineJoinRequest { request: t.join_request, organization: t.organization, reason: "no".into() })?).await;
    });
    rows.push(Row {
        method: "Write::release_expired_leases",
        own: "++++++++++++-",
        call: |world, actor, _| {
            Box::pin(async move {
                world.rolled_back().await; // it skips locked leases
                let released = world.store.write(actor).await?.release_expired_leases().await?;
                Ok(format!("{released:?}"))
            })
        },
    });
    rows
}

/// Methods of `System` that take a tenant; `m_11_system_methods_stay_in_their_tenant` calls them.
pub const IN_A_TENANT: &[&str] = &[
    "credential",
    "holder",
    "runner_name",
    "rotate_browser_session",
    "open_browser_session",
    "seed",
    "is_known_device",
    "delete_mail",
    "set_invitation_mail_failure",
    "providers_of",
    "identity",
    "may_break_glass",
];

/// Methods without a tenant, and why.
pub const ACROSS: &[(&str, &str)] = &[
    ("Write::commit", "ends the transaction of whatever was done in it"),
    ("System::tenants", "the console's list"),
    ("System::figures", "numbers for monitoring, of all tenants together"),
    ("System::create_tenant", "makes one"),
    ("System::has_key", "the deployment's own keys, nobody's rows"),
    ("System::knows_key", "the deployment's own keys, nobody's rows"),
    ("System::replace_key", "the deployment's own keys, nobody's rows"),
    ("System::set_key", "the deployment's own keys, nobody's rows"),
    ("System::seed_queue", "the benchmark's sample data, in the tenant that it names"),
    ("System::is_empty", "before the first tenant"),
    ("System::create_setup_link", "before the first tenant"),
    ("System::is_setup_link_valid", "before the first tenant"),
    ("System::complete_setup", "makes the first tenant"),
    ("System::credentials", "signing in names no tenant; the address may belong to several"),
    ("System::session", "the cookie's token is the secret that says which tenant"),
    ("System::touch_browser_session", "of a session that was found by its token"),
    ("System::key", "by the key's token"),
    ("System::touch_key", "of a key that was found by its token"),
    ("System::password_link", "by the link's token"),
    ("System::enrollment", "by the enrollment's token"),
    ("System::invitation", "by the link's token"),
    ("System::next_due", "a time of whatever tenant"),
    ("System::run_due_work", "opens a transaction for each tenant"),
    ("System::notify_failed_backup", "opens a transaction for each tenant"),
    ("System::postpone_retention", "after a restore, of all tenants together"),
    ("System::delete_expired_history", "opens a transaction for each tenant"),
    ("System::create_ceremony", "who signs in with a passkey names no tenant"),
    ("System::take_ceremony", "by the ceremony's token"),
    ("System::passkey_holder", "who signs in with a passkey names no tenant"),
    ("System::address_change", "by the link's token"),
    ("System::next_delivery", "a time of whatever tenant"),
    ("System::take_delivery", "the next message of whatever tenant"),
    ("System::finish_delivery", "a message that was taken"),
    ("System::next_mail", "a time of whatever tenant"),
    ("System::take_mail", "the mail that is due, of whatever tenant"),
    ("System::throttled_after", "counts hashes of accounts and addresses"),
    ("System::provider", "by its id, in the address that a browser comes back to"),
    ("System::touch_identity", "of an identity that was found in its tenant"),
    ("System::consume_sign_in", "counts hashes of random ids"),
    ("System::has_failed", "counts hashes of accounts and addresses"),
    ("System::throttled", "counts hashes of accounts and addresses"),
    ("System::note_failure", "counts hashes of accounts and addresses"),
    ("System::forget_failures", "counts hashes of accounts and addresses"),
];

/// Methods whose outcome does not depend on the actor, and why.
const SAME_FOR_EVERYBODY: &[(&str, &str)] = &[
    ("Read::approval_policy", "everybody reads the settings; their changes have rows of their own"),
    ("Write::keep_checkpoint", "only the server calls it; checkpoints has a row of its own"),
    ("Read::frozen_since", "no tenant is frozen; m_11_a_freeze_is_visible_in_its_tenant_only compares two"),
    ("Read::notifications_of_mail", "by the id of a mail; notifications.rs tests its reader's access"),
    ("Read::notification_preferences", "one's own, with the defaults of everybody"),
    ("Write::set_notification_preferences", "one's own"),
    ("Write::note_refused_enrollment", NOTED),
    ("Write::note_rate_limited", NOTED),
    ("Write::note_throttled", NOTED),
    ("Write::note_refused_key", NOTED),
    ("Write::note_admin_blocked", NOTED),
    ("Write::note_refused_factor", NOTED),
    ("Write::note_missing_groups", NOTED),
    ("Write::note_refused_identity", NOTED),
    ("Write::note_refused_invitation", NOTED),
];

/// `m_11_refusals_are_recorded_in_the_tenant_of_the_actor` compares the audit logs of two tenants.
const NOTED: &str = "the server records its own refusal in the tenant of the actor";

/// Returns the admin of a third tenant, in which there is nothing else.
async fn admin_of_empty_tenant(world: &World) -> Actor {
    let tenant = world.store.system().create_tenant("empty").await.unwrap();
    let console = Actor::console(tenant, world.now());
    let new = CreatePerson { email: email("adam", "empty"), name: "Adam".into(), tenant_role: TenantRole::Admin };
    let id = world.change(&console, async |write| write.create_person(console.may(new)?).await).await.unwrap();
    person(&world.store, tenant, id).await
}

#[test]
fn m_11_every_row_of_the_matrix_shows_a_difference() {
    let is_same = |row: &Row| row.own.chars().all(|letter| row.own.starts_with(letter));
    let same: BTreeSet<_> = matrix().iter().filter(|row| is_same(row)).map(|row| row.method).collect();
    let excepted: BTreeSet<_> = SAME_FOR_EVERYBODY.iter().map(|(method, _)| *method).collect();
    assert_eq!(same, excepted, "a row that is the same for everybody proves nothing");
}

fn outcome(result: &Result<String>) -> char {
    match result {
        Ok(text) if matches!(text.as_str(), "[]" | "None" | "0") => '-',
        Ok(text) if text == "Factors { totp: None, passkeys: [], recovery_codes: 0 }" => '-',
        Ok(text) if text.starts_with("Page { items: []") || text.starts_with("LogPage { lines: []") => '-',
        Ok(_) => '+',
        Err(Error::NotFound) => 'n',
        Err(Error::Denied(_)) => 'd',
        Err(Error::Conflict(_) | Error::OpenTasks(_)) => 'c',
        Err(Error::Invalid(_)) => 'i',
        Err(_) => '!',
    }
}

/// Returns a result without the requested ids in it.
fn without_ids(result: &Result<String>) -> String {
    match result {
        Ok(_) => outcome(result).into(),
        Err(error) => error.to_string(),
    }
}

on_both! {
    async fn m_11_m_14_every_method_has_the_listed_outcome_for_each_role(world) {
        let (resources, _) = Resources::create_in_both(world).await;
        let elsewhere = admin_of_empty_tenant(world).await;
        let mut wrong = vec![];
        for row in matrix() {
            let mut found = String::new();
            for (who, actor) in world.acme.every_role().into_iter().chain([("an admin elsewhere", &elsewhere)]) {
                let result = (row.call)(world, actor, &resources).await;
                if format!("{result:?}").to_lowercase().contains("bolt") {
                    wrong.push(format!("{} gives {who} what is another tenant's: {result:?}", row.method));
                }
                if outcome(&result) == '!' {
                    wrong.push(format!("{} for {who}: {result:?}", row.method));
                }
                found.push(outcome(&result));
            }
            if found != row.own {
                wrong.push(format!("{:32} {found} and should be {}", row.method, row.own));
            }
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }

    async fn m_11_resources_of_another_tenant_look_nonexistent(world) {
        let (_, foreign) = Resources::create_in_both(world).await;
        let nothing = Resources::nowhere();
        let mut wrong = vec![];
        for row in matrix() {
            for (who, actor) in world.acme.every_role() {
                for (how, foreign, nothing) in [
                    ("as they are", foreign.clone(), nothing.clone()),
                    ("as one's own", foreign.claimed_by(actor, &world.acme), nothing.claimed_by(actor, &world.acme)),
                ] {
                    let theirs = (row.call)(world, actor, &foreign).await;
                    let nobodys = (row.call)(world, actor, &nothing).await;
                    if without_ids(&theirs) != without_ids(&nobodys) {
                        wrong.push(format!("{} by {who}, {how}: {theirs:?} and not {nobodys:?}", row.method));
                    }
                    if format!("{theirs:?}").to_lowercase().contains("bolt") {
                        wrong.push(format!("{} shows {who} what is another tenant's: {theirs:?}", row.method));
                    }
                    if outcome(&theirs) == '!' {
                        wrong.push(format!("{} for {who}, {how}: {theirs:?}", row.method));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }

    async fn m_11_system_methods_stay_in_their_tenant(world) {
        Resources::create_in(world, &world.acme).await;
        let foreign = Resources::create_in(world, &world.bolt).await;
        let (system, acme) = (world.store.system(), world.acme.tenant);
        assert!(matches!(system.holder(acme, foreign.person).await, Err(Error::NotFound)));
        assert!(system.credential(acme, foreign.person).await.unwrap().is_none());
        assert_eq!(system.runner_name(acme, foreign.runner, &foreign.serial).await.unwrap(), None);
        assert!(!system.rotate_browser_session(acme, foreign.session, [1; 32]).await.unwrap());
        assert!(!system.is_known_device(acme, foreign.person, hash("device at bolt")).await.unwrap());
        let due = system.take_mail().await.unwrap().unwrap();
        let other = if due.tenant == acme { world.bolt.tenant } else { acme };
        let count = "select count(*) from mail";
        let mut raw = crate::raw::Raw::of(world).await;
        let mails = raw.number(count).await;
        system.delete_mail(other, due.id).await.unwrap();
        system.set_invitation_mail_failure(other, hash("token"), Some("550")).await.unwrap();
        assert_eq!(raw.number(count).await, mails);
        system.delete_mail(due.tenant, due.id).await.unwrap();
        assert_eq!(raw.number(count).await, mails - 1);
        let new = new_session(world, BrowserSessionId(store::new_id()), foreign.person, "new");
        assert!(matches!(system.open_browser_session(&world.acme.mia, new).await, Err(Error::NotFound)));
        let own = system.providers_of(acme).await.unwrap();
        assert!(own.len() == 1 && own[0].0 != foreign.provider);
        assert!(system.identity(acme, "https://id.example", "2 at acme").await.unwrap().is_some());
        assert!(system.identity(acme, "https://id.example", "2 at bolt").await.unwrap().is_none());
        assert!(!system.may_break_glass(acme, foreign.admin).await.unwrap());
        let before = world.records(&world.bolt).await;
        system.seed(acme, 10).await.unwrap();
        assert_eq!(world.records(&world.bolt).await, before);
    }

    async fn m_11_a_freeze_is_visible_in_its_tenant_only(world) {
        let (acme, adam) = (&world.acme, &world.acme.adam);
        world.change(adam, async |write| write.freeze(adam.may(FreezeTenant {})?).await).await.unwrap();
        let frozen_since = async |actor: &Actor| world.store.read(actor).await.unwrap().frozen_since().await.unwrap();
        for (who, actor) in acme.every_role() {
            assert_eq!(frozen_since(actor).await, Some(world.now()), "{who}");
        }
        for (who, actor) in world.bolt.every_role() {
            assert_eq!(frozen_since(actor).await, None, "{who} of another tenant");
        }
    }

    async fn m_11_refusals_are_recorded_in_the_tenant_of_the_actor(world) {
        let (_, foreign) = Resources::create_in_both(world).await;
        let (acme, before) = (&world.acme, [world.records(&world.acme).await, world.records(&world.bolt).await]);
        let noted = SAME_FOR_EVERYBODY.iter().filter(|(_, reason)| *reason == NOTED).count();
        world.change(&acme.mia, async |write| {
            write.note_refused_enrollment(foreign.enrollment).await?;
            write.note_rate_limited(rate_limited()).await?;
            write.note_throttled(foreign.person).await?;
            write.note_refused_key("mk_abcdef", "elsewhere").await?;
            write.note_admin_blocked().await?;
            write.note_refused_factor("wrong code").await?;
            write.note_missing_groups(foreign.person, "id").await?;
            write.note_refused_identity("id", "no").await?;
            write.note_refused_invitation(foreign.invitation, foreign.organization, "invitation.accept", "no").await
        }).await.unwrap();
        assert_eq!(world.records(acme).await, before[0] + i64::try_from(noted).unwrap(), "one event of each method");
        assert_eq!(world.records(&world.bolt).await, before[1]);
    }

    /// Even a forged actor with a role in another tenant's organization sees only its own tenant.
    async fn m_11_a_forged_role_in_another_tenants_organization_grants_nothing(world) {
        let foreign = Resources::create_in(world, &world.bolt).await;
        let mut mia = world.acme.mia.clone();
        mia.roles.insert(foreign.organization, Role::Owner);
        let submitted = world.change(&mia, async |write| write.submit_task(mia.may(needs_approval(foreign.organization))?).await).await;
        assert!(matches!(submitted, Err(Error::NotFound)), "{submitted:?}");
        let mut read = world.store.read(&world.bolt.console).await.unwrap();
        let approval = read.approval(foreign.approval).await.unwrap();
        drop(read);
        let decided = world.change(&mia, async |write| write.decide(mia.may(decision(&approval, Answer::Approve))?).await).await;
        assert!(matches!(decided, Err(Error::NotFound)), "{decided:?}");
        let mut read = world.store.read(&mia).await.unwrap();
        assert!(matches!(read.organization(foreign.organization).await, Err(Error::NotFound)));
        assert!(matches!(read.members(foreign.organization).await, Err(Error::NotFound)));
    }

    /// Labels are for search only; they grant and deny nothing (M-12).
    async fn m_12_labels_do_not_change_who_sees_a_task(world) {
        let acme = &world.acme;
        let labels = json!({ "labels": { "visibility": "public", "tenant": acme.tenant, "owner": "sam" } });
        let made = world.submit(&acme.mia, task(acme.ops, labels)).await;
        for actor in [&acme.sam, &acme.vera, &acme.olga, &world.bolt.mia, &world.bolt.adam] {
            assert!(matches!(world.store.read(actor).await.unwrap().task(made.id).await, Err(Error::NotFound)));
        }
    }

    async fn m_11_a_person_of_one_tenant_has_no_access_in_another(world) {
        let mia = person(&world.store, world.acme.tenant, world.acme.mia.person().unwrap()).await;
        let mut moved = mia.clone();
        moved.tenant = world.bolt.tenant;
        Resources::create_in(world, &world.bolt).await;
        let mut read = world.store.read(&moved).await.unwrap();
        assert!(read.tasks(&TaskFilter::default(), None, 10).await.unwrap().items.is_empty());
        drop(read);
        let submitted = world.change(&moved, async |write| write.submit_task(moved.may(sealed(world.acme.ops))?).await).await;
        assert!(matches!(submitted, Err(Error::NotFound)), "{submitted:?}");
    }
}
