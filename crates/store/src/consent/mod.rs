//! Consent to tasks: signs judgments and decisions, and judges again when a runner claims a task (D-04).
//!
//! A task starts only if its row, its approval request and the decisions are what was signed, its history in the audit log ends in the
//! queue, the approvers still have their role, its requester may still submit, and the rules of this moment do not demand more.

mod history;
mod recheck;
mod record;
mod sign_again;
mod verify;

pub(crate) use record::{StoredTask, TaskRecord, record_columns, record_digest, submission_digest};
pub use verify::{UnexplainedStart, VerifiedStarts};

use crate::{
    Conflict, Error, Result, Topic, Write,
    approvals::conditions,
    db::{column::row_type, conn::tenant_query},
    passkeys::PublicKeyRow,
    rules::VersionedRules,
    tasks::{LabelSets, label_sets},
};
use cose::CoseKeys;
use domain::{
    ApprovalId, OrganizationId, PersonId, TaskId, TenantId, Timestamp,
    approval::{Answer, ApprovalState},
    audit::{Entry, Outcome},
    consent::{Consent, Decision, Judgment, Signature, Signed, Statement, Subject},
    passkey::{Assertion, TrustedPasskeys},
    receipt::End,
    request::{InputDigest, Request, RequestDigest},
    rule::{Facts, Verdict},
    task::{Submission, TaskState},
};
use history::History;
use serde_json::json;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

/// Rejection reason for a row with an undecodable value.
pub(crate) const UNREADABLE: &str = "a stored value cannot be read";

row_type! {
    /// The approval request of a task, as far as it is signed.
    pub struct ApprovalRecord {
        pub id: ApprovalId,
        pub organization_id: OrganizationId,
        pub requester_id: PersonId,
        pub request_digest: RequestDigest,
        pub rule: String,
        pub needed: u32,
        pub requires_passkey: bool,
        pub state: ApprovalState,
        pub created_at: Timestamp,
        pub expires_at: Timestamp,
        pub settled_at: Option<Timestamp>,
    }
}

row_type! {
    /// A stored decision.
    pub struct DecisionRecord {
        pub person_id: PersonId,
        pub answer: Answer,
        pub reason: String,
        pub created_at: Timestamp,
        pub rules_version: i64,
        pub assertion: Option<String>,
        pub credential_id: Option<Vec<u8>>,
        pub signature: Vec<u8>,
        /// Whether it counts, apart from its passkey.
        pub counts: bool,
    }
}

/// A task whose row and approval request are what was signed.
pub(crate) struct Judged {
    pub request: Request,
    pub submission: Submission,
    pub judgment: Signed<Judgment>,
    pub approval: Option<ApprovalRecord>,
}

/// The keys whose signatures count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// The present key, for whatever starts or is decided.
    Current,
    /// Also the keys that it replaced, for what happened.
    WithRetired,
}

/// The approvals of a request that count now.
#[derive(Default)]
pub(crate) struct CountingApprovals {
    approvals: Vec<CountingApproval>,
    /// The passkeys of the people who decided, if one of them used a passkey.
    passkeys: Vec<PublicKeyRow>,
}

struct CountingApproval {
    decision: Signed<Decision>,
    /// Whether a passkey that the approver has now confirms it.
    has_valid_passkey: bool,
}

impl CountingApprovals {
    /// Returns those that count if each must be confirmed with a passkey, or if that is not demanded.
    pub(crate) fn demanded(&self, passkey: bool) -> Vec<&Signed<Decision>> {
        let counting = self.approvals.iter().filter(|approval| approval.has_valid_passkey || !passkey);
        counting.map(|approval| &approval.decision).collect()
    }
}

/// What the rules demand before a task may start.
struct Demand {
    approvers: u32,
    hours: u32,
    passkey: bool,
    rule: String,
}

impl Demand {
    fn of(verdict: Verdict, rule: &str) -> Option<Self> {
        match verdict {
            Verdict::Ask { approvers, hours, passkey } => {
                Some(Self { approvers, hours, passkey, rule: rule.to_owned() })
            }
            Verdict::Run | Verdict::Refuse => None,
        }
    }

    fn is_stricter_than(&self, other: &Self) -> bool {
        self.approvers > other.approvers || (self.passkey && !other.passkey)
    }
}

/// What a claim finds.
pub(crate) enum Ruling {
    /// The task may start.
    Start(Box<Consent>),
    /// Approvals are missing or no longer count.
    Ask { approvers: u32, hours: u32, passkey: bool, rule: String, because: &'static str },
    /// The rules refuse the request now.
    Refuse { rule: String },
    /// Rows differ from what was signed or recorded.
    Reject(&'static str),
    /// The requester may no longer submit tasks.
    Cancel,
}

impl Write {
    pub(crate) fn sign_judgment(&self, judgment: Judgment) -> Signed<Judgment> {
        Signed::new(judgment, self.store.signer())
    }

    /// Signs a decision of the acting person.
    pub(crate) fn sign_decision(
        &self,
        judged: &Judged,
        approval: ApprovalId,
        approver: PersonId,
        answer: Answer,
        reason: &str,
        assertion: Option<Assertion>,
    ) -> Signed<Decision> {
        let Judgment { subject, request, rules_version, .. } = judged.judgment.statement;
        let decision = Decision {
            tenant: self.tenant,
            subject,
            approval,
            request,
            approver,
            answer,
            reason: InputDigest::of(reason.as_bytes()),
            rules_version,
            at: self.now,
            assertion,
        };
        Signed::new(decision, self.store.signer())
    }

    /// Returns a task that waits for approval if its rows are what was signed.
    pub(crate) async fn judged_task(&mut self, task: TaskId) -> Result<Judged> {
        const SQL: &str = concat!("select ", record_columns!(), " from task where tenant_id = $1 and id = $2");
        let record = tenant_query!(self, TaskRecord, fetch_one, SQL, task)?;
        let labels = self.labels(&[task]).await?;
        let approval = self.approval_record(task).await?;
        self.judged(&record, &labels, approval, Keys::Current).map_err(|_| Error::Conflict(Conflict::NotAsSigned))
    }

    /// Returns the approvals of a request that count now and are as they were signed.
    pub(crate) async fn counting_approvals(
        &mut self,
        judged: &Judged,
    ) -> Result<Result<CountingApprovals, &'static str>> {
        let Some(approval) = &judged.approval else { return Ok(Ok(CountingApprovals::default())) };
        let rows = self.decision_records(approval.id).await?;
        let passkeys = match rows.iter().any(|row| row.assertion.is_some()) {
            true => self.passkeys_of_deciders(approval.id).await?,
            false => vec![],
        };
        let trusted = trusted(self.tenant, &passkeys);
        let mut approvals = vec![];
        for row in rows {
            let signed = row.signed(judged, approval.id);
            let is_signed = signed.as_ref().is_some_and(|signed| self.verifies(signed, Keys::Current));
            let (Some(decision), true) = (signed, is_signed) else {
                return Ok(Err("a decision is not as it was signed"));
            };
            if row.counts {
                let has_valid_passkey = decision.statement.verify_passkey(&trusted).is_ok();
                approvals.push(CountingApproval { decision, has_valid_passkey });
            }
        }
        Ok(Ok(CountingApprovals { approvals, passkeys }))
    }

    /// Judges claimed tasks again.
    pub(crate) async fn judge_claimed(&mut self, claimed: Vec<TaskRecord>) -> Result<Vec<(TaskRecord, Ruling)>> {
        if claimed.is_empty() {
            return Ok(vec![]);
        }
        let rules = self.rules().await?;
        let ids: Vec<_> = claimed.iter().map(|record| record.id).collect();
        let labels = readable(self.labels(&ids).await)?;
        let mut rulings = vec![];
        for record in claimed {
            // A label that cannot be read is found with the task that has it.
            let ruling = match &labels {
                Some(labels) => self.judge(&record, labels, &rules).await,
                None => match self.labels(&[record.id]).await {
                    Ok(labels) => self.judge(&record, &labels, &rules).await,
                    Err(error) => Err(error),
                },
            };
            rulings.push((record, readable(ruling)?.unwrap_or(Ruling::Reject(UNREADABLE))));
        }
        Ok(rulings)
    }

    async fn judge(&mut self, record: &TaskRecord, labels: &LabelSets, rules: &VersionedRules) -> Result<Ruling> {
        let approval = self.approval_record(record.id).await?;
        let judged = match self.judged(record, labels, approval, Keys::Current) {
            Ok(judged) => judged,
            Err(because) => return Ok(Ruling::Reject(because)),
        };
        let history = match self.recorded_history(record.id).await? {
            Some(history) if history.is_queued(record) => history,
            _ => return Ok(Ruling::Reject("the audit log does not have it in the queue")),
        };
        if !record.owner_may_submit {
            return Ok(Ruling::Cancel);
        }
        let approvals = match self.counting_approvals(&judged).await? {
            Ok(approvals) => approvals,
            Err(because) => return Ok(Ruling::Reject(because)),
        };
        if let Some(because) = judged.approval.as_ref().and_then(|approval| wrong_end(approval, &history)) {
            return Ok(Ruling::Reject(because));
        }
        // The hour of the submission counts, not that of the claim.
        let facts = Facts::of(&judged.submission, record.owner_id, record.created_at);
        let (now, now_rule) = rules.rules.judge(&facts);
        let Judgment { verdict: given, rule: given_rule, .. } = &judged.judgment.statement;
        if now == Verdict::Refuse {
            return Ok(Ruling::Refuse { rule: now_rule.to_owned() });
        }
        // The larger number of approvals and a passkey count, whichever demands them; with equal demands, what was signed.
        let (before, after) = (Demand::of(*given, given_rule), Demand::of(now, now_rule));
        let is_stricter = match (&before, &after) {
            (Some(before), Some(after)) => after.is_stricter_than(before),
            (None, Some(_)) => true,
            _ => false,
        };
        let demands = || before.iter().chain(&after);
        let needed = demands().map(|demand| demand.approvers).max().unwrap_or(0);
        let passkey = demands().any(|demand| demand.passkey);
        let demanded = approvals.demanded(passkey);
        if demanded.len() < usize::try_from(needed).unwrap_or(usize::MAX)
            && let Some(Demand { hours, rule, .. }) = if is_stricter { after } else { before }
        {
            let because = if is_stricter { "the_rules_changed" } else { "an_approval_no_longer_counts" };
            return Ok(Ruling::Ask { approvers: needed, hours, passkey, rule, because });
        }
        let decisions: Vec<_> = demanded.into_iter().cloned().collect();
        let has_assertion = decisions.iter().any(|decision| decision.statement.assertion.is_some());
        let passkeys = approvals.passkeys.iter().filter(|_| has_assertion);
        let passkeys = passkeys.filter_map(|row| row.signed_addition(self.tenant)).collect();
        let trusted = trusted(self.tenant, &approvals.passkeys);
        let consent = Consent { judgment: judged.judgment, decisions, passkeys };
        let verifies = |message: &[u8], signature: &[u8]| self.store.signer().verifies(message, signature);
        match consent.check(Subject::Task(record.id), &judged.request, record.request_digest, verifies, &trusted) {
            Ok(()) => Ok(Ruling::Start(Box::new(consent))),
            Err(_) => Ok(Ruling::Reject("the consent does not permit it")),
        }
    }

    /// Takes a claimed task back and returns the audit event: it waits for approval again, is denied, fails, or is cancelled.
    /// Returns `None` if it returned to the queue, because another transaction holds its approval request.
    pub(crate) async fn take_back(&mut self, record: &TaskRecord, ruling: Ruling) -> Result<Option<Entry>> {
        let task = record.id;
        self.undo_attempt(task).await?;
        let entry = match ruling {
            Ruling::Cancel => self.cancel_ownerless(task).await,
            Ruling::Reject(because) => self.reject(task, TaskState::Assigned, because).await,
            Ruling::Refuse { rule } => {
                self.change_state(task, TaskState::Assigned, TaskState::Denied, None).await?;
                self.state_change_event(task, "task.deny", json!({ "rule": rule, "because": "the_rules_changed" }))
            }
            Ruling::Ask { .. } if !self.lock_approval_of_claimed(record).await? => {
                self.queue_again(task).await?;
                return Ok(None);
            }
            Ruling::Ask { approvers, hours, passkey, rule, because } => {
                self.ask_again(record, approvers, hours, passkey, &rule).await?;
                let detail =
                    json!({ "rule": rule, "needed": approvers, "requires_passkey": passkey, "because": because });
                self.state_change_event(task, "approval.reopen", detail)
            }
            Ruling::Start(_) => Err(Error::Corrupt("a task that may start is not taken back")),
        };
        entry.map(Some)
    }

    /// Fails a claimed task of which a value cannot be read, and returns the audit event.
    pub(crate) async fn reject_unreadable_claim(&mut self, task: TaskId) -> Result<Entry> {
        self.undo_attempt(task).await?;
        self.reject(task, TaskState::Assigned, UNREADABLE).await
    }

    /// Takes back what a claim has set, apart from the state.
    async fn undo_attempt(&mut self, task: TaskId) -> Result<()> {
        const SQL: &str = "update task set attempt = attempt - 1, runner_id = null, lease_until = null
             where tenant_id = $1 and id = $2";
        tenant_query!(self, execute, SQL, task)?;
        Ok(())
    }

    /// Returns a claimed task, whose attempt was undone, to the queue.
    async fn queue_again(&mut self, task: TaskId) -> Result<()> {
        const SQL: &str = "update task set state = 'queued' where tenant_id = $1 and id = $2";
        tenant_query!(self, execute, SQL, task)?;
        self.publish(Topic::Tasks, task.0);
        Ok(())
    }

    /// Fails a task that is not what was signed, and returns the audit event.
    pub(crate) async fn reject(&mut self, task: TaskId, from: TaskState, because: &str) -> Result<Entry> {
        let end = End::NotStarted(format!("It was changed outside Castellan: {because}"));
        self.change_state(task, from, TaskState::Failed, Some(&end)).await?;
        self.event("task.reject", ("task", task.to_string()), Outcome::Refused, json!({ "because": because }))
    }

    /// Returns a claimed task to the approval queue under a new judgment.
    async fn ask_again(
        &mut self,
        record: &TaskRecord,
        approvers: u32,
        hours: u32,
        passkey: bool,
        rule: &str,
    ) -> Result<()> {
        let (version, labels) = (self.rules().await?.version, self.labels(&[record.id]).await?);
        let digest = record.record_digest(&record.submission(&labels).map_err(Error::Corrupt)?.1)?;
        let verdict = Verdict::Ask { approvers, hours, passkey };
        let judgment = Judgment {
            rules_version: version,
            rule: rule.to_owned(),
            at: self.now,
            ..record.judgment(self.tenant, digest, verdict)
        };
        let signed = self.sign_judgment(judgment);
        self.change_state(record.id, TaskState::Assigned, TaskState::AwaitingApproval, None).await?;
        tenant_query!(
            self,
            execute,
            "update task set required_approval = true, rule = $3, rules_version = $4, judgment_signature = $5
             where tenant_id = $1 and id = $2",
            record.id,
            rule.to_owned(),
            version,
            signed.signature.0.to_vec()
        )?;
        self.open_approval(
            record.id,
            record.organization_id,
            record.owner_id,
            record.request_digest,
            rule,
            approvers,
            hours,
            passkey,
        )
        .await
    }

    /// Compares a task's row and its approval request with their signed judgment. The error says what differs.
    fn judged(
        &self,
        record: &TaskRecord,
        labels: &LabelSets,
        approval: Option<ApprovalRecord>,
        keys: Keys,
    ) -> Result<Judged, &'static str> {
        let (request, submission) = record.submission(labels)?;
        if (request.tenant, record.required_approval) != (self.tenant, approval.is_some()) {
            return Err("the task is not as it was judged");
        }
        let (verdict, at) = match &approval {
            None => (Verdict::Run, record.created_at),
            Some(approval) => (approval.verdict(record)?, approval.created_at),
        };
        let digest = record.record_digest(&submission).map_err(|_| "the submission cannot be read")?;
        let judgment = Judgment { at, ..record.judgment(self.tenant, digest, verdict) };
        let signature = signature(&record.judgment_signature).ok_or("the task is not as it was judged")?;
        let judgment = Signed { statement: judgment, signature };
        match self.verifies(&judgment, keys) {
            true => Ok(Judged { request, submission, judgment, approval }),
            false => Err("the task is not as it was judged"),
        }
    }

    fn verifies<T: Statement>(&self, signed: &Signed<T>, keys: Keys) -> bool {
        let (signer, bytes) = (self.store.signer(), signed.statement.signed_bytes());
        signer.verifies(&bytes, &signed.signature.0)
            || keys == Keys::WithRetired && signer.verifies_retired(&bytes, &signed.signature.0)
    }

    pub(crate) async fn labels(&mut self, tasks: &[TaskId]) -> Result<LabelSets> {
        label_sets(&mut self.conn, self.tenant, tasks.iter().copied()).await
    }

    async fn approval_record(&mut self, task: TaskId) -> Result<Option<ApprovalRecord>> {
        tenant_query!(
            self,
            ApprovalRecord,
            fetch_optional,
            "select id, organization_id, requester_id, request_digest, rule, needed, requires_passkey, state, created_at, expires_at,
                settled_at from approval where tenant_id = $1 and task_id = $2",
            task
        )
    }

    async fn decision_records(&mut self, approval: ApprovalId) -> Result<Vec<DecisionRecord>> {
        tenant_query!(
            self,
            DecisionRecord,
            fetch_all,
            concat!(
                "select d.person_id, d.answer, d.reason, d.created_at, d.rules_version, d.assertion, d.credential_id, d.signature, ",
                conditions::counts_without_passkey!(),
                " as counts from decision d
                 join approval a on a.tenant_id = d.tenant_id and a.id = d.approval_id
                 join task t on t.tenant_id = a.tenant_id and t.id = a.task_id
                 join person p on p.tenant_id = a.tenant_id and p.id = a.requester_id
                 where d.tenant_id = $1 and d.approval_id = $2 order by d.created_at, d.person_id limit 100"
            ),
            approval
        )
    }
}

impl ApprovalRecord {
    /// Returns the verdict that required this request, or what differs from the task.
    fn verdict(&self, record: &TaskRecord) -> Result<Verdict, &'static str> {
        let of_task = (self.organization_id, self.requester_id, self.request_digest, self.rule.as_str())
            == (record.organization_id, record.owner_id, record.request_digest, record.rule.as_str());
        let hours = u128::try_from(self.expires_at.0.saturating_sub(self.created_at.0)).unwrap_or(0) / HOUR.as_micros();
        let hours = u32::try_from(hours).unwrap_or(0);
        match of_task && self.created_at.after(HOUR * hours) == self.expires_at {
            true => Ok(Verdict::Ask { approvers: self.needed, hours, passkey: self.requires_passkey }),
            false => Err("the approval request is not that of the task"),
        }
    }
}

const NOT_APPROVED: &str = "the approval request is not approved";

/// Returns what is wrong with the end of an approval request whose task is in the queue or started.
fn wrong_end(approval: &ApprovalRecord, history: &History) -> Option<&'static str> {
    let ended = approval.state == ApprovalState::Approved && approval.settled_at == history.approved_at;
    (!ended).then_some(NOT_APPROVED)
}

impl DecisionRecord {
    fn signed(&self, judged: &Judged, approval: ApprovalId) -> Option<Signed<Decision>> {
        let Judgment { tenant, subject, request, .. } = judged.judgment.statement;
        let assertion: Option<Assertion> = self.assertion.as_ref().map(|text| text.parse()).transpose().ok()?;
        if assertion.as_ref().map(|assertion| &assertion.credential_id.0) != self.credential_id.as_ref() {
            return None;
        }
        let statement = Decision {
            tenant,
            subject,
            approval,
            request,
            approver: self.person_id,
            answer: self.answer,
            reason: InputDigest::of(self.reason.as_bytes()),
            rules_version: self.rules_version,
            at: self.created_at,
            assertion,
        };
        Some(Signed { statement, signature: signature(&self.signature)? })
    }
}

/// Returns these passkeys as those that confirm decisions.
fn trusted(tenant: TenantId, passkeys: &[PublicKeyRow]) -> TrustedPasskeys<'static> {
    TrustedPasskeys::new(passkeys.iter().map(|row| row.passkey(tenant)).collect(), &CoseKeys)
}

/// Returns `None` if a stored value cannot be read.
fn readable<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Err(Error::Corrupt(_) | Error::Database(sqlx::Error::ColumnDecode { .. })) => Ok(None),
        result => result.map(Some),
    }
}

fn signature(bytes: &[u8]) -> Option<Signature> {
    bytes.try_into().ok().map(Signature)
}
