//! Passkeys of approvers: assertions over statements (WebAuthn, level 3), and the passkeys that a verifier trusts (X19).
//!
//! A server's signature says that the server recorded an approval. An assertion says that the approver's authenticator signed it, which
//! the server cannot do. Signature algorithms come in as a [`PublicKeyVerifier`], because this crate contains none.
use crate::{
    ApprovalId, Invalid, PersonId, TenantId, Timestamp,
    approval::Answer,
    request::{InputDigest, RequestDigest, canonical},
    statement::{Statement, Subject},
    text,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

/// Bytes that are base64url without padding as text (RFC 4648, section 5).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Base64Url(pub Vec<u8>);

impl TryFrom<String> for Base64Url {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(text);
        decoded.map(Self).map_err(|_| Invalid::new("base64url", "must be base64url without padding"))
    }
}

impl From<Base64Url> for String {
    fn from(bytes: Base64Url) -> Self {
        bytes.to_string()
    }
}

impl fmt::Display for Base64Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl fmt::Debug for Base64Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Verifies signatures with the public keys of passkeys.
pub trait PublicKeyVerifier: Send + Sync {
    /// Returns whether the owner of `public_key`, a COSE_Key (RFC 9052) in the canonical encoding of CTAP2, signed `message`.
    fn verifies(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> bool;
}

/// The public part of a person's passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passkey {
    pub tenant: TenantId,
    pub person: PersonId,
    pub credential_id: Base64Url,
    /// A COSE_Key (RFC 9052) in the canonical encoding of CTAP2.
    pub public_key: Base64Url,
    /// The relying party id: the host name that the passkey is bound to.
    pub relying_party: String,
}

impl Passkey {
    /// Returns a digest of every field, which two people can compare.
    pub fn fingerprint(&self) -> InputDigest {
        InputDigest::of(&canonical(self))
    }
}

/// A passkey with a name for people, as its owner hands it to the operator of a runner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedPasskey {
    /// The names of the person and of the passkey: 1 to 200 characters. Not part of the fingerprint.
    pub name: String,
    pub passkey: Passkey,
}

impl NamedPasskey {
    /// Parses the JSON that a person's account page shows.
    ///
    /// # Errors
    /// Fails if it is something else, or a name has invisible characters.
    pub fn read(text: &str) -> Result<Self, Invalid> {
        let wrong = |_| Invalid::new("passkey", "must be the text that the owner's account page shows for a passkey");
        let mut passkey: Self = serde_json::from_str(text.trim()).map_err(wrong)?;
        passkey.name = text::name("name", &passkey.name, 200)?;
        Ok(passkey)
    }
}

/// What an approver's passkey signs: their answer to one approval request about one canonical request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasskeyDecision {
    pub tenant: TenantId,
    pub subject: Subject,
    pub approval: ApprovalId,
    pub request: RequestDigest,
    pub approver: PersonId,
    pub answer: Answer,
}

impl Statement for PasskeyDecision {
    const LABEL: &'static [u8] = b"castellan-passkey-decision-v1\0";
}

/// The statement of a person that another passkey is theirs, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasskeyAddition {
    pub passkey: Passkey,
    pub at: Timestamp,
}

impl Statement for PasskeyAddition {
    const LABEL: &'static [u8] = b"castellan-passkey-addition-v1\0";
}

/// An addition with the assertion of an older passkey of the same person, which is not verified yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedAddition {
    pub statement: PasskeyAddition,
    pub assertion: Assertion,
}

/// Returns the challenge with which an authenticator signs a statement: the SHA-256 of its label and its canonical JSON.
///
/// The challenge has no random part. A repeated assertion is an approval of the same bytes by the same person, and nothing else.
pub fn challenge(statement: &impl Statement) -> Base64Url {
    Base64Url(Sha256::digest(statement.signed_bytes()).to_vec())
}

/// An authentication assertion (WebAuthn, section 5.2.2) over a [`challenge`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    pub credential_id: Base64Url,
    pub authenticator_data: Base64Url,
    /// The JSON of the client data, byte for byte.
    pub client_data: Base64Url,
    pub signature: Base64Url,
}

impl FromStr for Assertion {
    type Err = Invalid;
    /// Parses the canonical JSON (RFC 8785).
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let assertion: Option<Self> = serde_json::from_str(text).ok();
        let canonical = assertion.filter(|assertion| canonical(assertion) == text.as_bytes());
        canonical.ok_or_else(|| Invalid::new("assertion", "is not an assertion in its canonical form"))
    }
}

impl fmt::Display for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&canonical(self)))
    }
}

/// A browser's `AuthenticationResponseJSON` (WebAuthn, section 5.1). Further members are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthenticationResponse {
    raw_id: Base64Url,
    response: AuthenticatorResponse,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthenticatorResponse {
    authenticator_data: Base64Url,
    #[serde(rename = "clientDataJSON")]
    client_data: Base64Url,
    signature: Base64Url,
}

/// The client data of an assertion (WebAuthn, section 5.8.1). Further members are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: Base64Url,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

/// Why an assertion does not confirm a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    #[error("it was made with another passkey")]
    AnotherPasskey,
    #[error("its client data cannot be read")]
    ClientData,
    #[error("it is not an authentication")]
    Type,
    #[error("it confirms something else")]
    Challenge,
    #[error("it was made on a page of another site")]
    Origin,
    #[error("its authenticator data cannot be read")]
    AuthenticatorData,
    #[error("it was made for another relying party")]
    RelyingParty,
    #[error("the authenticator did not detect a person")]
    NotPresent,
    #[error("the authenticator did not verify the person")]
    NotVerified,
    #[error("its signature is wrong")]
    Signature,
}

/// Flags of the authenticator data (WebAuthn, section 6.1).
const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;

impl Assertion {
    /// Parses the JSON of a browser.
    ///
    /// # Errors
    /// Fails if it is not an authentication response, or has more than 8 KiB.
    pub fn from_browser(json: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("passkey", "is not the response of a passkey");
        if json.len() > 8 << 10 {
            return Err(wrong());
        }
        let AuthenticationResponse { raw_id, response } = serde_json::from_str(json).map_err(|_| wrong())?;
        let AuthenticatorResponse { authenticator_data, client_data, signature } = response;
        Ok(Self { credential_id: raw_id, authenticator_data, client_data, signature })
    }

    /// Checks that the owner of `passkey` confirmed `statement` (WebAuthn, section 7.2; the numbers below are its steps).
    ///
    /// The signature counter (step 22) is not compared. It reveals a copied authenticator only to a verifier that remembers the last
    /// value of every use, and the verifier of a grant sees only some of them.
    ///
    /// # Errors
    /// Fails at the first step that fails.
    pub fn check(
        &self,
        statement: &impl Statement,
        passkey: &Passkey,
        keys: &dyn PublicKeyVerifier,
    ) -> Result<(), AssertionError> {
        // 6 and 7: the credential identifies the passkey.
        require(self.credential_id == passkey.credential_id, AssertionError::AnotherPasskey)?;
        // 9 to 14: the client data.
        let client: ClientData = serde_json::from_slice(&self.client_data.0).map_err(|_| AssertionError::ClientData)?;
        require(client.kind == "webauthn.get", AssertionError::Type)?;
        require(client.challenge == challenge(statement), AssertionError::Challenge)?;
        let is_own_page = is_origin_of(&client.origin, &passkey.relying_party) && !client.cross_origin;
        require(is_own_page, AssertionError::Origin)?;
        // 15 to 18: the authenticator data begins with the hash of the relying party id, the flags and the counter (section 6.1).
        let data = &self.authenticator_data.0;
        let (Some(relying_party), Some(flags), true) = (data.get(..32), data.get(32), data.len() >= 37) else {
            return Err(AssertionError::AuthenticatorData);
        };
        let expected = Sha256::digest(passkey.relying_party.as_bytes());
        require(relying_party == expected.as_slice(), AssertionError::RelyingParty)?;
        require(flags & USER_PRESENT != 0, AssertionError::NotPresent)?;
        require(flags & USER_VERIFIED != 0, AssertionError::NotVerified)?;
        require(flags & BACKUP_ELIGIBLE != 0 || flags & BACKED_UP == 0, AssertionError::AuthenticatorData)?;
        // 20 and 21: the signature.
        let signed = [data.as_slice(), &Sha256::digest(&self.client_data.0)].concat();
        require(keys.verifies(&passkey.public_key.0, &signed, &self.signature.0), AssertionError::Signature)
    }
}

fn require(holds: bool, otherwise: AssertionError) -> Result<(), AssertionError> {
    if holds { Ok(()) } else { Err(otherwise) }
}

/// Returns whether pages at `origin` may use passkeys of the relying party. Only this machine has pages without TLS.
fn is_origin_of(origin: &str, relying_party: &str) -> bool {
    let plain = || origin.strip_prefix("http://").filter(|_| relying_party == "localhost");
    let Some(host) = origin.strip_prefix("https://").or_else(plain) else { return false };
    let host = match host.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    };
    host == relying_party
}

/// The passkeys that a verifier of decisions trusts.
#[derive(Clone)]
pub struct TrustedPasskeys<'a> {
    passkeys: Vec<Passkey>,
    keys: &'a dyn PublicKeyVerifier,
    /// Whether nothing may run without an approval that one of them confirms, whatever the rules say.
    pub always: bool,
}

impl fmt::Debug for TrustedPasskeys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedPasskeys").field("passkeys", &self.passkeys).field("always", &self.always).finish()
    }
}

/// Why a passkey does not confirm a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    #[error("an approval was given without a passkey")]
    WithoutPasskey,
    #[error("an approval was given with a passkey that is not trusted here")]
    NotTrusted,
    #[error("the passkey of an approval is refused: {0}")]
    Invalid(#[from] AssertionError),
}

impl<'a> TrustedPasskeys<'a> {
    pub fn new(passkeys: Vec<Passkey>, keys: &'a dyn PublicKeyVerifier) -> Self {
        Self { passkeys, keys, always: false }
    }

    /// Returns these passkeys and those that they add, directly or through others. Only a passkey of the same person adds one: otherwise
    /// one approver could become several.
    #[must_use]
    pub fn with(&self, additions: &[SignedAddition]) -> Self {
        let mut trusted = self.clone();
        let mut open: Vec<_> = additions.iter().collect();
        loop {
            let before = open.len();
            open.retain(|addition| !trusted.accept(addition));
            if open.len() == before {
                return trusted;
            }
        }
    }

    /// Trusts an added passkey if a trusted one signed the addition.
    fn accept(&mut self, addition: &SignedAddition) -> bool {
        let added = &addition.statement.passkey;
        let by = self.find(added.tenant, added.person, &addition.assertion.credential_id);
        let is_signed = by.is_some_and(|by| addition.assertion.check(&addition.statement, by, self.keys).is_ok());
        if is_signed {
            self.passkeys.push(added.clone());
        }
        is_signed
    }

    fn find(&self, tenant: TenantId, person: PersonId, credential_id: &Base64Url) -> Option<&Passkey> {
        let owner = |passkey: &&Passkey| (passkey.tenant, passkey.person) == (tenant, person);
        self.passkeys.iter().filter(owner).find(|passkey| passkey.credential_id == *credential_id)
    }

    /// Checks that a trusted passkey of the approver confirms a decision.
    ///
    /// # Errors
    /// When there is no assertion, or one that does not count.
    pub fn verify(&self, decision: &PasskeyDecision, assertion: Option<&Assertion>) -> Result<(), PasskeyError> {
        let assertion = assertion.ok_or(PasskeyError::WithoutPasskey)?;
        let passkey = self.find(decision.tenant, decision.approver, &assertion.credential_id);
        Ok(assertion.check(decision, passkey.ok_or(PasskeyError::NotTrusted)?, self.keys)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        OrganizationId, TaskId,
        consent::{Consent, ConsentError, Decision, Judgment, Signed, Signer},
        request::Request,
        rule::Verdict,
        task::SubmissionForm,
    };
    use serde_json::{Value, json};
    use uuid::Uuid;

    /// A hash with a secret, in place of signature algorithms, which this crate does not contain. The public key is the secret.
    struct Hashes;

    impl PublicKeyVerifier for Hashes {
        fn verifies(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
            sign(public_key, message) == signature
        }
    }

    fn sign(key: &[u8], message: &[u8]) -> Vec<u8> {
        Sha256::new().chain_update(key).chain_update(message).finalize().to_vec()
    }

    struct ServerKey;

    impl Signer for ServerKey {
        fn sign(&self, message: &[u8]) -> [u8; 64] {
            [sign(b"server", message), sign(b"server", message)].concat().try_into().unwrap()
        }
        fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
            Signer::sign(self, message) == signature
        }
    }

    const TENANT: TenantId = TenantId(Uuid::from_u128(1));
    const SUBJECT: Subject = Subject::Task(TaskId(Uuid::from_u128(2)));
    const ADA: PersonId = PersonId(Uuid::from_u128(10));
    const ABE: PersonId = PersonId(Uuid::from_u128(11));
    const HOST: &str = "castellan.example.org";

    fn passkey(person: PersonId, key: u8) -> Passkey {
        let (credential_id, public_key) = (Base64Url(vec![key; 16]), Base64Url(vec![key; 4]));
        Passkey { tenant: TENANT, person, credential_id, public_key, relying_party: HOST.into() }
    }

    /// Returns the parts of an assertion, which a test can change before they are signed.
    fn parts(statement: &impl Statement) -> (Value, Vec<u8>) {
        let client = json!({
            "type": "webauthn.get", "challenge": challenge(statement), "origin": format!("https://{HOST}"),
            "crossOrigin": false, "other": 1,
        });
        let data = [Sha256::digest(HOST.as_bytes()).as_slice(), &[USER_PRESENT | USER_VERIFIED, 0, 0, 0, 0]].concat();
        (client, data)
    }

    fn signed(by: &Passkey, (client, data): (Value, Vec<u8>)) -> Assertion {
        let client = client.to_string().into_bytes();
        let signature = sign(&by.public_key.0, &[data.as_slice(), &Sha256::digest(&client)].concat());
        Assertion {
            credential_id: by.credential_id.clone(),
            authenticator_data: Base64Url(data),
            client_data: Base64Url(client),
            signature: Base64Url(signature),
        }
    }

    fn request() -> Request {
        let form: SubmissionForm = serde_json::from_value(json!({ "script": "echo hi" })).unwrap();
        let submission = form.check(OrganizationId(Uuid::from_u128(4))).unwrap();
        Request::new(&submission, TENANT, PersonId(Uuid::from_u128(3)), None, [7; 16])
    }

    fn digest() -> RequestDigest {
        RequestDigest::of(&request().canonical())
    }

    fn decision(approver: PersonId) -> Decision {
        Decision {
            tenant: TENANT,
            subject: SUBJECT,
            approval: ApprovalId(Uuid::from_u128(5)),
            request: digest(),
            approver,
            answer: Answer::Approve,
            reason: InputDigest::of(b""),
            rules_version: 1,
            at: Timestamp(2),
            assertion: None,
        }
    }

    fn confirmed(by: &Passkey) -> Decision {
        let decision = decision(by.person);
        Decision { assertion: Some(signed(by, parts(&decision.passkey_statement()))), ..decision }
    }

    fn addition(passkey: Passkey, by: &Passkey) -> SignedAddition {
        let statement = PasskeyAddition { passkey, at: Timestamp(3) };
        SignedAddition { assertion: signed(by, parts(&statement)), statement }
    }

    fn ask(passkey: bool) -> Verdict {
        Verdict::Ask { approvers: 1, hours: 24, passkey }
    }

    fn check(
        verdict: Verdict,
        decisions: Vec<Decision>,
        passkeys: Vec<SignedAddition>,
        trusted: &TrustedPasskeys<'_>,
    ) -> Result<(), ConsentError> {
        let judgment = Judgment {
            tenant: TENANT,
            subject: SUBJECT,
            request: digest(),
            record: InputDigest::of(b"record"),
            rules_version: 1,
            rule: "r".into(),
            verdict,
            responsible: None,
            key_creator: None,
            self_approval: false,
            at: Timestamp(1),
        };
        let decisions = decisions.into_iter().map(|decision| Signed::new(decision, &ServerKey)).collect();
        let consent = Consent { judgment: Signed::new(judgment, &ServerKey), decisions, passkeys };
        let verifies = |message: &[u8], signature: &[u8]| ServerKey.verifies(message, signature);
        consent.check(SUBJECT, &request(), digest(), verifies, trusted)
    }

    fn trusting(passkeys: &[&Passkey]) -> TrustedPasskeys<'static> {
        TrustedPasskeys::new(passkeys.iter().map(|passkey| (*passkey).clone()).collect(), &Hashes)
    }

    #[test]
    fn x19_an_assertion_confirms_exactly_one_statement() {
        let key = passkey(ADA, 1);
        let made = decision(ADA);
        let statement = made.passkey_statement();
        let assertion = signed(&key, parts(&statement));
        assertion.check(&statement, &key, &Hashes).unwrap();
        for other in [
            PasskeyDecision { tenant: TenantId(Uuid::nil()), ..statement.clone() },
            PasskeyDecision { subject: Subject::Task(TaskId(Uuid::nil())), ..statement.clone() },
            PasskeyDecision { approval: ApprovalId(Uuid::nil()), ..statement.clone() },
            PasskeyDecision { request: RequestDigest::of(b"{}"), ..statement.clone() },
            PasskeyDecision { approver: ABE, ..statement.clone() },
            PasskeyDecision { answer: Answer::Deny, ..statement.clone() },
        ] {
            assert_eq!(assertion.check(&other, &key, &Hashes), Err(AssertionError::Challenge), "{other:?}");
        }
        // Statements of another kind have another label.
        let addition = PasskeyAddition { passkey: key.clone(), at: Timestamp(3) };
        assert_eq!(assertion.check(&addition, &key, &Hashes), Err(AssertionError::Challenge));
    }

    #[test]
    fn x19_every_part_of_an_assertion_is_checked() {
        let key = passkey(ADA, 1);
        let statement = decision(ADA).passkey_statement();
        let changed = |change: &dyn Fn(&mut Value, &mut Vec<u8>)| {
            let (mut client, mut data) = parts(&statement);
            change(&mut client, &mut data);
            signed(&key, (client, data)).check(&statement, &key, &Hashes)
        };
        let set = |name: &'static str, value: Value| changed(&|client, _| client[name] = value.clone());
        let flags = |flags: u8| changed(&|_, data| data[32] = flags);
        changed(&|_, data| data[36] = 9).unwrap(); // the signature counter
        assert_eq!(set("type", json!("webauthn.create")), Err(AssertionError::Type));
        assert_eq!(set("challenge", json!("AAAA")), Err(AssertionError::Challenge));
        assert_eq!(set("crossOrigin", json!(true)), Err(AssertionError::Origin));
        for origin in ["https://example.org", "http://castellan.example.org", "https://castellan.example.org.evil", ""]
        {
            assert_eq!(set("origin", json!(origin)), Err(AssertionError::Origin), "{origin}");
        }
        set("origin", json!("https://castellan.example.org:8443")).unwrap();
        assert_eq!(set("origin", json!(5)), Err(AssertionError::ClientData));
        assert_eq!(changed(&|_, data| data[0] ^= 1), Err(AssertionError::RelyingParty));
        assert_eq!(changed(&|_, data| data.truncate(36)), Err(AssertionError::AuthenticatorData));
        assert_eq!(flags(USER_VERIFIED), Err(AssertionError::NotPresent));
        assert_eq!(flags(USER_PRESENT), Err(AssertionError::NotVerified));
        assert_eq!(flags(USER_PRESENT | USER_VERIFIED | BACKED_UP), Err(AssertionError::AuthenticatorData));
        flags(USER_PRESENT | USER_VERIFIED | BACKUP_ELIGIBLE | BACKED_UP).unwrap();
        // What was changed after the signature, and other keys.
        let good = signed(&key, parts(&statement));
        let mut forged = good.clone();
        forged.signature.0[0] ^= 1;
        assert_eq!(forged.check(&statement, &key, &Hashes), Err(AssertionError::Signature));
        let mut forged = good.clone();
        forged.authenticator_data.0[36] ^= 1;
        assert_eq!(forged.check(&statement, &key, &Hashes), Err(AssertionError::Signature));
        let other_key = Passkey { public_key: Base64Url(vec![9]), ..key.clone() };
        assert_eq!(good.check(&statement, &other_key, &Hashes), Err(AssertionError::Signature));
        assert_eq!(good.check(&statement, &passkey(ADA, 2), &Hashes), Err(AssertionError::AnotherPasskey));
        let elsewhere = Passkey { relying_party: "example.org".into(), ..key };
        assert_eq!(good.check(&statement, &elsewhere, &Hashes), Err(AssertionError::Origin));
    }

    #[test]
    fn x19_pages_without_tls_are_of_this_machine_only() {
        assert!(is_origin_of("http://localhost:9876", "localhost") && is_origin_of("https://localhost", "localhost"));
        assert!(!is_origin_of("http://a.example", "a.example") && !is_origin_of("https://a.example:x", "a.example"));
    }

    #[test]
    fn x19_a_judgment_that_demands_passkeys_needs_one_for_each_approval() {
        let (ada, abe) = (passkey(ADA, 1), passkey(ABE, 2));
        let trusted = trusting(&[&ada, &abe]);
        let check = |decisions| check(ask(true), decisions, vec![], &trusted);
        check(vec![confirmed(&ada), confirmed(&abe)]).unwrap();
        assert_eq!(check(vec![]), Err(ConsentError::TooFewApprovals));
        for decisions in [vec![decision(ADA)], vec![confirmed(&ada), decision(ABE)]] {
            assert_eq!(check(decisions), Err(PasskeyError::WithoutPasskey.into()));
        }
        // The passkey of another person, and one that is not trusted.
        let borrowed = Decision { assertion: confirmed(&abe).assertion, ..decision(ADA) };
        assert_eq!(check(vec![borrowed]), Err(PasskeyError::NotTrusted.into()));
        assert_eq!(check(vec![confirmed(&passkey(ADA, 3))]), Err(PasskeyError::NotTrusted.into()));
        let moved = Decision { approval: ApprovalId(Uuid::nil()), ..confirmed(&ada) };
        assert_eq!(check(vec![moved]), Err(PasskeyError::Invalid(AssertionError::Challenge).into()));
        let elsewhere = Passkey { tenant: TenantId(Uuid::nil()), ..ada.clone() };
        let other = TrustedPasskeys::new(vec![elsewhere], &Hashes);
        let result = super::tests::check(ask(true), vec![confirmed(&ada)], vec![], &other);
        assert_eq!(result, Err(PasskeyError::NotTrusted.into()));
    }

    #[test]
    fn x19_a_verifier_can_demand_a_passkey_whatever_the_rules_say() {
        let ada = passkey(ADA, 1);
        let trusted = TrustedPasskeys { always: true, ..trusting(&[&ada]) };
        let check = |verdict, decisions| check(verdict, decisions, vec![], &trusted);
        check(ask(false), vec![decision(ABE), confirmed(&ada)]).unwrap();
        check(Verdict::Run, vec![confirmed(&ada)]).unwrap();
        assert_eq!(check(Verdict::Run, vec![]), Err(ConsentError::PasskeyRequired));
        assert_eq!(check(ask(false), vec![decision(ADA)]), Err(ConsentError::PasskeyRequired));
        assert_eq!(check(ask(false), vec![confirmed(&passkey(ADA, 3))]), Err(ConsentError::PasskeyRequired));
        // Without that, what the rules do not demand is not checked.
        super::tests::check(ask(false), vec![confirmed(&passkey(ADA, 3))], vec![], &trusting(&[])).unwrap();
    }

    #[test]
    fn x19_a_trusted_passkey_adds_others_of_the_same_person() {
        let (first, second, third) = (passkey(ADA, 1), passkey(ADA, 2), passkey(ADA, 3));
        let trusted = trusting(&[&first]);
        let check = |key: &Passkey, additions| check(ask(true), vec![confirmed(key)], additions, &trusted);
        let (one, two) = (addition(second.clone(), &first), addition(third.clone(), &second));
        check(&second, vec![one.clone()]).unwrap();
        check(&third, vec![two.clone(), one.clone()]).unwrap();
        let untrusted = Err(PasskeyError::NotTrusted.into());
        assert_eq!(check(&third, vec![two]), untrusted);
        assert_eq!(check(&second, vec![addition(second.clone(), &second)]), untrusted);
        // A changed addition, and one for somebody else.
        let mut changed = one.clone();
        changed.statement.at.0 += 1;
        assert_eq!(check(&second, vec![changed]), untrusted);
        let mut changed = one;
        changed.statement.passkey.public_key = third.public_key;
        assert_eq!(check(&second, vec![changed]), untrusted);
        let abe = passkey(ABE, 4);
        assert_eq!(check(&abe, vec![addition(abe.clone(), &first)]), untrusted);
    }

    #[test]
    fn x19_a_browser_response_becomes_an_assertion() {
        let json = json!({
            "id": "AQE", "rawId": "AQE", "type": "public-key", "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": { "authenticatorData": "AA", "clientDataJSON": "e30", "signature": "AQ", "userHandle": null },
        });
        let assertion = Assertion::from_browser(&json.to_string()).unwrap();
        assert_eq!(assertion.to_string().parse(), Ok(assertion.clone()));
        assert!(format!("{assertion} ").parse::<Assertion>().is_err());
        assert_eq!((assertion.credential_id.0, assertion.client_data.0), (vec![1, 1], b"{}".to_vec()));
        for bad in ["", "{}", r#"{"rawId":"!","response":{}}"#, &format!("{json}{}", " ".repeat(9_000))] {
            Assertion::from_browser(bad).unwrap_err();
        }
    }

    #[test]
    fn x19_a_passkey_reads_back_from_the_text_for_operators() {
        let named = NamedPasskey { name: "Ada Byron, laptop".into(), passkey: passkey(ADA, 1) };
        let text = serde_json::to_string(&named).unwrap();
        assert_eq!(NamedPasskey::read(&format!(" {text}\n")).unwrap(), named);
        assert_eq!(named.passkey.fingerprint(), passkey(ADA, 1).fingerprint());
        assert_ne!(named.passkey.fingerprint(), passkey(ADA, 2).fingerprint());
        for bad in ["", "{}", &text.replace("laptop", "lap\\u202etop"), &text.replace("tenant", "tenants")] {
            NamedPasskey::read(bad).unwrap_err();
        }
    }
}
