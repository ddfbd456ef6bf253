//! Signed formats of released versions (D-13): canonical requests, grants, consent and receipts stay readable and verifiable.
//! `cargo xtask fixture` keeps the documents of each version in `server/tests/fixtures`.
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
        UnparsedPublicKey,
    },
};
use cose::CoseKeys;
use domain::{
    ApprovalId, OrganizationId, PersonId, RunnerId, TaskId, TenantId, Timestamp,
    approval::Answer,
    consent::{Consent, Decision, Judgment, Signed, Subject},
    grant::Grant,
    passkey::{Passkey, PasskeyAddition, SignedAddition, TrustedPasskeys},
    receipt::{End, Receipt},
    request::{InputDigest, OutputDigest, Request, RequestDigest},
    rule::Verdict,
    task::SubmissionForm,
};
use runner::{
    identity::PinnedKey,
    work::{Attempt, RunnerContext, verify},
};
use serde::{Deserialize, Serialize};
use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};
use testkit::{Authenticator, START, signer};
use uuid::Uuid;

/// Set by `cargo xtask fixture` to the folder for the documents of this version.
const WRITE_TO: &str = "CASTELLAN_TEST_WRITE_FIXTURE";
const FILE: &str = "signed.json";
/// The seed of the key that signs grants in tests.
const SEED: u8 = 1;

/// What the server and a runner sign about one attempt, as they send and store it.
#[derive(Deserialize, Serialize)]
struct Documents {
    /// The time at which the runner verifies the grant.
    at: Timestamp,
    script: String,
    request: String,
    request_digest: RequestDigest,
    /// Includes the judgment of the rules, a decision with a passkey, and the addition of this passkey.
    grant: String,
    grant_signature: String,
    grant_key: PinnedKey,
    /// The passkey that the runner trusts.
    pinned_passkey: Passkey,
    receipt: String,
    receipt_signature: String,
    runner_key: String,
}

impl Documents {
    /// Signs the documents of this version.
    fn sign() -> Self {
        let (tenant, approver) = (TenantId(Uuid::from_u128(1)), PersonId(Uuid::from_u128(6)));
        let (task, runner) = (TaskId(Uuid::from_u128(3)), RunnerId(Uuid::from_u128(2)));
        let script = "echo hi";
        let form = serde_json::json!({ "script": script, "network_policy": "unrestricted", "timeout_seconds": 60 });
        let form: SubmissionForm = serde_json::from_value(form).unwrap();
        let submission = form.check(OrganizationId(Uuid::from_u128(4))).unwrap();
        let request = Request::new(&submission, tenant, PersonId(Uuid::from_u128(5)), None, [7; 16]).canonical();
        let (subject, request_digest, server) = (Subject::Task(task), RequestDigest::of(&request), signer(SEED));
        let judgment = Judgment {
            tenant,
            subject,
            request: request_digest,
            record: InputDigest::of(b"record"),
            rules_version: 1,
            rule: "everything".into(),
            verdict: Verdict::Ask { approvers: 1, hours: 24, passkey: true },
            responsible: None,
            key_creator: None,
            self_approval: false,
            at: START,
        };
        let mut decision = Decision {
            tenant,
            subject,
            approval: ApprovalId(Uuid::from_u128(7)),
            request: request_digest,
            approver,
            answer: Answer::Approve,
            reason: InputDigest::of(b"reviewed"),
            rules_version: 1,
            at: START,
            assertion: None,
        };
        let [pinned, added] = [(); 2].map(|()| Authenticator::es256(tenant, approver, "castellan.example.org"));
        decision.assertion = Some(added.sign(&decision.passkey_statement()));
        let addition = PasskeyAddition { passkey: added.passkey, at: START };
        let consent = Consent {
            judgment: Signed::new(judgment, &*server),
            decisions: vec![Signed::new(decision, &*server)],
            passkeys: vec![SignedAddition { assertion: pinned.sign(&addition), statement: addition }],
        };
        let expires_at = START.after(Duration::from_mins(1));
        let grant = Grant { tenant, task, attempt: 1, runner, request: request_digest, consent, expires_at };
        let receipt = Receipt {
            tenant,
            task,
            attempt: 1,
            runner,
            request: request_digest,
            started_at: START,
            ended_at: expires_at,
            end: End::Exited(0),
            out_of_memory: false,
            output: OutputDigest::of(b"hi\n"),
            output_bytes: 3,
            replaced_bytes: 0,
            output_lines: 1,
        };
        let key = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap();
        let receipt_signature = key.sign(&SystemRandom::new(), &receipt.signed_bytes()).unwrap();
        let server_key = Ed25519KeyPair::from_seed_unchecked(&[SEED; 32]).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self {
            at: START,
            script: script.into(),
            request: text(request),
            request_digest,
            grant: text(grant.canonical()),
            grant_signature: hex::encode(server.sign(&grant.signed_bytes())),
            grant_key: PinnedKey(server_key.public_key().as_ref().try_into().unwrap()),
            pinned_passkey: pinned.passkey,
            receipt: text(receipt.canonical()),
            receipt_signature: hex::encode(receipt_signature),
            runner_key: hex::encode(key.public_key()),
        }
    }

    fn read(file: &Path) -> Self {
        serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
    }

    /// Verifies everything as a runner does before it starts the attempt, and the receipt as the server does.
    fn verify(&self) {
        let grant = Grant::read(self.grant.as_bytes()).unwrap();
        let assign = wire::v1::Assign {
            attempt: Attempt { task: grant.task, number: grant.attempt }.to_wire(),
            request: self.request.clone().into_bytes().into(),
            script: self.script.clone().into_bytes().into(),
            grant: self.grant.clone().into_bytes().into(),
            grant_signature: hex::decode(&self.grant_signature).unwrap().into(),
        };
        let context = RunnerContext { runner: grant.runner, tenant: grant.tenant, grant_key: self.grant_key };
        let trusted = TrustedPasskeys::new(vec![self.pinned_passkey.clone()], &CoseKeys);
        let verified = verify(&assign, &context, &trusted, self.at).unwrap();
        assert_eq!(verified.digest(), self.request_digest);
        let receipt = Receipt::read(self.receipt.as_bytes()).unwrap();
        assert_eq!((receipt.task, receipt.request), (grant.task, self.request_digest));
        let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, hex::decode(&self.runner_key).unwrap());
        key.verify(&receipt.signed_bytes(), &hex::decode(&self.receipt_signature).unwrap()).unwrap();
    }
}

#[test]
fn d_13_d_04_documents_of_released_versions_are_verified() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/tests/fixtures");
    let entries = fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path());
    let folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    assert!(!folders.is_empty(), "no version was released");
    for folder in folders {
        println!("{}", folder.display());
        Documents::read(&folder.join(FILE)).verify();
    }
}

#[test]
fn d_13_d_04_documents_of_this_version_are_signed_and_verified() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = env::var_os(WRITE_TO).map_or(temporary.path().to_owned(), PathBuf::from);
    let file = folder.join(FILE);
    fs::write(&file, serde_json::to_string_pretty(&Documents::sign()).unwrap() + "\n").unwrap();
    Documents::read(&file).verify();
}
