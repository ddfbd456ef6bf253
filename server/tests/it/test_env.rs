//! In-process test deployment on either database, with two tenants and their people.
use axum::{
    Router,
    body::{Body, BodyDataStream},
};
use bytes::Bytes;
use domain::{
    Actor, Email, OrganizationId, PersonId, RunnerId, TaskId, TenantId, Timestamp,
    log::{Line, Stream},
    policy::{CreateKey, CreateOrganization, CreatePerson, SetMembership},
    receipt::{End, Receipt},
    request::OutputDigest,
    role::{Role, TenantRole},
};
use futures::StreamExt;
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use server::{
    api, config,
    keys::{Keys, SecretsDir},
    state::App,
};
use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use store::{Assignment, EnrolledRunner, Lease, MasterKey, Settings, Store, Write};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

/// Generates two tests per case, `name::sqlite` and `name::postgres`, each with its own deployment.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($env:ident) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "some tests need nothing from around them")]
            use super::*;

            async fn case($env: &crate::test_env::TestEnv) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let env = crate::test_env::TestEnv::sqlite().await;
                case(&env).await;
                env.end().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let env = crate::test_env::TestEnv::postgres().await;
                case(&env).await;
                env.end().await;
            }
        }
    )*};
}
pub(crate) use on_both;

/// The start time of every test: 2026-03-01 14:05:09 UTC.
const START_TIME: i64 = 1_772_373_909_000_000;

/// A deployment with a controlled clock.
pub struct TestEnv {
    pub app: App,
    pub api: Router,
    clock: Arc<AtomicI64>,
    database: Option<String>,
    /// The tenant that most tests use.
    pub acme: TenantFixture,
    /// Another tenant, for isolation tests.
    pub bolt: TenantFixture,
    _folder: TempDir,
}

/// A tenant and its people. `ops` is an organization with every person except the auditor.
pub struct TenantFixture {
    pub id: TenantId,
    pub console: Actor,
    pub ops: OrganizationId,
    /// A member.
    pub mia: PersonId,
    /// Another member.
    pub max: PersonId,
    /// An approver.
    pub ada: PersonId,
    /// An auditor who is in no organization.
    pub audrey: PersonId,
    /// A runner.
    pub rex: Actor,
}

impl TestEnv {
    pub async fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("castellan.db").display());
        Self::open(&url, None, folder).await
    }

    pub async fn postgres() -> Self {
        let cluster = std::env::var("CASTELLAN_TEST_POSTGRES_URL")
            .expect("CASTELLAN_TEST_POSTGRES_URL is not set: run the tests by `cargo xtask test`");
        let database = format!("castellan_{}", Uuid::new_v4().simple());
        psql(&cluster, &format!("create database {database}"));
        let (server, _) = cluster.rsplit_once('/').unwrap();
        let url = format!("{server}/{database}");
        Self::open(&url, Some(database), TempDir::new().unwrap()).await
    }

    async fn open(url: &str, database: Option<String>, folder: TempDir) -> Self {
        let clock = Arc::new(AtomicI64::new(START_TIME));
        let ticking = clock.clone();
        let store = Store::open(Settings {
            url: url.to_owned(),
            key: MasterKey::new([7; 32]),
            clock: Arc::new(move || Timestamp(ticking.load(Ordering::SeqCst))),
        })
        .await
        .unwrap();
        let secrets = SecretsDir::open_or_create(&folder.path().join("secrets")).unwrap();
        let config = config::load_from(None, std::iter::empty()).unwrap();
        let keys = Keys::open_or_create(&secrets, None).unwrap();
        let rates = server::rates::Rates::new(&config.limits).into();
        let app = App {
            store,
            config: config.into(),
            keys: keys.into(),
            rates,
            key_usage: std::sync::Arc::default(),
            attempts: std::sync::Arc::default(),
            background: auth::BackgroundWrites::default(),
            certificate: None,
            stop: CancellationToken::new(),
        };
        let acme = create_tenant_fixture(&app.store, "acme").await;
        let bolt = create_tenant_fixture(&app.store, "bolt").await;
        Self { api: api::routes(app.clone()).unwrap(), app, clock, database, acme, bolt, _folder: folder }
    }

    /// Closes the database and drops it.
    pub async fn end(self) {
        self.app.background.finish().await;
        self.app.store.close().await;
        if let Some(database) = &self.database {
            let cluster = std::env::var("CASTELLAN_TEST_POSTGRES_URL").unwrap();
            psql(&cluster, &format!("drop database {database} with (force)"));
        }
    }

    pub fn advance_clock(&self, span: Duration) {
        self.clock.fetch_add(i64::try_from(span.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Creates an API key with these scopes and returns its token.
    pub async fn key(&self, tenant: &TenantFixture, owner: PersonId, scopes: &str) -> String {
        let token = format!("mk_{}", Uuid::new_v4().simple());
        let new = CreateKey {
            owner,
            name: "key".into(),
            scopes: scopes.parse().unwrap(),
            expires_at: None,
            organization: None,
            networks: domain::Networks::default(),
            responsible: None,
        };
        let hash = server::authentication::digest(&token);
        self.change(&tenant.console, async |write| write.create_key(tenant.console.may(new)?, &token[..8], hash).await)
            .await;
        token
    }

    /// Commits one change by one actor.
    pub async fn change<T>(&self, actor: &Actor, work: impl AsyncFnOnce(&mut Write) -> store::Result<T>) -> T {
        let mut write = self.app.store.write(actor).await.unwrap();
        let done = work(&mut write).await.unwrap();
        write.commit().await.unwrap();
        done
    }

    /// Sends a request to the API.
    pub async fn send(&self, request: Request<Body>) -> http::Response<Body> {
        self.api.clone().oneshot(request).await.unwrap()
    }

    pub async fn get(&self, token: &str, path: &str) -> Response {
        let request = Request::get(path).header("authorization", format!("Bearer {token}"));
        Response::of(self.send(request.body(Body::empty()).unwrap()).await).await
    }

    pub async fn post(&self, token: &str, path: &str, body: Value) -> Response {
        self.post_with(token, path, &[], &body.to_string()).await
    }

    pub async fn post_with(&self, token: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut request = Request::post(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        for (name, value) in headers {
            request
                .headers_mut()
                .unwrap()
                .insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        Response::of(self.send(request.body(Body::from(body.to_owned())).unwrap()).await).await
    }

    /// Submits a task and returns its id.
    pub async fn submit(&self, token: &str, body: Value) -> TaskId {
        let response = self.post(token, "/api/v1/tasks", body).await;
        assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
        response.json()["id"].as_str().unwrap().parse().unwrap()
    }

    /// Claims and starts the next task as the tenant's runner.
    pub async fn start(&self, tenant: &TenantFixture) -> Assignment {
        let assignment =
            self.change(&tenant.rex, async |write| write.claim_tasks(&["bash".into()], 1).await).await.pop().unwrap();
        self.change(&tenant.rex, async |write| write.start_task(lease(&assignment)).await).await;
        assignment
    }

    /// Appends output lines, numbered from `first`.
    pub async fn print(&self, tenant: &TenantFixture, assignment: &Assignment, first: i64, lines: &[&str]) {
        let line = |text: &&str| Line { at: self.app.store.now(), stream: Stream::Stdout, text: (*text).to_owned() };
        let lines: Vec<_> = lines.iter().map(line).collect();
        self.change(&tenant.rex, async |write| write.append_lines(lease(assignment), first, &lines).await).await;
    }

    /// Finishes the attempt with a receipt for `output`.
    pub async fn finish(&self, tenant: &TenantFixture, assignment: &Assignment, end: End, output: &str) {
        let domain::Principal::Runner(runner) = tenant.rex.principal else { panic!("not a runner") };
        let receipt = Receipt {
            tenant: tenant.id,
            task: assignment.task.id,
            attempt: assignment.task.attempt,
            runner,
            request: assignment.task.request_digest,
            started_at: self.app.store.now(),
            ended_at: self.app.store.now(),
            end,
            output: OutputDigest::of(output.as_bytes()),
            output_bytes: u64::try_from(output.len()).unwrap(),
            output_lines: u64::try_from(output.lines().count()).unwrap(),
        };
        self.change(&tenant.rex, async |write| write.finish_task(lease(assignment), &receipt, vec![1, 2, 3]).await)
            .await;
    }
}

pub fn lease(assignment: &Assignment) -> Lease {
    Lease { task: assignment.task.id, attempt: assignment.task.attempt }
}

/// A complete response.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Response {
    pub async fn of(response: http::Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Self { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Checks that the response is a problem with this status and returns its JSON.
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!((&problem["type"], &problem["status"]), (&"about:blank".into(), &status.into()), "{self:?}");
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{self:?}");
        problem
    }

    /// Checks that the response is a 422 for exactly this field.
    pub fn wrong_field(&self, field: &str) {
        assert_eq!(self.problem(422)["errors"][0]["field"], field, "{self:?}");
    }
}

/// A server-sent event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub event: String,
    pub id: String,
    pub data: String,
}

/// A reader of server-sent events.
pub struct EventStream {
    stream: BodyDataStream,
    rest: String,
}

impl EventStream {
    pub fn to(response: http::Response<Body>) -> Self {
        assert_eq!(response.status(), StatusCode::OK, "{response:?}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { stream: response.into_body().into_data_stream(), rest: String::new() }
    }

    /// Returns the next event, or `None` at the end of the stream; skips comments.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.rest.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.rest = rest;
                let mut event = Event::default();
                for line in block.lines() {
                    match line.split_once(": ") {
                        Some(("event", value)) => event.event = value.to_owned(),
                        Some(("id", value)) => event.id = value.to_owned(),
                        Some(("data", value)) => event.data = value.to_owned(),
                        _ => {}
                    }
                }
                if event != Event::default() {
                    return Some(event);
                }
                continue;
            }
            let piece: Option<Result<Bytes, _>> = tokio::time::timeout(Duration::from_secs(20), self.stream.next())
                .await
                .expect("no event within 20 seconds");
            self.rest.push_str(std::str::from_utf8(&piece?.unwrap()).unwrap());
        }
    }

    /// Returns the events up to and including the next one of this name, or to the end of the stream.
    pub async fn until(&mut self, name: &str) -> Vec<Event> {
        let mut events = vec![];
        while let Some(next) = self.next().await {
            let last = next.event == name;
            events.push(next);
            if last {
                break;
            }
        }
        events
    }
}

async fn create_tenant_fixture(store: &Store, name: &str) -> TenantFixture {
    let tenant = store.system().create_tenant(name).await.unwrap();
    let console = Actor::console(tenant, store.now());
    let mut write = store.write(&console).await.unwrap();
    let new = CreateOrganization { name: "ops".into() };
    let ops = write.create_organization(console.may(new).unwrap()).await.unwrap();
    let mut ids = vec![];
    for (who, tenant_role, role) in [
        ("mia", TenantRole::Person, Some(Role::Member)),
        ("max", TenantRole::Person, Some(Role::Member)),
        ("ada", TenantRole::Person, Some(Role::Approver)),
        ("audrey", TenantRole::Auditor, None),
    ] {
        let email = Email::parse(&format!("{who}@{name}.example")).unwrap();
        let new = CreatePerson { email, name: format!("{who} of {name}"), tenant_role };
        let person = write.create_person(console.may(new).unwrap()).await.unwrap();
        if let Some(role) = role {
            let join = SetMembership { organization: ops, person, role };
            write.set_membership(console.may(join).unwrap()).await.unwrap();
        }
        ids.push(person);
    }
    let [mia, max, ada, audrey] = ids.try_into().unwrap();
    let id = RunnerId(Uuid::now_v7());
    let runner = EnrolledRunner {
        id,
        name: "rex".into(),
        version: "1".into(),
        capabilities: "bash".into(),
        serial: format!("serial of {name}"),
        public_key: vec![1, 2, 3],
        expires_at: Timestamp(START_TIME).after(Duration::from_hours(24)),
    };
    write.enroll_runner(runner).await.unwrap();
    write.commit().await.unwrap();
    let rex = Actor::runner(tenant, id, "rex", store.now());
    TenantFixture { id: tenant, console, ops, mia, max, ada, audrey, rex }
}

/// Runs one statement with psql, because only `store` depends on a database driver.
fn psql(url: &str, statement: &str) {
    let done = Command::new("psql").args(["--no-psqlrc", "--quiet", "--command", statement, url]).output();
    let done = done.expect("psql is needed, which comes with PostgreSQL");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
