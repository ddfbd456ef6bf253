//! Test deployment: an authority, a server's port and the folder of an enrolled runner.

use crate::fake_server::FakeServer;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use domain::{
    OrganizationId, PersonId, RunnerId, TaskId, TenantId, Timestamp,
    checkpoint::Checkpoint,
    consent::{Consent, Judgment, Signed, Signer, Subject},
    grant::Grant,
    request::{InputDigest, Request, RequestDigest},
    rule::Verdict,
    succession::{GRANTS, Succession},
    task::SubmissionForm,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, PKCS_ECDSA_P384_SHA384,
};
use runner::{
    Client, clock,
    config::Endpoint,
    folder::Folder,
    identity::{Identity, PinnedKey, RunnerKey},
    sandbox::{Bubblewrap, Config},
};
use rustls::{RootCertStore, ServerConfig, server::WebPkiClientVerifier, version::TLS13};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use uuid::Uuid;
use wire::v1;

pub const TENANT: TenantId = TenantId(Uuid::from_u128(1));
pub const RUNNER: RunnerId = RunnerId(Uuid::from_u128(2));

pub async fn executor() -> Bubblewrap {
    let runner = env!("CARGO_BIN_EXE_castellan-runner").into();
    Bubblewrap::new(&Config { runner, ..Config::default() }).await
}

/// A deployment of one server and one runner.
pub struct Deployment {
    data: tempfile::TempDir,
    authority: (String, Issuer<'static, KeyPair>, CertificateDer<'static>),
    grants: Ed25519KeyPair,
    pub server: FakeServer,
    port: u16,
}

/// A runner in this process.
pub struct Worker {
    stop: oneshot::Sender<()>,
    done: JoinHandle<()>,
}

impl Worker {
    /// Stops the runner and waits for its end.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.done.await.unwrap();
    }
}

impl Deployment {
    /// Starts a server and enrolls a runner with it.
    pub async fn open() -> Self {
        let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let certificate = params.self_signed(&key).unwrap();
        let authority = (certificate.pem(), Issuer::new(params, key), certificate.der().clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = FakeServer::open(listener, server_tls(&authority));
        let deployment = Self {
            data: tempfile::tempdir().unwrap(),
            authority,
            grants: Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap(),
            server,
            port,
        };
        deployment.enroll();
        deployment
    }

    /// Returns the runner's data folder.
    pub fn folder(&self) -> PathBuf {
        self.data.path().join("runner")
    }

    /// Returns the server's endpoint in the runner's identity.
    pub fn port(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Returns a certificate for the key in a request, as PEM.
    pub fn certify(&self, csr: &str) -> String {
        let mut request = CertificateSigningRequestParams::from_pem(csr).unwrap();
        request.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        request.signed_by(&self.authority.1).unwrap().pem()
    }

    fn enroll(&self) {
        let folder = Folder::open(&self.folder()).unwrap();
        let key = RunnerKey::open_or_create(&folder).unwrap();
        let csr = key.certificate_request(&"worker".parse().unwrap()).unwrap();
        let identity = Identity {
            runner: RUNNER,
            tenant: TENANT,
            name: "worker".into(),
            endpoint: format!("127.0.0.1:{}", self.port),
            certificate: self.certify(&csr),
            connection_key: None,
            ca: self.authority.0.clone(),
            grant_key: PinnedKey(self.grant_key()),
            grant_successions: vec![],
            checkpoint_key: PinnedKey(self.grant_key()),
            checkpoint_successions: vec![],
        };
        identity.save(&folder).unwrap();
    }

    /// Returns the response to an enrollment request, as JSON.
    pub fn enrollment(&self, csr: &str, runner: RunnerId) -> String {
        let key = serde_json::json!(PinnedKey(self.grant_key()));
        serde_json::json!({
            "runner_id": runner,
            "tenant": TENANT,
            "certificate": self.certify(csr),
            "ca": self.authority.0,
            "runner_endpoint": self.port(),
            "grant_public_key": key,
            "checkpoint_public_key": key,
        })
        .to_string()
    }

    /// Returns the runner's public key, which verifies its receipts.
    pub fn runner_key(&self) -> Vec<u8> {
        let identity: serde_json::Value =
            serde_json::from_slice(&std::fs::read(self.folder().join("identity.json")).unwrap()).unwrap();
        let pem = identity["certificate"].as_str().unwrap();
        let der = <CertificateDer<'_> as rustls_pki_types::pem::PemObject>::from_pem_slice(pem.as_bytes()).unwrap();
        // The subject's key is the one uncompressed P-384 point (0x04 and 96 bytes) in a bit string of 98 bytes.
        let at = der.windows(4).position(|four| four == [0x03, 0x62, 0x00, 0x04]).unwrap();
        der[at + 3..at + 3 + 97].to_vec()
    }

    pub fn grant_key(&self) -> [u8; 32] {
        self.grants.public_key().as_ref().try_into().unwrap()
    }

    /// Replaces the grant key and returns the succession, as a line of text.
    pub fn replace_grant_key(&mut self, seed: u8) -> String {
        let line = self.succession(GRANTS, seed);
        self.grants = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        line
    }

    /// Returns the succession of the grant key by another key, signed for this purpose.
    pub fn succession(&self, purpose: &str, seed: u8) -> String {
        let new = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let (old, new) = (self.grant_key(), new.public_key().as_ref().try_into().unwrap());
        let signature = self.grants.sign(&Succession::signed_bytes(purpose, &old, &new)).as_ref().to_vec();
        Succession { old, new, signature }.line()
    }

    /// Returns a signed checkpoint of the tenant's audit log; its last event has this hash.
    pub fn checkpoint(&self, size: i64, hash: u8) -> String {
        let checkpoint = Checkpoint::new(TENANT, size, [hash; 32]);
        checkpoint.note(&self.grant_key(), self.grants.sign(checkpoint.text().as_bytes()).as_ref())
    }

    /// Returns the checkpoint that the runner remembers.
    pub fn remembered(&self) -> String {
        std::fs::read_to_string(self.folder().join("checkpoint")).unwrap_or_default()
    }

    /// Starts the runner with its data folder.
    pub async fn work(&self) -> Worker {
        self.work_with(2).await
    }

    /// Starts the runner with this number of slots.
    pub async fn work_with(&self, slots: u32) -> Worker {
        let executor = executor().await;
        let folder = Folder::open(&self.folder()).unwrap();
        let identity = Identity::load(&folder).unwrap().unwrap();
        let key = RunnerKey::open(&folder).unwrap().unwrap();
        let endpoint: Endpoint = identity.endpoint.parse().unwrap();
        let agent = Client::new(folder, identity, key, endpoint, executor, slots).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let done = tokio::spawn(agent.run(async { drop(stopped.await) }));
        Worker { stop, done }
    }

    /// Waits until the runner's folder of this name is empty.
    pub async fn empties(&self, folder: &str) {
        eventually(&format!("{folder} is empty"), || self.is_empty(folder)).await;
    }

    /// Returns whether the runner's folder of this name is empty.
    pub fn is_empty(&self, folder: &str) -> bool {
        std::fs::read_dir(self.folder().join(folder)).unwrap().next().is_none()
    }

    /// Returns an assignment of `script`, granted for this attempt.
    pub fn assignment(&self, task: u128, attempt: u32, script: &str) -> v1::Assign {
        self.assignment_at(task, attempt, script, clock::now())
    }

    /// Returns an assignment of a server whose clock shows `now`.
    pub fn assignment_at(&self, task: u128, attempt: u32, script: &str, now: Timestamp) -> v1::Assign {
        let form: SubmissionForm = serde_json::from_value(serde_json::json!({ "script": script })).unwrap();
        let submission = form.check(OrganizationId(Uuid::from_u128(4))).unwrap();
        let request =
            Request::new(&submission, TENANT, PersonId(Uuid::from_u128(5)), None, task.to_be_bytes()).canonical();
        let judgment = Judgment {
            tenant: TENANT,
            subject: Subject::Task(TaskId(Uuid::from_u128(task))),
            request: RequestDigest::of(&request),
            record: InputDigest::of(b""),
            rules_version: 1,
            rule: "isolated-bash".into(),
            verdict: Verdict::Run,
            responsible: None,
            key_creator: None,
            self_approval: false,
            at: now,
        };
        let grant = Grant {
            tenant: TENANT,
            task: TaskId(Uuid::from_u128(task)),
            attempt,
            runner: RUNNER,
            request: RequestDigest::of(&request),
            consent: Consent {
                judgment: Signed::new(judgment, &Grants(&self.grants)),
                decisions: vec![],
                passkeys: vec![],
            },
            expires_at: now.after(Duration::from_mins(1)),
        };
        v1::Assign {
            attempt: attempt_of(task, attempt),
            request: request.into(),
            script: script.as_bytes().to_vec().into(),
            grant: grant.canonical().into(),
            grant_signature: self.grants.sign(&grant.signed_bytes()).as_ref().to_vec().into(),
        }
    }
}

/// The server's key.
struct Grants<'a>(&'a Ed25519KeyPair);

impl Signer for Grants<'_> {
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().unwrap()
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.sign(message) == signature
    }
}

/// Waits until a condition holds.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(10), "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Returns the protocol's identifier of an attempt.
pub fn attempt_of(task: u128, attempt: u32) -> Option<v1::Attempt> {
    Some(v1::Attempt { task: task.to_be_bytes().to_vec().into(), attempt })
}

fn server_tls(authority: &(String, Issuer<'static, KeyPair>, CertificateDer<'static>)) -> Arc<ServerConfig> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.signed_by(&key, &authority.1).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.2.clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
    let private = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let mut config = ServerConfig::builder_with_protocol_versions(&[&TLS13])
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}
