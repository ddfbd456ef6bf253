//! Test deployment with one tenant, and a runner whose messages the test chooses.

use axum::{body::Body, response::Response};
use domain::{
    Actor, EnrollmentId, OrganizationId, Principal, RunnerId, SignedInBy, TaskId, TenantId,
    audit::Outcome,
    policy::{CreateEnrollment, CreateOrganization, CreatePerson, ReadAudit, RevokeRunner, SetMembership, SubmitTask},
    receipt::{End, Receipt},
    request::{OutputDigest, RequestDigest},
    role::{Role, TenantRole},
    task::{SubmissionForm, TaskState},
};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384, SigningKey};
use rustls::{ClientConfig, RootCertStore, version::TLS13};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::{Value, json};
use server::{authentication::digest, config, http::tls, runners::Runners, state::App};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use store::{AuditFilter, Store};
use tokio::{sync::mpsc, time::timeout};
use tokio_rustls::TlsConnector;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming, transport::Endpoint};
use tower::{ServiceExt, service_fn};
use uuid::Uuid;
use wire::v1::{
    Assign, Finished, Held, Hello, Line, Lines, Posture, RunnerMessage, ServerMessage, Started, Welcome,
    runner_client::RunnerClient, runner_message, server_message::Kind,
};

const RECEIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// A running deployment that stops when dropped.
pub struct Fixture {
    pub app: App,
    pub tenant: TenantId,
    pub console: Actor,
    /// A member of `ops`.
    pub mia: Actor,
    pub ops: OrganizationId,
    enrollment: axum::Router,
    port: u16,
    stop: CancellationToken,
    _data: tempfile::TempDir,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Fixture {
    pub async fn start() -> Self {
        Self::start_with_clock_offset(Arc::default()).await
    }

    /// Starts a deployment whose clock is offset from the system clock by `days`.
    pub async fn start_with_clock_offset(days: Arc<AtomicI64>) -> Self {
        tls::install_provider();
        let data = tempfile::tempdir().unwrap();
        let mut config = config::load_from(None, std::iter::empty()).unwrap();
        config.listen = "127.0.0.1:0".parse().unwrap();
        config.runner_listen = "127.0.0.1:0".parse().unwrap();
        config.data_dir = data.path().to_owned();
        config.local_runner.enabled = false;
        let mut app = App::open(config, server::keys::EnvironmentSecrets::default(), server::state::IfMissing::Create)
            .await
            .unwrap();
        app.store.close().await;
        let mut settings = App::settings(&app.keys, app.config.database().expose().to_owned());
        settings.clock =
            Arc::new(move || domain::Timestamp(server::clock::now().0 + days.load(Ordering::SeqCst) * 86_400_000_000));
        app.store = Store::open(settings).await.unwrap();
        let tenant = app.store.system().create_tenant("Acme").await.unwrap();
        let console = Actor::console(tenant, app.store.now());
        let (mia, ops) = mia(&app.store, &console).await;
        let runners = Runners::open(&app, "http://127.0.0.1:9876").await.unwrap();
        let (enrollment, port, stop) =
            (runners.enrollment(), runners.address().unwrap().port(), CancellationToken::new());
        tokio::spawn(runners.serve(stop.clone()));
        Self { app, tenant, console, mia, ops, enrollment, port, stop, _data: data }
    }

    /// Creates an enrollment token for a runner of this name.
    pub async fn token(&self, name: &str) -> String {
        let token = format!("reg_{}", Uuid::new_v4().simple());
        let create = CreateEnrollment { enrollment: EnrollmentId(store::new_id()), name: name.into() };
        let proof = self.console.may(create).unwrap();
        let mut write = self.app.store.write(&self.console).await.unwrap();
        write.create_enrollment(proof, digest(&token)).await.unwrap();
        write.commit().await.unwrap();
        token
    }

    /// Sends any request to the path of enrollment.
    pub async fn send(&self, method: &str, authorization: &str, content_type: &str, body: String) -> Response {
        let request = Request::builder()
            .method(method)
            .uri("/api/v1/runners/enroll")
            .header(header::AUTHORIZATION, authorization)
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from(body))
            .unwrap();
        self.enrollment.clone().oneshot(request).await.unwrap()
    }

    /// Sends an enrollment request.
    pub async fn post(&self, authorization: &str, body: &Value) -> (StatusCode, Value) {
        let answer = self.send("POST", authorization, "application/json", body.to_string()).await;
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Enrolls a runner.
    pub async fn runner(&self, name: &str) -> TestRunner {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let token = self.token(name).await;
        let (status, identity) = self.post(&format!("Bearer {token}"), &form(name, &key)).await;
        assert_eq!(status, StatusCode::CREATED, "{identity}");
        assert_eq!(identity["tenant"], self.tenant.to_string());
        let id = RunnerId(identity["runner_id"].as_str().unwrap().parse().unwrap());
        let text = |field: &str| identity[field].as_str().unwrap().to_owned();
        let tls = client_tls(&text("ca"), &text("certificate"), &key);
        let grant_key = hex::decode(identity["grant_public_key"].as_str().unwrap()).unwrap();
        let (store, tenant) = (self.app.store.clone(), self.tenant);
        TestRunner { id, tenant, store, key: Arc::new(key), tls, port: self.port, grant_key, ca: text("ca") }
    }

    pub async fn submit(&self, script: &str) -> TaskId {
        let form: SubmissionForm = serde_json::from_value(json!({ "script": script })).unwrap();
        let submission = form.check(self.ops).unwrap();
        let proof = self.mia.may(SubmitTask { submission, idempotency_key: None }).unwrap();
        let mut write = self.app.store.write(&self.mia).await.unwrap();
        let task = write.submit_task(proof).await.unwrap();
        write.commit().await.unwrap();
        assert_eq!(task.state, TaskState::Queued);
        task.id
    }

    pub async fn task(&self, id: TaskId) -> store::Task {
        self.app.store.read(&self.mia).await.unwrap().task(id).await.unwrap()
    }

    pub async fn revoke(&self, runner: RunnerId) {
        let proof = self.console.may(RevokeRunner { runner }).unwrap();
        let mut write = self.app.store.write(&self.console).await.unwrap();
        write.revoke_runner(proof).await.unwrap();
        write.commit().await.unwrap();
    }

    /// Returns the number of audit events of this action.
    pub async fn recorded(&self, action: &str) -> usize {
        let proof = self.console.may(ReadAudit).unwrap();
        let filter = AuditFilter { action: Some(action.into()), ..AuditFilter::default() };
        let mut read = self.app.store.read(&self.console).await.unwrap();
        read.audit(&proof, filter, None, 100).await.unwrap().items.len()
    }

    /// Returns the number of refusals of this action in the audit log.
    pub async fn refusals(&self, action: &str) -> usize {
        let proof = self.console.may(ReadAudit).unwrap();
        let filter =
            AuditFilter { action: Some(action.into()), outcome: Some(Outcome::Refused), ..AuditFilter::default() };
        let mut read = self.app.store.read(&self.console).await.unwrap();
        read.audit(&proof, filter, None, 100).await.unwrap().items.len()
    }
}

async fn mia(store: &Store, console: &Actor) -> (Actor, OrganizationId) {
    let mut write = store.write(console).await.unwrap();
    let ops = write.create_organization(console.may(CreateOrganization { name: "Ops".into() }).unwrap()).await.unwrap();
    let create = CreatePerson {
        email: domain::Email::parse("mia@example.org").unwrap(),
        name: "Mia".into(),
        tenant_role: TenantRole::Person,
    };
    let mia = write.create_person(console.may(create).unwrap()).await.unwrap();
    let join = SetMembership { organization: ops, person: mia, role: Role::Member };
    write.set_membership(console.may(join).unwrap()).await.unwrap();
    write.commit().await.unwrap();
    let mut actor = Actor::clock(console.tenant, store.now());
    (actor.principal, actor.by, actor.name) = (Principal::Person(mia), SignedInBy::Password, "Mia".into());
    actor.roles.insert(ops, Role::Member);
    (actor, ops)
}

/// Returns the enrollment request for this name and key.
pub fn form(name: &str, key: &KeyPair) -> Value {
    let csr = CertificateParams::default().serialize_request(key).unwrap().pem().unwrap();
    json!({ "name": name, "version": "1.2.3", "capabilities": ["bash"], "csr": csr })
}

/// Returns a TLS configuration that presents this certificate.
fn client_tls(ca: &str, certificate: &str, key: &KeyPair) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let private = PrivatePkcs8KeyDer::from(key.serialize_der());
    let mut tls = ClientConfig::builder_with_provider(Arc::new(tls::runner_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate], private.into())
        .unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(tls)
}

/// An enrolled runner.
pub struct TestRunner {
    pub id: RunnerId,
    tenant: TenantId,
    /// For the clock of the deployment.
    store: Store,
    key: Arc<KeyPair>,
    ca: String,
    tls: Arc<ClientConfig>,
    port: u16,
    pub grant_key: Vec<u8>,
}

impl TestRunner {
    /// Returns the same runner with another certificate and key.
    pub fn with_certificate(&self, certificate: &str, key: &KeyPair) -> Self {
        let (tls, ca) = (client_tls(&self.ca, certificate, key), self.ca.clone());
        let (key, grant_key) = (Arc::clone(&self.key), self.grant_key.clone());
        let store = self.store.clone();
        Self { id: self.id, tenant: self.tenant, store, key, tls, port: self.port, grant_key, ca }
    }

    /// Opens a stream without sending anything.
    pub async fn open_stream(&self) -> Result<RunnerStream, Status> {
        let (tls, port) = (TlsConnector::from(Arc::clone(&self.tls)), self.port);
        let connect = service_fn(move |_| {
            let tls = tls.clone();
            async move {
                let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
                tls.connect("127.0.0.1".try_into().unwrap(), stream).await.map(TokioIo::new)
            }
        });
        let channel = Endpoint::from_static("http://runners").connect_with_connector(connect).await.unwrap();
        let (to, messages) = mpsc::unbounded_channel();
        let from = RunnerClient::new(channel).work(UnboundedReceiverStream::new(messages)).await?.into_inner();
        Ok(RunnerStream { from, to })
    }

    /// Opens a stream and exchanges `Hello` and `Welcome`; `held` are the attempts that the runner reports to hold.
    pub async fn connect(&self, slots: u32, held: &[&Assign]) -> RunnerStream {
        let (stream, welcome) = self.connect_with_checkpoint(slots, held, "").await.unwrap();
        assert_eq!((welcome.grant_public_key, welcome.lease_seconds), (self.grant_key.clone().into(), 30));
        stream
    }

    /// Connects as a runner that saw this checkpoint of the audit log.
    pub async fn connect_with_checkpoint(
        &self,
        slots: u32,
        held: &[&Assign],
        checkpoint: &str,
    ) -> Result<(RunnerStream, Welcome), Status> {
        let mut stream = self.open_stream().await?;
        let held =
            held.iter().map(|held| Held { attempt: held.attempt.clone(), next_line: 1, finished: false }).collect();
        let posture = Some(Posture { bubblewrap: "0.8.0".into(), limiter: "cgroup v2".into(), ..Posture::default() });
        let (version, name, capabilities) = ("1.2.3".into(), "worker".into(), vec!["bash".into()]);
        let checkpoint = checkpoint.to_owned();
        let hello = Hello { version, name, capabilities, slots, posture, held, checkpoint };
        stream.send(runner_message::Kind::Hello(hello));
        let Some(Kind::Welcome(welcome)) = stream.receive().await? else { panic!("a welcome") };
        Ok((stream, welcome))
    }

    /// Returns a signed receipt for a run that printed `text`.
    pub fn finished(&self, assign: &Assign, text: &str) -> Finished {
        self.signed(assign, &self.receipt(assign, text))
    }

    /// Returns a receipt for a run that printed `text`.
    pub fn receipt(&self, assign: &Assign, text: &str) -> Receipt {
        let attempt = assign.attempt.clone().unwrap();
        Receipt {
            tenant: self.tenant,
            task: TaskId(Uuid::from_slice(&attempt.task).unwrap()),
            attempt: attempt.attempt,
            runner: self.id,
            request: RequestDigest::of(&assign.request),
            started_at: self.store.now(),
            ended_at: self.store.now(),
            end: End::Exited(0),
            output: OutputDigest::of(text.as_bytes()),
            output_bytes: text.len().try_into().unwrap(),
            out_of_memory: false,
            replaced_bytes: 0,
            output_lines: text.lines().count().try_into().unwrap(),
        }
    }

    /// Signs a receipt, true or not.
    pub fn signed(&self, assign: &Assign, receipt: &Receipt) -> Finished {
        let signature = self.key.sign(&receipt.signed_bytes()).unwrap();
        Finished { attempt: assign.attempt.clone(), receipt: receipt.canonical().into(), signature: signature.into() }
    }
}

/// The runner's side of a work stream.
pub struct RunnerStream {
    from: Streaming<ServerMessage>,
    to: mpsc::UnboundedSender<RunnerMessage>,
}

impl RunnerStream {
    pub fn send(&self, kind: runner_message::Kind) {
        let _ = self.to.send(RunnerMessage { kind: Some(kind) }); // the server may have ended it
    }

    /// Sends a message of a kind that this version does not know, which decodes as a message without a kind.
    pub fn send_unknown_kind(&self) {
        self.to.send(RunnerMessage { kind: None }).unwrap();
    }

    pub async fn receive(&mut self) -> Result<Option<Kind>, Status> {
        let message = timeout(RECEIVE_TIMEOUT, self.from.message()).await.expect("a message from the server")?;
        Ok(message.map(|message| message.kind.unwrap()))
    }

    /// Returns whether the server sends nothing for half a second.
    pub async fn is_quiet(&mut self) -> bool {
        timeout(Duration::from_millis(500), self.from.message()).await.is_err()
    }

    pub async fn assigned(&mut self) -> Assign {
        match self.receive().await {
            Ok(Some(Kind::Assign(assign))) => assign,
            other => panic!("{other:?} instead of an assignment"),
        }
    }

    pub fn started(&self, assign: &Assign) {
        self.send(runner_message::Kind::Started(Started { attempt: assign.attempt.clone(), started_at: 1 }));
    }

    pub fn print(&self, assign: &Assign, first_line: u64, texts: &[&str]) {
        let stream = wire::v1::Stream::Stdout.into();
        let line = |text: &&str| Line { at: 1, stream, text: (*text).to_owned(), continued: false };
        let lines = texts.iter().map(line).collect();
        let (attempt, incomplete) = (assign.attempt.clone(), vec![]);
        self.send(runner_message::Kind::Lines(Lines { attempt, first_line, lines, incomplete }));
    }

    pub fn finish(&self, finished: Finished) {
        self.send(runner_message::Kind::Finished(finished));
    }
}
