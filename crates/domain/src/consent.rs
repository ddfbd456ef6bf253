//! Consent: signed statements that a request may run (D-04). A database row is a cache of such a statement; what is not signed does
//! not run.
//!
//! The server signs the rules' [`Judgment`] of each submission and each [`Decision`] of an approver. A [`Consent`] combines both; the
//! server checks it when a runner claims the task, and the runner checks it again with the key that it pinned at enrollment.
pub use crate::statement::{Statement, Subject};
use crate::{
    ApprovalId, Invalid, PersonId, TenantId, Timestamp,
    approval::{Answer, Requesters},
    passkey::{Assertion, PasskeyDecision, PasskeyError, SignedAddition, TrustedPasskeys},
    request::{InputDigest, Request, RequestDigest},
    rule::{Rules, Verdict},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// A key that signs and verifies statements with Ed25519 (RFC 8032).
pub trait Signer: Send + Sync {
    fn sign(&self, message: &[u8]) -> [u8; 64];
    /// Returns whether this key made the signature.
    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool;
    /// Returns whether a key that this one replaced made the signature. Such a signature explains what happened; nothing starts
    /// because of it, because a person with a copy of a replaced key can still sign with it.
    fn verifies_retired(&self, _message: &[u8], _signature: &[u8]) -> bool {
        false
    }
}

/// A version of a tenant's rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesVersion {
    pub tenant: TenantId,
    /// From 1, without gaps.
    pub version: i64,
    pub rules: Rules,
    /// The person who made the change; `None` for the rules of a new tenant and for the console.
    pub changed_by: Option<PersonId>,
    pub at: Timestamp,
}

impl Statement for RulesVersion {
    const LABEL: &'static [u8] = b"castellan-rules-v1\0";
}

/// The verdict of a tenant's rules on one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgment {
    pub tenant: TenantId,
    pub subject: Subject,
    pub request: RequestDigest,
    /// The digest of what the database stores of the submission beyond the request, such as its title and visibility.
    pub record: InputDigest,
    pub rules_version: i64,
    /// The name of the rule that matched.
    pub rule: String,
    pub verdict: Verdict,
    /// The responsible person at submission, if the requester is a service account.
    pub responsible: Option<PersonId>,
    /// The creator of the API key that submitted it, if any.
    pub key_creator: Option<PersonId>,
    /// Whether the tenant let approvers decide their own requests at submission.
    pub self_approval: bool,
    pub at: Timestamp,
}

impl Statement for Judgment {
    const LABEL: &'static [u8] = b"castellan-judgment-v1\0";
}

/// The decision of one approver on one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    pub tenant: TenantId,
    pub subject: Subject,
    pub approval: ApprovalId,
    pub request: RequestDigest,
    pub approver: PersonId,
    pub answer: Answer,
    /// The digest of the reason that the approver gave, which may be empty.
    pub reason: InputDigest,
    /// The version of the rules that required the decision.
    pub rules_version: i64,
    pub at: Timestamp,
    /// The assertion of the approver's passkey over [`crate::passkey::PasskeyDecision`]. It is signed with the rest, so that removing it
    /// is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion: Option<Assertion>,
}

impl Statement for Decision {
    const LABEL: &'static [u8] = b"castellan-decision-v1\0";
}

impl Decision {
    /// Returns what the approver's passkey signs.
    pub const fn passkey_statement(&self) -> PasskeyDecision {
        let &Self { tenant, subject, approval, request, approver, answer, .. } = self;
        PasskeyDecision { tenant, subject, approval, request, approver, answer }
    }

    /// Checks that a trusted passkey of the approver confirms this decision.
    ///
    /// # Errors
    /// When it has no assertion, or one that does not count.
    pub fn verify_passkey(&self, trusted: &TrustedPasskeys<'_>) -> Result<(), PasskeyError> {
        trusted.verify(&self.passkey_statement(), self.assertion.as_ref())
    }
}

/// An Ed25519 signature; 128 hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature(pub [u8; 64]);

impl FromStr for Signature {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut bytes = [0; 64];
        hex::decode_to_slice(text, &mut bytes)
            .map(|()| Self(bytes))
            .map_err(|_| Invalid::new("signature", "must be 128 hexadecimal digits"))
    }
}

impl TryFrom<String> for Signature {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Signature> for String {
    fn from(signature: Signature) -> Self {
        hex::encode(signature.0)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", hex::encode(self.0))
    }
}

/// A statement with its signature, which is not verified yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed<T> {
    pub statement: T,
    pub signature: Signature,
}

impl<T: Statement> Signed<T> {
    pub fn new(statement: T, signer: &dyn Signer) -> Self {
        let signature = Signature(signer.sign(&statement.signed_bytes()));
        Self { statement, signature }
    }

    /// Returns whether `verifies` accepts the signature (message, signature).
    pub fn is_by(&self, verifies: &impl Fn(&[u8], &[u8]) -> bool) -> bool {
        verifies(&self.statement.signed_bytes(), &self.signature.0)
    }
}

/// Permission to run one request: the judgment that allows it, or requires approvals, and these approvals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    pub judgment: Signed<Judgment>,
    pub decisions: Vec<Signed<Decision>>,
    /// The passkeys that approvers added to those that runners trust.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passkeys: Vec<SignedAddition>,
}

/// Why a consent does not permit a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConsentError {
    #[error("the judgment of the rules is not signed by the server")]
    JudgmentUnsigned,
    #[error("the judgment of the rules is for another request")]
    JudgmentOfAnother,
    #[error("the rules refuse the request")]
    Refused,
    #[error("a decision is not signed by the server")]
    DecisionUnsigned,
    #[error("a decision is for another request")]
    DecisionOnAnother,
    #[error("a decision is a denial")]
    Denied,
    #[error("a decision is by the requester, by the responsible person, or by the creator of the key")]
    OwnRequest,
    #[error("a person decided twice")]
    DecidedTwice,
    #[error("there are fewer approvals than the rules require")]
    TooFewApprovals,
    #[error(transparent)]
    PasskeyError(#[from] PasskeyError),
    #[error("nothing runs here without an approval with a passkey that is trusted here")]
    PasskeyRequired,
}

impl Consent {
    /// Checks that this consent permits `request`, whose canonical form has the given digest. `verifies` checks a message and a
    /// signature with the server's public key. `trusted` confirms the approvals of a judgment that demands passkeys.
    ///
    /// # Errors
    /// When a signature is wrong, a statement is about something else, or too few people approved.
    pub fn check(
        &self,
        subject: Subject,
        request: &Request,
        digest: RequestDigest,
        verifies: impl Fn(&[u8], &[u8]) -> bool,
        trusted: &TrustedPasskeys<'_>,
    ) -> Result<(), ConsentError> {
        let judgment = &self.judgment.statement;
        if !self.judgment.is_by(&verifies) {
            return Err(ConsentError::JudgmentUnsigned);
        }
        if (judgment.tenant, judgment.subject, judgment.request) != (request.tenant, subject, digest) {
            return Err(ConsentError::JudgmentOfAnother);
        }
        let requesters = Requesters {
            requester: request.requester,
            responsible: [judgment.responsible, None],
            key_creator: judgment.key_creator,
        };
        let mut approvers = BTreeSet::new();
        for decision in &self.decisions {
            let made = &decision.statement;
            if !decision.is_by(&verifies) {
                return Err(ConsentError::DecisionUnsigned);
            }
            if (made.tenant, made.subject, made.request) != (request.tenant, subject, digest) {
                return Err(ConsentError::DecisionOnAnother);
            }
            if made.answer != Answer::Approve {
                return Err(ConsentError::Denied);
            }
            if requesters.includes(made.approver) && !judgment.self_approval {
                return Err(ConsentError::OwnRequest);
            }
            if !approvers.insert(made.approver) {
                return Err(ConsentError::DecidedTwice);
            }
        }
        self.check_passkeys(trusted)?;
        match judgment.verdict {
            Verdict::Run => Ok(()),
            Verdict::Refuse => Err(ConsentError::Refused),
            Verdict::Ask { approvers: needed, .. }
                if approvers.len() < usize::try_from(needed).unwrap_or(usize::MAX) =>
            {
                Err(ConsentError::TooFewApprovals)
            }
            Verdict::Ask { .. } => Ok(()),
        }
    }

    /// Checks the passkeys of the approvals, which are signed by the server and about the request.
    fn check_passkeys(&self, trusted: &TrustedPasskeys<'_>) -> Result<(), ConsentError> {
        let demanded = matches!(self.judgment.statement.verdict, Verdict::Ask { passkey: true, .. });
        if !demanded && !trusted.always {
            return Ok(());
        }
        let all = trusted.with(&self.passkeys);
        let mut verified = false;
        for decision in &self.decisions {
            match decision.statement.verify_passkey(&all) {
                Ok(()) => verified = true,
                Err(error) if demanded => return Err(error.into()),
                Err(_) => {}
            }
        }
        if verified || !trusted.always { Ok(()) } else { Err(ConsentError::PasskeyRequired) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        OrganizationId, TaskId,
        passkey::{Base64Url, PublicKeyVerifier},
        task::SubmissionForm,
    };
    use sha2::{Digest, Sha256};
    use uuid::Uuid;

    /// A hash with a secret, in place of Ed25519, which this crate does not contain.
    struct TestKey(u8);

    impl Signer for TestKey {
        fn sign(&self, message: &[u8]) -> [u8; 64] {
            let hash: [u8; 32] = Sha256::new().chain_update([self.0]).chain_update(message).finalize().into();
            [hash, hash].concat().try_into().unwrap()
        }
        fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
            self.sign(message) == signature
        }
    }

    /// No public key.
    struct NoKeys;

    impl PublicKeyVerifier for NoKeys {
        fn verifies(&self, _: &[u8], _: &[u8], _: &[u8]) -> bool {
            false
        }
    }

    const TENANT: TenantId = TenantId(Uuid::from_u128(1));
    const SUBJECT: Subject = Subject::Task(TaskId(Uuid::from_u128(2)));
    const REQUESTER: PersonId = PersonId(Uuid::from_u128(3));

    fn request() -> Request {
        let form: SubmissionForm = serde_json::from_value(serde_json::json!({ "script": "echo hi" })).unwrap();
        let submission = form.check(OrganizationId(Uuid::from_u128(4))).unwrap();
        Request::new(&submission, TENANT, REQUESTER, None, [7; 16])
    }

    fn digest() -> RequestDigest {
        RequestDigest::of(&request().canonical())
    }

    fn judgment(verdict: Verdict) -> Judgment {
        let (rule, record, at) = ("r".to_owned(), InputDigest::of(b"record"), Timestamp(1));
        Judgment {
            tenant: TENANT,
            subject: SUBJECT,
            request: digest(),
            record,
            rules_version: 1,
            rule,
            verdict,
            responsible: None,
            key_creator: None,
            self_approval: false,
            at,
        }
    }

    fn decision(approver: u128) -> Decision {
        Decision {
            tenant: TENANT,
            subject: SUBJECT,
            approval: ApprovalId(Uuid::from_u128(5)),
            request: digest(),
            approver: PersonId(Uuid::from_u128(approver)),
            answer: Answer::Approve,
            reason: InputDigest::of(b""),
            rules_version: 1,
            at: Timestamp(2),
            assertion: None,
        }
    }

    fn assertion() -> Assertion {
        let bytes = || Base64Url(vec![1]);
        Assertion { credential_id: bytes(), authenticator_data: bytes(), client_data: bytes(), signature: bytes() }
    }

    fn check(judgment: Judgment, decisions: Vec<Decision>) -> Result<(), ConsentError> {
        let key = TestKey(1);
        let decisions = decisions.into_iter().map(|decision| Signed::new(decision, &key)).collect();
        let consent = Consent { judgment: Signed::new(judgment, &key), decisions, passkeys: vec![] };
        let trusted = TrustedPasskeys::new(vec![], &NoKeys);
        consent.check(SUBJECT, &request(), digest(), |message, signature| key.verifies(message, signature), &trusted)
    }

    fn ask(approvers: u32) -> Verdict {
        Verdict::Ask { approvers, hours: 24, passkey: false }
    }

    #[test]
    fn d_04_a_verdict_to_run_needs_no_approval_and_a_refusal_permits_nothing() {
        check(judgment(Verdict::Run), vec![]).unwrap();
        assert_eq!(check(judgment(Verdict::Refuse), vec![decision(10)]), Err(ConsentError::Refused));
    }

    #[test]
    fn d_04_approvals_count_per_person_and_never_by_the_requester() {
        check(judgment(ask(2)), vec![decision(10), decision(11)]).unwrap();
        assert_eq!(check(judgment(ask(2)), vec![decision(10)]), Err(ConsentError::TooFewApprovals));
        assert_eq!(check(judgment(ask(2)), vec![decision(10), decision(10)]), Err(ConsentError::DecidedTwice));
        assert_eq!(check(judgment(ask(1)), vec![decision(3)]), Err(ConsentError::OwnRequest));
        let denial = Decision { answer: Answer::Deny, ..decision(10) };
        assert_eq!(check(judgment(ask(1)), vec![denial]), Err(ConsentError::Denied));
    }

    #[test]
    fn d_04_a_requester_counts_once_and_only_with_the_signed_setting() {
        let own = |approvers| Judgment { self_approval: true, ..judgment(ask(approvers)) };
        check(own(1), vec![decision(3)]).unwrap();
        check(own(2), vec![decision(3), decision(10)]).unwrap();
        assert_eq!(check(own(2), vec![decision(3)]), Err(ConsentError::TooFewApprovals));
        assert_eq!(check(own(2), vec![decision(3), decision(3)]), Err(ConsentError::DecidedTwice));
        assert_eq!(check(judgment(ask(2)), vec![decision(3), decision(10)]), Err(ConsentError::OwnRequest));
    }

    #[test]
    fn d_04_the_responsible_person_and_the_key_creator_count_like_the_requester() {
        let person = Some(PersonId(Uuid::from_u128(10)));
        for behind in
            [Judgment { responsible: person, ..judgment(ask(1)) }, Judgment { key_creator: person, ..judgment(ask(1)) }]
        {
            assert_eq!(check(behind.clone(), vec![decision(10)]), Err(ConsentError::OwnRequest));
            check(behind.clone(), vec![decision(11)]).unwrap();
            check(Judgment { self_approval: true, ..behind }, vec![decision(10)]).unwrap();
        }
    }

    #[test]
    fn d_04_statements_about_something_else_permit_nothing() {
        let other = TenantId(Uuid::from_u128(9));
        let elsewhere = Subject::Task(TaskId(Uuid::from_u128(9)));
        let another = RequestDigest::of(b"{}");
        for judgment in [
            Judgment { tenant: other, ..judgment(Verdict::Run) },
            Judgment { subject: elsewhere, ..judgment(Verdict::Run) },
            Judgment { request: another, ..judgment(Verdict::Run) },
        ] {
            assert_eq!(check(judgment, vec![]), Err(ConsentError::JudgmentOfAnother));
        }
        for decision in [
            Decision { tenant: other, ..decision(10) },
            Decision { subject: elsewhere, ..decision(10) },
            Decision { request: another, ..decision(10) },
        ] {
            assert_eq!(check(judgment(ask(1)), vec![decision]), Err(ConsentError::DecisionOnAnother));
        }
    }

    /// Changes every statement after it was signed, and signs with another key.
    #[test]
    fn d_04_a_changed_statement_or_another_key_permits_nothing() {
        let key = TestKey(1);
        let decisions = vec![Signed::new(decision(10), &key)];
        let good = Consent { judgment: Signed::new(judgment(ask(1)), &key), decisions, passkeys: vec![] };
        let check = |consent: &Consent, key: TestKey| {
            let (verifies, trusted) = (
                |message: &[u8], signature: &[u8]| key.verifies(message, signature),
                TrustedPasskeys::new(vec![], &NoKeys),
            );
            consent.check(SUBJECT, &request(), digest(), verifies, &trusted)
        };
        check(&good, TestKey(1)).unwrap();
        assert_eq!(check(&good, TestKey(2)), Err(ConsentError::JudgmentUnsigned));
        let judgments: [fn(&mut Judgment); 8] = [
            |judgment| judgment.verdict = Verdict::Run,
            |judgment| judgment.record = InputDigest::of(b"other"),
            |judgment| judgment.rule.push('x'),
            |judgment| judgment.rules_version += 1,
            |judgment| judgment.responsible = Some(REQUESTER),
            |judgment| judgment.key_creator = Some(REQUESTER),
            |judgment| judgment.self_approval = true,
            |judgment| judgment.at.0 += 1,
        ];
        for change in judgments {
            let mut changed = good.clone();
            change(&mut changed.judgment.statement);
            assert_eq!(check(&changed, TestKey(1)), Err(ConsentError::JudgmentUnsigned));
        }
        let decisions: [fn(&mut Decision); 6] = [
            |decision| decision.approver = PersonId(Uuid::from_u128(12)),
            |decision| decision.approval = ApprovalId(Uuid::from_u128(12)),
            |decision| decision.reason = InputDigest::of(b"other"),
            |decision| decision.rules_version += 1,
            |decision| decision.at.0 += 1,
            |decision| decision.assertion = Some(assertion()),
        ];
        for change in decisions {
            let mut changed = good.clone();
            change(&mut changed.decisions[0].statement);
            assert_eq!(check(&changed, TestKey(1)), Err(ConsentError::DecisionUnsigned));
        }
    }

    #[test]
    fn a_consent_is_read_from_its_own_json_only() {
        let key = TestKey(1);
        let consent =
            Consent { judgment: Signed::new(judgment(Verdict::Run), &key), decisions: vec![], passkeys: vec![] };
        let mut json = serde_json::to_value(&consent).unwrap();
        assert_eq!(serde_json::from_value::<Consent>(json.clone()).unwrap(), consent);
        json["judgment"]["statement"]["extra"] = true.into();
        assert!(serde_json::from_value::<Consent>(json).is_err());
    }
}
