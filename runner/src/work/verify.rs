//! Verification of assignments: exactly what was approved runs, or nothing does (D-04).

use super::{Attempt, CAPABILITIES};
use crate::{identity::PinnedKey, sandbox::SCRIPT};
use bytes::Bytes;
use domain::{
    Invalid, RunnerId, TenantId, Timestamp,
    consent::Subject,
    limits::Limits,
    network::Network,
    passkey::TrustedPasskeys,
    request::{InputDigest, Request, RequestDigest, SANDBOX},
};
use std::time::Duration;

/// The maximum accepted validity of a grant; started attempts are remembered for longer than that.
pub const MAX_GRANT_VALIDITY: Duration = Duration::from_hours(24);

/// The identity of this runner for verification.
#[derive(Clone, Copy, Debug)]
pub struct RunnerContext {
    pub runner: RunnerId,
    pub tenant: TenantId,
    /// The last accepted key. Statements of the keys before it permit nothing, because they can be backdated.
    pub grant_key: PinnedKey,
}

/// A verified assignment; only [`verify`] makes one.
#[derive(Clone, Debug)]
pub struct Verified {
    attempt: Attempt,
    request: Request,
    digest: RequestDigest,
    script: Bytes,
}

impl Verified {
    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Returns the digest of the bytes that [`request`](Self::request) was read from.
    pub fn digest(&self) -> RequestDigest {
        self.digest
    }

    pub fn script(&self) -> &[u8] {
        &self.script
    }
}

/// Checks the parts of an assignment against each other, against the identity of this runner and the passkeys that it trusts.
///
/// # Errors
/// Fails on any mismatch and any unknown value.
pub fn verify(
    assign: &wire::v1::Assign,
    context: &RunnerContext,
    trusted: &TrustedPasskeys<'_>,
    now: Timestamp,
) -> Result<Verified, Invalid> {
    let attempt = Attempt::from_wire(assign.attempt.as_ref())?;

    let grant = context.grant_key.open(&assign.grant, &assign.grant_signature)?;
    grant.permits(&assign.request, attempt.task, attempt.number, context.runner, now)?;
    if grant.expires_at > now.after(MAX_GRANT_VALIDITY) {
        return Err(Invalid::new("grant", "is valid for longer than a day"));
    }

    let request = Request::read(&assign.request)?;
    if grant.tenant != context.tenant || request.tenant != context.tenant {
        return Err(Invalid::new("tenant", "is not the tenant of this runner"));
    }
    let digest = RequestDigest::of(&assign.request);
    let verifies = |message: &[u8], signature: &[u8]| context.grant_key.verifies(message, signature);
    let consent = grant.consent.check(Subject::Task(attempt.task), &request, digest, verifies, trusted);
    consent.map_err(|error| Invalid::new("consent", error.to_string()))?;
    let script = InputDigest::of(&assign.script);
    if request.script_sha256 != script || request.script_bytes != assign.script.len() {
        return Err(Invalid::new("script", "is not the approved script"));
    }
    if request.argv.iter().filter(|word| *word == SCRIPT).count() != 1 {
        return Err(Invalid::new("argv", format!("must name {SCRIPT} once")));
    }
    if request.sandbox != SANDBOX {
        return Err(Invalid::new("sandbox", "is an unknown profile"));
    }
    if let Some(missing) = request.runner.iter().find(|wanted| !CAPABILITIES.contains(&wanted.as_str())) {
        return Err(Invalid::new("runner", format!("lacks {missing:?}")));
    }
    if attempt.number > request.max_attempts {
        return Err(Invalid::new("attempt", "exceeds the attempts that the request allows"));
    }
    Limits::checked(request.limits)?;
    Network::new(request.network.policy, request.network.hosts.clone())?;

    Ok(Verified { attempt, request, digest, script: assign.script.clone() })
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use cose::CoseKeys;
    use domain::{
        ApprovalId, OrganizationId, PersonId, TaskId,
        approval::Answer,
        consent::{Consent, Decision, Judgment, Signed, Signer},
        grant::Grant,
        network::NetworkPolicy,
        passkey::{PasskeyAddition, PasskeyDecision, SignedAddition},
        rule::Verdict,
        task::{Submission, SubmissionForm},
    };
    use testkit::Authenticator;
    use uuid::Uuid;
    use wire::v1::Assign;

    use super::*;

    const NOW: Timestamp = Timestamp(1_772_373_909_000_000);
    const TENANT: TenantId = TenantId(Uuid::from_u128(1));
    const RUNNER: RunnerId = RunnerId(Uuid::from_u128(2));
    const TASK: TaskId = TaskId(Uuid::from_u128(3));

    struct ServerKey(Ed25519KeyPair);

    impl Signer for ServerKey {
        fn sign(&self, message: &[u8]) -> [u8; 64] {
            self.0.sign(message).as_ref().try_into().unwrap()
        }
        fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
            PinnedKey(self.0.public_key().as_ref().try_into().unwrap()).verifies(message, signature)
        }
    }

    fn server() -> ServerKey {
        ServerKey(Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap())
    }

    fn context() -> RunnerContext {
        let grant_key = PinnedKey(server().0.public_key().as_ref().try_into().unwrap());
        RunnerContext { runner: RUNNER, tenant: TENANT, grant_key }
    }

    fn nobody() -> TrustedPasskeys<'static> {
        TrustedPasskeys::new(vec![], &CoseKeys)
    }

    fn submission(script: &str) -> Submission {
        let form: SubmissionForm = serde_json::from_value(serde_json::json!({ "script": script })).unwrap();
        form.check(OrganizationId(Uuid::from_u128(4))).unwrap()
    }

    fn request() -> Request {
        Request::new(&submission("echo hi"), TENANT, PersonId(Uuid::from_u128(5)), None, [7; 16])
    }

    fn grant(request: &Request) -> Grant {
        Grant {
            tenant: TENANT,
            task: TASK,
            attempt: 1,
            runner: RUNNER,
            request: RequestDigest::of(&request.canonical()),
            consent: consent(request, &server()),
            expires_at: NOW.after(Duration::from_mins(1)),
        }
    }

    /// Returns one approval of a request that needs one, signed by `key`.
    fn consent(request: &Request, key: &ServerKey) -> Consent {
        let (subject, request) = (Subject::Task(TASK), RequestDigest::of(&request.canonical()));
        let judgment = Judgment {
            tenant: TENANT,
            subject,
            request,
            record: InputDigest::of(b"record"),
            rules_version: 1,
            rule: "everything".into(),
            verdict: Verdict::Ask { approvers: 1, hours: 24, passkey: false },
            responsible: None,
            key_creator: None,
            self_approval: false,
            at: NOW,
        };
        let decision = Decision {
            tenant: TENANT,
            subject,
            approval: ApprovalId(Uuid::from_u128(7)),
            request,
            approver: PersonId(Uuid::from_u128(6)),
            answer: Answer::Approve,
            reason: InputDigest::of(b""),
            rules_version: 1,
            at: NOW,
            assertion: None,
        };
        let decisions = vec![Signed::new(decision, key)];
        Consent { judgment: Signed::new(judgment, key), decisions, passkeys: vec![] }
    }

    fn assign(request: &Request, grant: &Grant) -> Assign {
        Assign {
            attempt: Attempt { task: grant.task, number: grant.attempt }.to_wire(),
            request: request.canonical().into(),
            script: Bytes::from_static(b"echo hi"),
            grant: grant.canonical().into(),
            grant_signature: server().sign(&grant.signed_bytes()).to_vec().into(),
        }
    }

    /// Returns the error for a changed request and grant that are correctly signed.
    fn refused(change: impl FnOnce(&mut Request, &mut Grant)) -> String {
        let mut request = request();
        let mut grant = grant(&request);
        change(&mut request, &mut grant);
        grant.request = RequestDigest::of(&request.canonical());
        grant.consent = consent(&request, &server());
        verify(&assign(&request, &grant), &context(), &nobody(), NOW).unwrap_err().to_string()
    }

    #[test]
    fn d_04_a_granted_request_is_accepted() {
        let request = request();
        let verified = verify(&assign(&request, &grant(&request)), &context(), &nobody(), NOW).unwrap();
        assert_eq!((verified.request(), verified.script()), (&request, &b"echo hi"[..]));
        assert_eq!(verified.digest(), RequestDigest::of(&request.canonical()));
    }

    /// Changes every bit of every byte of the assignment.
    #[test]
    fn d_04_an_assignment_with_any_changed_bit_is_refused() {
        let request = request();
        let good = assign(&request, &grant(&request));
        let parts: [fn(&mut Assign) -> &mut Bytes; 5] = [
            |assign| &mut assign.request,
            |assign| &mut assign.script,
            |assign| &mut assign.grant,
            |assign| &mut assign.grant_signature,
            |assign| &mut assign.attempt.as_mut().unwrap().task,
        ];
        for part in parts {
            let length = part(&mut good.clone()).len();
            for (at, bit) in (0..length).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
                let mut changed = good.clone();
                let mut bytes = part(&mut changed).to_vec();
                bytes[at] ^= 1 << bit;
                *part(&mut changed) = bytes.into();
                assert!(verify(&changed, &context(), &nobody(), NOW).is_err(), "byte {at}, bit {bit}");
            }
            for end in 0..length {
                let mut cut = good.clone();
                let bytes = part(&mut cut).slice(..end);
                *part(&mut cut) = bytes;
                assert!(verify(&cut, &context(), &nobody(), NOW).is_err(), "cut at {end}");
            }
            let mut longer = good.clone();
            let bytes = [part(&mut longer).as_ref(), b"\n"].concat();
            *part(&mut longer) = bytes.into();
            assert!(verify(&longer, &context(), &nobody(), NOW).is_err(), "one byte more");
        }
        let mut other = good.clone();
        other.attempt.as_mut().unwrap().attempt = 2;
        assert!(verify(&other, &context(), &nobody(), NOW).is_err());
        verify(&Assign { attempt: None, ..good }, &context(), &nobody(), NOW).unwrap_err();
    }

    #[test]
    fn a_grant_for_another_runner_or_time_is_refused() {
        assert!(refused(|_, grant| grant.tenant = TenantId(Uuid::nil())).contains("tenant"));
        assert!(refused(|request, _| request.tenant = TenantId(Uuid::nil())).contains("tenant"));
        assert!(refused(|_, grant| grant.runner = RunnerId(Uuid::nil())).contains("runner"));
        assert!(refused(|_, grant| grant.expires_at = NOW.before(Duration::from_secs(1))).contains("expired"));
        assert!(refused(|_, grant| grant.expires_at = NOW.after(Duration::from_hours(2 * 24))).contains("longer"));
        assert!(refused(|_, grant| grant.attempt = 9).contains("exceeds"));
    }

    #[test]
    fn unknown_values_in_an_assignment_are_refused_even_if_granted() {
        assert!(refused(|request, _| request.sandbox = "none".into()).contains("sandbox"));
        assert!(refused(|request, _| request.runner.push("docker".into())).contains("docker"));
        assert!(refused(|request, _| request.limits.processes = 0).contains("processes"));
        assert!(
            refused(|request, _| request.argv = vec!["/bin/bash".into(), "-c".into(), "id".into()]).contains("argv")
        );
        for policy in [NetworkPolicy::AllowList, NetworkPolicy::Proxy] {
            assert!(refused(|request, _| request.network.policy = policy).contains("network_policy"));
        }
        assert!(refused(|request, _| request.network.hosts = vec!["example.org".into()]).contains("allowed_hosts"));
    }

    /// A server that signs grants without consent, as one would whose database was changed.
    #[test]
    fn d_04_a_signed_grant_without_signed_consent_is_refused() {
        let request = request();
        let refused = |change: &dyn Fn(&mut Consent)| {
            let mut grant = grant(&request);
            change(&mut grant.consent);
            verify(&assign(&request, &grant), &context(), &nobody(), NOW).unwrap_err().to_string()
        };
        let other = ServerKey(Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap());
        assert!(refused(&|consent| consent.decisions.clear()).contains("fewer approvals"));
        assert!(refused(&|consent| consent.judgment.statement.verdict = Verdict::Run).contains("not signed"));
        assert!(refused(&|consent| consent.decisions[0].statement.approver.0 = Uuid::nil()).contains("not signed"));
        assert!(refused(&|consent| consent.decisions.push(consent.decisions[0].clone())).contains("twice"));
        let by_other = super::tests::consent(&request, &other);
        assert!(refused(&|consent| *consent = by_other.clone()).contains("not signed"));
        let another = Request { nonce: "00".repeat(16), ..request.clone() };
        assert!(refused(&|consent| *consent = super::tests::consent(&another, &server())).contains("another request"));
    }

    #[test]
    fn a_signature_of_another_server_is_refused() {
        let request = request();
        let stranger = RunnerContext { grant_key: PinnedKey([3; 32]), ..context() };
        assert!(verify(&assign(&request, &grant(&request)), &stranger, &nobody(), NOW).is_err());
    }

    const APPROVER: PersonId = PersonId(Uuid::from_u128(6));
    const HOST: &str = "castellan.example.org";

    fn trusting(devices: &[&Authenticator]) -> TrustedPasskeys<'static> {
        TrustedPasskeys::new(devices.iter().map(|device| device.passkey.clone()).collect(), &CoseKeys)
    }

    /// Returns a grant of a judgment that demands passkeys, if `demanded`, whose decision is changed before the server signs it.
    fn granted(demanded: bool, change: impl FnOnce(&mut Decision)) -> (Request, Grant) {
        let request = request();
        let mut grant = grant(&request);
        let Consent { judgment, decisions, .. } = &mut grant.consent;
        let mut judged = judgment.statement.clone();
        judged.verdict = Verdict::Ask { approvers: 1, hours: 24, passkey: demanded };
        *judgment = Signed::new(judged, &server());
        let mut decision = decisions[0].statement.clone();
        change(&mut decision);
        decisions[0] = Signed::new(decision, &server());
        (request, grant)
    }

    fn confirm(decision: &mut Decision, device: &Authenticator) {
        decision.assertion = Some(device.sign(&decision.passkey_statement()));
    }

    fn result(granted: &(Request, Grant), trusted: &TrustedPasskeys<'_>) -> Result<(), String> {
        let verified = verify(&assign(&granted.0, &granted.1), &context(), trusted, NOW);
        verified.map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn x19_an_approval_with_a_pinned_passkey_runs() {
        for device in [Authenticator::es256(TENANT, APPROVER, HOST), Authenticator::eddsa(TENANT, APPROVER, HOST)] {
            let granted = granted(true, |decision| confirm(decision, &device));
            result(&granted, &trusting(&[&device])).unwrap();
            // Not pinned, or removed: a server that vouches for it changes nothing.
            assert!(result(&granted, &nobody()).unwrap_err().contains("not trusted here"));
        }
    }

    /// What a server could send whose signing key was copied.
    #[test]
    fn x19_a_server_cannot_forge_an_approval_with_a_passkey() {
        let (device, other) =
            (Authenticator::es256(TENANT, APPROVER, HOST), Authenticator::es256(TENANT, APPROVER, HOST));
        let trusted = trusting(&[&device]);
        let refused =
            |change: &dyn Fn(&mut Decision)| result(&granted(true, |decision| change(decision)), &trusted).unwrap_err();
        assert!(refused(&|_| {}).contains("without a passkey"));
        // Another request, another answer, and the same words for another approver.
        assert!(
            refused(&|decision| {
                let elsewhere = PasskeyDecision { request: RequestDigest::of(b"{}"), ..decision.passkey_statement() };
                decision.assertion = Some(device.sign(&elsewhere));
            })
            .contains("something else")
        );
        assert!(
            refused(&|decision| {
                let denial = PasskeyDecision { answer: Answer::Deny, ..decision.passkey_statement() };
                decision.assertion = Some(device.sign(&denial));
            })
            .contains("something else")
        );
        assert!(
            refused(&|decision| {
                decision.approver = PersonId(Uuid::from_u128(8));
                confirm(decision, &device);
            })
            .contains("not trusted here")
        );
        // Another key under the same credential id.
        assert!(
            refused(&|decision| {
                confirm(decision, &other);
                decision.assertion.as_mut().unwrap().credential_id = device.passkey.credential_id.clone();
            })
            .contains("signature is wrong")
        );
        let changed = |change: &dyn Fn(&mut String, &mut Vec<u8>)| {
            refused(&|decision| {
                let statement = decision.passkey_statement();
                decision.assertion = Some(device.sign_changed(&statement, |client, data| change(client, data)));
            })
        };
        assert!(changed(&|_, data| data[32] = 1).contains("did not verify the person"));
        assert!(changed(&|_, data| data[32] = 4).contains("did not detect a person"));
        assert!(changed(&|_, data| data[0] ^= 1).contains("another relying party"));
        assert!(changed(&|client, _| *client = client.replace(HOST, "castellan.example.com")).contains("another site"));
        assert!(changed(&|client, _| *client = client.replace(".get", ".create")).contains("not an authentication"));
    }

    #[test]
    fn x19_a_runner_can_demand_a_pinned_passkey_whatever_the_server_says() {
        let device = Authenticator::eddsa(TENANT, APPROVER, HOST);
        let mut trusted = trusting(&[&device]);
        trusted.always = true;
        result(&granted(false, |decision| confirm(decision, &device)), &trusted).unwrap();
        let without = granted(false, |_| {});
        assert!(result(&without, &trusted).unwrap_err().contains("nothing runs here without an approval"));
        result(&without, &trusting(&[&device])).unwrap();
        // A judgment that needs no approval.
        let (request, mut grant) = granted(false, |_| {});
        let judgment = Judgment { verdict: Verdict::Run, ..grant.consent.judgment.statement.clone() };
        grant.consent = Consent { judgment: Signed::new(judgment, &server()), decisions: vec![], passkeys: vec![] };
        let free = (request, grant);
        assert!(result(&free, &trusted).unwrap_err().contains("nothing runs here without an approval"));
        result(&free, &nobody()).unwrap();
    }

    #[test]
    fn x19_a_pinned_passkey_adds_another_of_its_owner() {
        let [first, second, third] = [(); 3].map(|()| Authenticator::es256(TENANT, APPROVER, HOST));
        let add = |added: &Authenticator, by: &Authenticator| {
            let statement = PasskeyAddition { passkey: added.passkey.clone(), at: NOW };
            SignedAddition { assertion: by.sign(&statement), statement }
        };
        let with = |device: &Authenticator, additions: Vec<SignedAddition>| {
            let (request, mut grant) = granted(true, |decision| confirm(decision, device));
            grant.consent.passkeys = additions;
            result(&(request, grant), &trusting(&[&first]))
        };
        with(&second, vec![add(&second, &first)]).unwrap();
        with(&third, vec![add(&third, &second), add(&second, &first)]).unwrap();
        for additions in [vec![], vec![add(&second, &second)], vec![add(&second, &third)]] {
            assert!(with(&second, additions).unwrap_err().contains("not trusted here"));
        }
        // One approver does not become two.
        let stranger = Authenticator::es256(TENANT, PersonId(Uuid::from_u128(8)), HOST);
        let (request, mut grant) = granted(true, |decision| {
            decision.approver = stranger.passkey.person;
            confirm(decision, &stranger);
        });
        grant.consent.passkeys = vec![add(&stranger, &first)];
        assert!(result(&(request, grant), &trusting(&[&first])).unwrap_err().contains("not trusted here"));
    }
}
