//! In-process test deployment on either database, with two tenants and their people.
use axum::{
    Router,
    body::{Body, BodyDataStream},
};
use bytes::Bytes;
use domain::{
    Actor, OrganizationId, PersonId, TaskId, TenantId,
    log::{Line, Stream},
    policy::CreateOrganization,
    receipt::{End, Receipt},
    request::OutputDigest,
};
use futures::StreamExt;
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use server::{
    api, config,
    keys::{Keys, SecretsDir},
    problem_type::ProblemType,
    state::App,
};
use std::time::Duration;
use store::{Assignment, EnrolledRunner, Store, Write};
use tempfile::TempDir;
use testkit::{
    ADA, AUDREY, Clock, Database, Engine, Fixture, MAX, MIA, START, create_people, enrolled_runner, lease, new_key,
    settings,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

/// Generates two tests per case, `name::sqlite` and `name::postgres`, each with its own deployment.
macro_rules! on_both {
    ($($cases:tt)*) => { testkit::on_both! { &crate::test_env::TestEnv; $($cases)* } };
}
pub(crate) use on_both;

/// A deployment with a controlled clock.
pub struct TestEnv {
    pub app: App,
    pub api: Router,
    clock: Clock,
    /// The tenant that most tests use.
    pub acme: TenantFixture,
    /// Another tenant, for isolation tests.
    pub bolt: TenantFixture,
    _folder: TempDir,
    database: Database,
}

/// A tenant and its people. `ops` is an organization with every person except the auditor.
#[derive(Clone)]
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

impl Fixture for TestEnv {
    async fn create(engine: Engine) -> Self {
        let (folder, database, clock) = (TempDir::new().unwrap(), Database::create(engine), Clock::default());
        let store = Store::open(settings(&database.url, [7; 32], &clock)).await.unwrap();
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
            backups: std::sync::Arc::default(),
            stop: CancellationToken::new(),
        };
        let acme = create_tenant_fixture(&app.store, "acme").await;
        let bolt = create_tenant_fixture(&app.store, "bolt").await;
        Self { api: api::routes(app.clone()).unwrap(), app, clock, acme, bolt, _folder: folder, database }
    }

    async fn close(self) {
        self.end().await;
    }
}

impl TestEnv {
    pub async fn sqlite() -> Self {
        Self::create(Engine::Sqlite).await
    }

    /// Closes the database and drops it.
    pub async fn end(self) {
        self.app.background.finish().await;
        self.app.store.close().await;
    }

    /// Runs SQL statements as the owner of the database can, outside of the store.
    pub fn tamper(&self, sql: &str) {
        self.database.run(sql);
    }

    /// Returns an id as an SQL literal.
    pub fn sql_id(&self, id: Uuid) -> String {
        match self.database.engine() {
            Engine::Sqlite => format!("x'{}'", id.simple()),
            Engine::Postgres => format!("'{id}'::uuid"),
        }
    }

    pub fn advance_clock(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// Creates an API key with these scopes and returns its token.
    pub async fn key(&self, tenant: &TenantFixture, owner: PersonId, scopes: &str) -> String {
        let token = format!("mk_{}", Uuid::new_v4().simple());
        let new = new_key(owner, "key", scopes);
        let hash = server::authentication::digest(&token);
        self.change(&tenant.console, async |write| write.create_key(tenant.console.may(new)?, &token[..8], hash).await)
            .await;
        token
    }

    /// Commits one change by one actor.
    pub async fn change<T>(&self, actor: &Actor, work: impl AsyncFnOnce(&mut Write) -> store::Result<T>) -> T {
        testkit::change(&self.app.store, actor, work).await.unwrap()
    }

    /// Sends a request to the API and checks that its operation documents the status of the response.
    pub async fn send(&self, request: Request<Body>) -> http::Response<Body> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.api.clone().oneshot(request).await.unwrap();
        if let Some(documented) = documented_statuses(method.as_str(), &path) {
            let status = response.status();
            assert!(documented.iter().any(|it| it == status.as_str()), "{method} {path} does not document {status}");
        }
        response
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
        let line = |text: &&str| Line::new(self.app.store.now(), Stream::Stdout, (*text).to_owned());
        let lines: Vec<_> = lines.iter().map(line).collect();
        self.change(&tenant.rex, async |write| write.append_lines(lease(assignment), first, &lines).await).await;
    }

    /// Finishes the attempt with a receipt for `output`.
    pub async fn finish(&self, tenant: &TenantFixture, assignment: &Assignment, end: End, output: &str) {
        let now = self.app.store.now();
        let receipt = Receipt {
            started_at: now,
            ended_at: now,
            output: OutputDigest::of(output.as_bytes()),
            output_bytes: u64::try_from(output.len()).unwrap(),
            out_of_memory: false,
            replaced_bytes: 0,
            output_lines: u64::try_from(output.lines().count()).unwrap(),
            ..testkit::receipt(&tenant.rex, assignment, end)
        };
        self.change(&tenant.rex, async |write| write.finish_task(lease(assignment), &receipt, vec![1, 2, 3]).await)
            .await;
    }
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
        let kind = ProblemType::ALL.iter().find(|kind| problem["type"] == kind.urn()).expect("a documented type");
        assert_eq!((kind.status().as_u16(), &problem["status"]), (status, &status.into()), "{self:?}");
        assert_eq!(problem["title"], kind.title());
        assert!(problem["detail"].is_string(), "{self:?}");
        problem
    }

    /// Checks that the response is a 422 for exactly this field.
    pub fn wrong_field(&self, field: &str) {
        self.wrong_fields(&[field]);
    }

    /// Checks that the response is a 422 for exactly these fields.
    pub fn wrong_fields(&self, fields: &[&str]) {
        let problem = self.problem(422);
        let errors = problem["errors"].as_array().unwrap();
        assert_eq!(errors.iter().map(|error| error["field"].as_str().unwrap()).collect::<Vec<_>>(), fields, "{self:?}");
        assert!(errors.iter().all(|error| !error["reason"].as_str().unwrap().is_empty()), "{self:?}");
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

/// Returns the statuses that the OpenAPI document declares for an operation, or `None` if there is no such operation.
pub fn documented_statuses(method: &str, path: &str) -> Option<Vec<String>> {
    let document = serde_json::to_value(api::openapi()).unwrap();
    let is_for = |pattern: &str| {
        let (segments, pattern): (Vec<_>, Vec<_>) = (path.split('/').collect(), pattern.split('/').collect());
        segments.len() == pattern.len() && segments.iter().zip(pattern).all(|(it, part)| part == "{id}" || *it == part)
    };
    let (_, operations) = document["paths"].as_object().unwrap().iter().find(|(pattern, _)| is_for(pattern))?;
    let operation = operations.get(method.to_lowercase())?;
    Some(operation["responses"].as_object().unwrap().keys().cloned().collect())
}

async fn create_tenant_fixture(store: &Store, name: &str) -> TenantFixture {
    let tenant = store.system().create_tenant(name).await.unwrap();
    let console = Actor::console(tenant, store.now());
    let mut write = store.write(&console).await.unwrap();
    let new = CreateOrganization { name: "ops".into() };
    let ops = write.create_organization(console.may(new).unwrap()).await.unwrap();
    let people = [MIA, MAX, ADA, AUDREY];
    let [mia, max, ada, audrey] = create_people(&mut write, &console, ops, name, people).await;
    let runner = EnrolledRunner {
        serial: format!("serial of {name}"),
        expires_at: START.after(Duration::from_hours(24)),
        ..enrolled_runner("rex")
    };
    let id = runner.id;
    write.enroll_runner(runner).await.unwrap();
    write.commit().await.unwrap();
    let rex = Actor::runner(tenant, id, "rex", store.now());
    TenantFixture { id: tenant, console, ops, mia, max, ada, audrey, rex }
}
