//! Test world: a fresh database with two tenants, and a person of every role in each.
use crate::raw::Raw;
use domain::{
    Actor, Email, KeyId, OrganizationId, Principal, SignedInBy, TenantId, Timestamp,
    approval::Answer,
    network::NetworkPolicy,
    policy::{ChangeRules, CreateKey, CreateOrganization, Decide, SetDualControl, SubmitTask},
    receipt::{End, Receipt},
    role::Role,
    rule::{Rule, Rules, Verdict},
    task::{Submission, SubmissionForm},
};
use sha2::{Digest, Sha256};
use std::time::Duration;
use store::{Approval, Assignment, EnrolledRunner, Lease, Result, Settings, Store, Submitted, Write};
use testkit::{
    ABE, ADA, ADAM, AUDREY, Clock, Database, Engine, Fixture, MIA, OLGA, SAM, VERA, create_people, email_address, join,
    settings,
};
pub use testkit::{change, enrolled_runner as enrolled, lease, person};
use uuid::Uuid;

/// Expands each test into two, `name::sqlite` and `name::postgres`, each in a world of its own.
macro_rules! on_both {
    ($($cases:tt)*) => { testkit::on_both! { &crate::world::World; $($cases)* } };
}
pub(crate) use on_both;

/// A deployment with two tenants and a clock that only tests advance.
pub struct World {
    pub store: Store,
    pub url: String,
    clock: Clock,
    database: Database,
    /// The tenant that most tests use.
    pub acme: TenantFixture,
    /// The other tenant. Everything in it has `bolt` in its name, so that leaks are visible.
    pub bolt: TenantFixture,
}

/// A tenant and its people.
pub struct TenantFixture {
    pub name: &'static str,
    pub tenant: TenantId,
    /// The organization of everybody except Sam.
    pub ops: OrganizationId,
    /// An organization with Olga as its only member.
    pub lab: OrganizationId,
    /// Member of no organization.
    pub sam: Actor,
    pub vera: Actor,
    pub mia: Actor,
    pub ada: Actor,
    pub abe: Actor,
    pub olga: Actor,
    pub audrey: Actor,
    pub adam: Actor,
    pub rex: Actor,
    /// An API key of Olga's with the scope to read tasks.
    pub kit: Actor,
    pub console: Actor,
    /// The holder of an invitation, who has no account yet.
    pub invitation: Actor,
    /// An identity provider.
    pub provider: Actor,
}

impl Fixture for World {
    async fn create(engine: Engine) -> Self {
        let (database, clock) = (Database::create(engine), Clock::default());
        let store = Store::open(settings(&database.url, [7; 32], &clock)).await.unwrap();
        let acme = create_tenant_fixture(&store, "acme").await;
        let bolt = create_tenant_fixture(&store, "bolt").await;
        Self { store, url: database.url.clone(), clock, database, acme, bolt }
    }

    async fn close(self) {
        self.end().await;
    }
}

impl World {
    pub async fn sqlite() -> Self {
        Self::create(Engine::Sqlite).await
    }

    pub async fn postgres() -> Self {
        Self::create(Engine::Postgres).await
    }

    /// Closes and drops the database.
    pub async fn end(self) {
        self.store.close().await;
    }

    pub fn is_sqlite(&self) -> bool {
        self.database.engine() == Engine::Sqlite
    }

    pub fn now(&self) -> Timestamp {
        self.store.now()
    }

    pub fn wait(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// Returns the settings that open this world's database again.
    pub fn settings(&self, key: [u8; 32]) -> Settings {
        settings(&self.url, key, &self.clock)
    }

    /// Returns settings for another database with this world's key and clock.
    pub fn settings_for(&self, url: &str) -> Settings {
        settings(url, [7; 32], &self.clock)
    }

    /// Opens another node of the same deployment.
    pub async fn another_node(&self) -> Store {
        Store::open(self.settings([7; 32])).await.unwrap()
    }

    /// Runs one change as an actor and commits it.
    pub async fn change<T>(&self, actor: &Actor, work: impl AsyncFnOnce(&mut Write) -> Result<T>) -> Result<T> {
        change(&self.store, actor, work).await
    }

    /// Waits for the end of dropped transactions: on PostgreSQL they keep their locks until their connection is cleaned up.
    pub async fn rolled_back(&self) {
        if self.is_sqlite() {
            return;
        }
        let mut raw = Raw::of(self).await;
        let open = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'";
        while raw.number(open).await > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Returns the actor as of the next request of the same person.
    pub async fn again(&self, actor: &Actor) -> Actor {
        person(&self.store, actor.tenant, actor.person().unwrap()).await
    }

    pub async fn submit(&self, actor: &Actor, task: SubmitTask) -> Submitted {
        self.change(actor, async |write| write.submit_task(actor.may(task)?).await).await.unwrap()
    }

    /// Enrolls a runner of the tenant.
    pub async fn runner(&self, fixture: &TenantFixture, name: &str) -> Actor {
        let new = enrolled(name);
        let runner = Actor::runner(fixture.tenant, new.id, name, self.now());
        self.change(&fixture.console, async |write| write.enroll_runner(new).await).await.unwrap();
        runner
    }

    /// Creates a key with these scopes.
    pub async fn key(&self, owner: &Actor, scopes: &str) -> Actor {
        let new = new_key(owner, "key", scopes);
        let key = self.change(owner, async |write| {
            write.create_key(owner.may(new)?, "mk_1", hash(&Uuid::new_v4().to_string())).await
        });
        holding(owner, key.await.unwrap(), scopes)
    }

    pub async fn claim(&self, runner: &Actor) -> Option<Assignment> {
        self.change(runner, async |write| write.claim_tasks(&["bash".into()], 1).await).await.unwrap().pop()
    }

    pub async fn start(&self, runner: &Actor, lease: Lease) {
        self.change(runner, async |write| write.start_task(lease).await).await.unwrap();
    }

    pub async fn finish(&self, runner: &Actor, taken: &Assignment, end: End) -> Result<domain::task::TaskState> {
        let receipt = receipt(runner, taken, end, "");
        self.change(runner, async |write| write.finish_task(lease(taken), &receipt, vec![1]).await).await
    }

    /// Returns the approval request of a task.
    pub async fn approval_request(&self, task: &Submitted) -> Approval {
        let mut read = self.store.read(&self.acme.console).await.unwrap();
        read.approval_of(task.id).await.unwrap().unwrap()
    }

    pub async fn decide(
        &self,
        actor: &Actor,
        approval: &Approval,
        answer: Answer,
    ) -> Result<domain::approval::ApprovalState> {
        let decision = decision(approval, answer);
        self.change(actor, async |write| write.decide(actor.may(decision)?).await).await
    }

    pub async fn state(&self, fixture: &TenantFixture, task: domain::TaskId) -> domain::task::TaskState {
        self.store.read(&fixture.console).await.unwrap().task(task).await.unwrap().state
    }

    /// Changes the tenant's rules so that tasks with network access require this number of approvals.
    pub async fn ask(&self, fixture: &TenantFixture, approvers: u32) {
        let rule = |name: &str, networks, verdict| Rule { networks, ..Rule::new(name, verdict) };
        let rules = Rules::new(vec![
            rule("sealed", vec![NetworkPolicy::Isolated], Verdict::Run),
            rule("the rest", vec![], Verdict::Ask { approvers, hours: 24, passkey: false }),
        ]);
        let mut read = self.store.read(&fixture.adam).await.unwrap();
        let version = read.rules().await.unwrap().version;
        drop(read);
        let change = ChangeRules { rules: rules.unwrap(), version };
        self.change(&fixture.adam, async |write| write.change_rules(fixture.adam.may(change)?).await).await.unwrap();
    }

    /// Returns the actions in a task's history.
    pub async fn history(&self, fixture: &TenantFixture, task: domain::TaskId) -> Vec<String> {
        let mut read = self.store.read(&fixture.console).await.unwrap();
        read.task_history(task).await.unwrap().into_iter().map(|row| row.action).collect()
    }

    /// Returns the number of events in the tenant's audit log.
    pub async fn records(&self, fixture: &TenantFixture) -> i64 {
        self.store.read(&fixture.console).await.unwrap().audit_head().await.unwrap().seq
    }
}

impl TenantFixture {
    pub fn every_role(&self) -> [(&'static str, &Actor); 12] {
        [
            ("sam, a stranger", &self.sam),
            ("vera, a viewer", &self.vera),
            ("mia, a member", &self.mia),
            ("ada, an approver", &self.ada),
            ("olga, an owner", &self.olga),
            ("audrey, an auditor", &self.audrey),
            ("adam, an admin", &self.adam),
            ("rex, a runner", &self.rex),
            ("kit, a key of olga's", &self.kit),
            ("the console", &self.console),
            ("an invitation", &self.invitation),
            ("a provider", &self.provider),
        ]
    }
}

async fn create_tenant_fixture(store: &Store, name: &'static str) -> TenantFixture {
    let tenant = store.system().create_tenant(name).await.unwrap();
    let console = Actor::console(tenant, store.now());
    let mut write = store.write(&console).await.unwrap();
    let organization = |noun: &str| console.may(CreateOrganization { name: format!("{name} {noun}") }).unwrap();
    let ops = write.create_organization(organization("ops")).await.unwrap();
    let lab = write.create_organization(organization("lab")).await.unwrap();
    let people = [SAM, VERA, MIA, ADA, ABE, OLGA, AUDREY, ADAM];
    let [sam, vera, mia, ada, abe, olga, audrey, adam] = create_people(&mut write, &console, ops, name, people).await;
    join(&mut write, &console, lab, olga, Role::Owner).await;
    let rex = EnrolledRunner { version: format!("1 at {name}"), ..enrolled("rex") };
    let rex_id = rex.id;
    write.enroll_runner(rex).await.unwrap();
    let new = testkit::new_key(olga, &format!("kit of {name}"), "tasks:read");
    let kit = write.create_key(console.may(new).unwrap(), "mk_kit", hash(&format!("kit of {name}"))).await.unwrap();
    // Tests of confirmations turn it on.
    let alone = console.may(SetDualControl { enabled: false }).unwrap();
    write.set_dual_control(alone).await.unwrap();
    write.commit().await.unwrap();
    let olga = person(store, tenant, olga).await;
    TenantFixture {
        name,
        tenant,
        ops,
        lab,
        sam: person(store, tenant, sam).await,
        vera: person(store, tenant, vera).await,
        mia: person(store, tenant, mia).await,
        ada: person(store, tenant, ada).await,
        abe: person(store, tenant, abe).await,
        audrey: person(store, tenant, audrey).await,
        adam: person(store, tenant, adam).await,
        rex: Actor::runner(tenant, rex_id, "rex", store.now()),
        kit: holding(&olga, kit, "tasks:read"),
        olga,
        console,
        invitation: Actor::invitation(tenant, store.now()),
        provider: Actor::provider(tenant, "ID", store.now()),
    }
}

pub fn holding(owner: &Actor, key: KeyId, scopes: &str) -> Actor {
    let mut actor = owner.clone();
    actor.principal = Principal::Key { key, owner: owner.person().unwrap() };
    (actor.scopes, actor.by) = (Some(scopes.parse().unwrap()), SignedInBy::Key);
    actor
}

pub fn email(who: &str, fixture: &str) -> Email {
    Email::parse(&email_address(who, fixture)).unwrap()
}

pub fn new_key(owner: &Actor, name: &str, scopes: &str) -> CreateKey {
    testkit::new_key(owner.person().unwrap(), name, scopes)
}

/// Returns a submission from its fields in JSON.
pub fn task(organization: OrganizationId, fields: serde_json::Value) -> SubmitTask {
    let mut all = serde_json::json!({ "script": "echo hi" });
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let form: SubmissionForm = serde_json::from_value(all).unwrap();
    let submission = Submission { has_title: true, ..form.check(organization).unwrap() };
    SubmitTask { submission, idempotency_key: None }
}

/// Returns a task that runs immediately under the default rules.
pub fn sealed(organization: OrganizationId) -> SubmitTask {
    task(organization, serde_json::json!({}))
}

/// Returns a task that requires approval under the default rules.
pub fn needs_approval(organization: OrganizationId) -> SubmitTask {
    task(organization, serde_json::json!({ "network_policy": "unrestricted" }))
}

pub fn decision(approval: &Approval, answer: Answer) -> Decide {
    Decide {
        approval: approval.id,
        task: approval.task_id,
        organization: approval.organization_id,
        requesters: approval.requesters(),
        self_approval: approval.self_approval,
        held_until: None,
        answer,
        reason: "checked the script".into(),
        request: approval.request_digest,
        network: approval.network,
        requires_passkey: approval.requires_passkey,
        assertion: None,
    }
}

/// Returns the receipt of an attempt that printed `output`.
pub fn receipt(runner: &Actor, taken: &Assignment, end: End, output: &str) -> Receipt {
    Receipt {
        output: domain::request::OutputDigest::of(output.as_bytes()),
        output_bytes: output.len().try_into().unwrap(),
        out_of_memory: false,
        replaced_bytes: 0,
        output_lines: output.lines().count().try_into().unwrap(),
        ..testkit::receipt(runner, taken, end)
    }
}

pub fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
