//! Test world: a fresh database with two tenants, and a person of every role in each.
use domain::{
    Actor, Email, KeyId, OrganizationId, PersonId, Principal, RunnerId, SignedInBy, TenantId, Timestamp,
    approval::Answer,
    network::NetworkPolicy,
    policy::{ChangeRules, CreateKey, CreateOrganization, CreatePerson, Decide, SetMembership, SubmitTask},
    receipt::{End, Receipt},
    request::OutputDigest,
    role::{Role, TenantRole},
    rule::{Rule, Rules, Verdict},
    task::SubmissionForm,
};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use store::{Approval, Assignment, EnrolledRunner, Lease, MasterKey, Result, Settings, Store, Submitted, Write};
use tempfile::TempDir;
use uuid::Uuid;

/// Expands each test into two, `name::sqlite` and `name::postgres`, each in a world of its own.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "some stories need nothing from around them")]
            use super::*;

            async fn story($world: &crate::world::World) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let world = crate::world::World::sqlite().await;
                story(&world).await;
                world.end().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let world = crate::world::World::postgres().await;
                story(&world).await;
                world.end().await;
            }
        }
    )*};
}
pub(crate) use on_both;

/// Start time of every test: 2026-03-01 14:05:09 UTC.
const BEGINNING: i64 = 1_772_373_909_000_000;

/// A deployment with two tenants and a clock that only tests advance.
pub struct World {
    pub store: Store,
    pub url: String,
    clock: Arc<AtomicI64>,
    location: Location,
    /// The tenant that most tests use.
    pub acme: TenantFixture,
    /// The other tenant. Everything in it has `bolt` in its name, so that leaks are visible.
    pub bolt: TenantFixture,
}

enum Location {
    Folder { _kept: TempDir },
    Cluster { url: String, database: String },
}

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
}

impl World {
    pub async fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("castellan.db").display());
        Self::at(url, Location::Folder { _kept: folder }).await
    }

    pub async fn postgres() -> Self {
        let Database { url, cluster, name } = Database::create().await;
        Self::at(url, Location::Cluster { url: cluster, database: name }).await
    }

    async fn at(url: String, location: Location) -> Self {
        let clock = Arc::new(AtomicI64::new(BEGINNING));
        let store = Store::open(settings(&url, [7; 32], &clock)).await.unwrap();
        let acme = create_tenant_fixture(&store, "acme").await;
        let bolt = create_tenant_fixture(&store, "bolt").await;
        Self { store, url, clock, location, acme, bolt }
    }

    /// Closes and drops the database.
    pub async fn end(self) {
        self.store.close().await;
        if let Location::Cluster { url, database } = self.location {
            drop_database(&url, &database).await;
        }
    }

    pub fn is_sqlite(&self) -> bool {
        matches!(self.location, Location::Folder { .. })
    }

    pub fn now(&self) -> Timestamp {
        self.store.now()
    }

    pub fn wait(&self, span: Duration) {
        self.clock.fetch_add(i64::try_from(span.as_micros()).unwrap(), Ordering::SeqCst);
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
        let receipt = receipt(runner, taken, end, 0);
        self.change(runner, async |write| write.finish_task(lease(taken), &receipt, vec![1]).await).await
    }

    /// Returns the approval request of a task.
    pub async fn question(&self, task: &Submitted) -> Approval {
        let mut read = self.store.read(&self.acme.console).await.unwrap();
        read.approval_of(task.id).await.unwrap().unwrap()
    }

    pub async fn decide(
        &self,
        actor: &Actor,
        question: &Approval,
        answer: Answer,
    ) -> Result<domain::approval::ApprovalState> {
        let decision = decision(question, answer);
        self.change(actor, async |write| write.decide(actor.may(decision)?).await).await
    }

    pub async fn state(&self, fixture: &TenantFixture, task: domain::TaskId) -> domain::task::TaskState {
        self.store.read(&fixture.console).await.unwrap().task(task).await.unwrap().state
    }

    /// Changes the tenant's rules so that tasks with network access require this number of approvals.
    pub async fn ask(&self, fixture: &TenantFixture, approvers: u32) {
        let rule = |name: &str, networks, verdict| Rule { name: name.into(), tools: vec![], networks, verdict };
        let rules = Rules::new(vec![
            rule("sealed", vec![NetworkPolicy::Isolated], Verdict::Run),
            rule("the rest", vec![], Verdict::Ask { approvers, hours: 24 }),
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
    pub fn every_role(&self) -> [(&'static str, &Actor); 10] {
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
        ]
    }
}

/// Returns the URL of the cluster in which every test creates its own database.
pub fn cluster() -> String {
    std::env::var("CASTELLAN_TEST_POSTGRES_URL").expect(
        "CASTELLAN_TEST_POSTGRES_URL is not set: run the tests by `cargo xtask test`, which starts a throw-away PostgreSQL; \
         or set it to postgres://ROLE@HOST:PORT/postgres, the role being no superuser and allowed to create databases",
    )
}

/// An empty database on the test cluster.
pub struct Database {
    pub url: String,
    pub cluster: String,
    pub name: String,
}

impl Database {
    pub async fn create() -> Self {
        let cluster = cluster();
        let name = format!("castellan_{}", Uuid::new_v4().simple());
        let mut admin = PgConnection::connect(&cluster).await.expect("the PostgreSQL cluster for tests must answer");
        sqlx::query(AssertSqlSafe(format!("create database {name}"))).execute(&mut admin).await.unwrap();
        let (server, _) = cluster.rsplit_once('/').unwrap();
        Self { url: format!("{server}/{name}"), cluster, name }
    }
}

/// Drops a database. Autovacuum may be running in it, which only a superuser can end.
pub async fn drop_database(cluster: &str, database: &str) {
    let mut admin = PgConnection::connect(cluster).await.unwrap();
    for _ in 0..100 {
        let sql = AssertSqlSafe(format!("drop database {database} with (force)"));
        if sqlx::query(sql).execute(&mut admin).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{database} cannot be dropped");
}

fn settings(url: &str, key: [u8; 32], clock: &Arc<AtomicI64>) -> Settings {
    let clock = clock.clone();
    let clock = Arc::new(move || Timestamp(clock.load(Ordering::SeqCst)));
    Settings { url: url.to_owned(), key: MasterKey::new(key), clock }
}

pub async fn change<T>(store: &Store, actor: &Actor, work: impl AsyncFnOnce(&mut Write) -> Result<T>) -> Result<T> {
    let mut write = store.write(actor).await?;
    let done = work(&mut write).await?;
    write.commit().await?;
    Ok(done)
}

async fn create_tenant_fixture(store: &Store, name: &'static str) -> TenantFixture {
    let tenant = store.system().create_tenant(name).await.unwrap();
    let console = Actor::console(tenant, store.now());
    let mut write = store.write(&console).await.unwrap();
    let organization = |noun: &str| console.may(CreateOrganization { name: format!("{name} {noun}") }).unwrap();
    let ops = write.create_organization(organization("ops")).await.unwrap();
    let lab = write.create_organization(organization("lab")).await.unwrap();
    let people = [
        ("sam", TenantRole::Person, None),
        ("vera", TenantRole::Person, Some(Role::Viewer)),
        ("mia", TenantRole::Person, Some(Role::Member)),
        ("ada", TenantRole::Person, Some(Role::Approver)),
        ("abe", TenantRole::Person, Some(Role::Approver)),
        ("olga", TenantRole::Person, Some(Role::Owner)),
        ("audrey", TenantRole::Auditor, None),
        ("adam", TenantRole::Admin, None),
    ];
    let mut ids = vec![];
    for (who, tenant_role, role) in people {
        let create = CreatePerson { email: email(who, name), name: format!("{who} of {name}"), tenant_role };
        let id = write.create_person(console.may(create).unwrap()).await.unwrap();
        if let Some(role) = role {
            join(&mut write, &console, ops, id, role).await;
        }
        ids.push(id);
    }
    let [sam, vera, mia, ada, abe, olga, audrey, adam] = ids.try_into().unwrap();
    join(&mut write, &console, lab, olga, Role::Owner).await;
    let rex = enrolled("rex");
    let rex_id = rex.id;
    write.enroll_runner(rex).await.unwrap();
    let new = CreateKey {
        owner: olga,
        name: format!("kit of {name}"),
        scopes: "tasks:read".parse().unwrap(),
        expires_at: None,
        organization: None,
        networks: domain::Networks::default(),
        responsible: None,
    };
    let kit = write.create_key(console.may(new).unwrap(), "mk_kit", hash(&format!("kit of {name}"))).await.unwrap();
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
    }
}

async fn join(write: &mut Write, console: &Actor, organization: OrganizationId, person: PersonId, role: Role) {
    write.set_membership(console.may(SetMembership { organization, person, role }).unwrap()).await.unwrap();
}

/// Returns a person as an actor, as the server builds it.
pub async fn person(store: &Store, tenant: TenantId, id: PersonId) -> Actor {
    let holder = store.system().holder(tenant, id).await.unwrap();
    let mut actor = Actor::clock(tenant, store.now());
    actor.principal = Principal::Person(id);
    (actor.name, actor.email, actor.tenant_role) = (holder.name, Some(holder.email), holder.tenant_role);
    (actor.roles, actor.by) = (holder.roles, SignedInBy::Password);
    actor
}

pub fn holding(owner: &Actor, key: KeyId, scopes: &str) -> Actor {
    let mut actor = owner.clone();
    actor.principal = Principal::Key { key, owner: owner.person().unwrap() };
    (actor.scopes, actor.by) = (Some(scopes.parse().unwrap()), SignedInBy::Key);
    actor
}

pub fn email(who: &str, fixture: &str) -> Email {
    Email::parse(&format!("{who}@{fixture}.example")).unwrap()
}

pub fn enrolled(name: &str) -> EnrolledRunner {
    EnrolledRunner {
        id: RunnerId(Uuid::now_v7()),
        name: name.into(),
        version: "1".into(),
        capabilities: "bash".into(),
        serial: format!("serial of {name}"),
        public_key: vec![1, 2, 3],
        expires_at: Timestamp(BEGINNING).after(Duration::from_hours(24 * 90)),
    }
}

pub fn new_key(owner: &Actor, name: &str, scopes: &str) -> CreateKey {
    let owner = owner.person().unwrap();
    CreateKey {
        owner,
        name: name.into(),
        scopes: scopes.parse().unwrap(),
        expires_at: None,
        organization: None,
        networks: domain::Networks::default(),
        responsible: None,
    }
}

/// Returns a submission from its fields in JSON.
pub fn task(organization: OrganizationId, fields: serde_json::Value) -> SubmitTask {
    let mut all = serde_json::json!({ "script": "echo hi" });
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let form: SubmissionForm = serde_json::from_value(all).unwrap();
    SubmitTask { submission: form.check(organization).unwrap(), idempotency_key: None }
}

/// Returns a task that runs immediately under the default rules.
pub fn sealed(organization: OrganizationId) -> SubmitTask {
    task(organization, serde_json::json!({}))
}

/// Returns a task that requires approval under the default rules.
pub fn asking(organization: OrganizationId) -> SubmitTask {
    task(organization, serde_json::json!({ "network_policy": "unrestricted" }))
}

pub fn decision(question: &Approval, answer: Answer) -> Decide {
    Decide {
        approval: question.id,
        task: question.task_id,
        organization: question.organization_id,
        requester: question.requester_id,
        behind: question.behind(),
        answer,
        reason: "looked at it".into(),
        request: question.request_digest,
        network: question.network,
    }
}

pub fn lease(taken: &Assignment) -> Lease {
    Lease { task: taken.task.id, attempt: taken.task.attempt }
}

pub fn receipt(runner: &Actor, taken: &Assignment, end: End, output_lines: u64) -> Receipt {
    let Principal::Runner(id) = runner.principal else { panic!("not a runner") };
    Receipt {
        tenant: runner.tenant,
        task: taken.task.id,
        attempt: taken.task.attempt,
        runner: id,
        request: taken.task.request_digest,
        started_at: Timestamp(BEGINNING),
        ended_at: Timestamp(BEGINNING),
        end,
        output: OutputDigest::of(b""),
        output_bytes: 0,
        output_lines,
    }
}

pub fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
