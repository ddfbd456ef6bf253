//! Consent to tasks: signs judgments and decisions, and judges again when a runner claims a task (D-04).
//!
//! A task starts only if its row, its approval request and the decisions are what was signed, its history in the audit log ends in the
//! queue, the approvers still have their role, its requester may still submit, and the rules of this moment do not demand more.

mod history;
mod recheck;
mod record;
mod sign_again;
mod verify;

pub(crate) use record::{LabelSets, StoredTask, TaskRecord, record_columns, record_digest, submission_digest};
pub use verify::{UnexplainedStart, VerifiedStarts};

use crate::{
    Conflict, Error, Result, Write,
    approvals::ExcludedPeople,
    db::{
        column::row_type,
        conn::tenant_query,
        filter::{Arg, Statement as Sql},
    },
    rules::VersionedRules,
};
use cose::CoseKeys;
use domain::{
    ApprovalId, OrganizationId, PersonId, TaskId, Timestamp,
    approval::{Answer, ApprovalState},
    audit::{Entry, Outcome},
    consent::{Consent, Decision, Judgment, Signature, Signed, Statement, Subject},
    passkey::{Assertion, TrustedPasskeys},
    receipt::End,
    request::{InputDigest, Request, RequestDigest},
    rule::Verdict,
    task::{Submission, TaskState},
};
use history::History;
use serde_json::json;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

/// Why a task is rejected of which a stored value has another form than any that Castellan writes.
pub(crate) const UNREADABLE: &str = "a stored value cannot be read";

/// Takes back what a claim has set.
const TAKE_BACK: &str = "update task set attempt = attempt - 1, runner_id = null where tenant_id = $1 and id = $2";

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
        pub signature: Vec<u8>,
        /// Whether this person still is an approver of the organization and not locked.
        pub is_approver: bool,
        /// Whether it was made while this person did not decide requests of the requester.
        pub in_hold: bool,
    }
}

row_type! {
    pub struct LabelRow {
        pub task_id: TaskId,
        pub key: String,
        pub value: String,
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
pub(crate) struct CountingApprovals(Vec<CountingApproval>);

struct CountingApproval {
    decision: Signed<Decision>,
    /// Whether a passkey that the approver has now confirms it.
    has_valid_passkey: bool,
}

impl CountingApprovals {
    /// Returns those that count if each must be confirmed with a passkey, or if that is not demanded.
    pub(crate) fn demanded(self, passkey: bool) -> Vec<Signed<Decision>> {
        let counting = self.0.into_iter().filter(|approval| approval.has_valid_passkey || !passkey);
        counting.map(|approval| approval.decision).collect()
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
    fn of(verdict: &Verdict, rule: &str) -> Option<Self> {
        match *verdict {
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
    /// Signs the rules' verdict on a request.
    pub(crate) fn sign_judgment(
        &self,
        task: TaskId,
        request: RequestDigest,
        record: InputDigest,
        rules_version: i64,
        rule: &str,
        verdict: &Verdict,
        self_approval: bool,
    ) -> Signed<Judgment> {
        let judgment = Judgment {
            tenant: self.tenant,
            subject: Subject::Task(task),
            request,
            record,
            rules_version,
            rule: rule.to_owned(),
            verdict: verdict.clone(),
            self_approval,
            at: self.now,
        };
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

    /// Returns whether decisions on own requests count: the setting held at submission, which is signed, and still holds.
    pub(crate) async fn counts_own_decisions(&mut self, judged: Option<&Judged>) -> Result<bool> {
        let held = judged.is_some_and(|judged| judged.judgment.statement.self_approval);
        Ok(held && self.approval_policy().await?.self_approval)
    }

    /// Returns the approvals of a request that count now: signed, not made in a hold, and by people who still are approvers and, unless
    /// the tenant allows it, not behind the request.
    pub(crate) async fn counting_approvals(
        &mut self,
        task: TaskId,
        judged: &Judged,
    ) -> Result<Result<CountingApprovals, &'static str>> {
        let Some(approval) = &judged.approval else { return Ok(Ok(CountingApprovals(vec![]))) };
        let behind = self.people_behind(task).await?;
        let own_counts = self.counts_own_decisions(Some(judged)).await?;
        let rows = self.decision_records(approval, &behind).await?;
        let passkeys = match rows.iter().any(|row| row.assertion.is_some()) {
            true => self.passkeys_of_deciders(approval.id).await?,
            false => vec![],
        };
        let trusted = TrustedPasskeys::new(passkeys.iter().map(|row| row.passkey(self.tenant)).collect(), &CoseKeys);
        let mut counting = vec![];
        for row in rows {
            let signed = row.signed(judged, approval.id);
            let is_signed = signed.as_ref().is_some_and(|signed| self.verifies(signed, Keys::Current));
            let (Some(signed), true) = (signed, is_signed) else {
                return Ok(Err("a decision is not as it was signed"));
            };
            let is_own = behind.includes(approval.requester_id, row.person_id);
            if row.answer == Answer::Approve && row.is_approver && !row.in_hold && (own_counts || !is_own) {
                let has_valid_passkey = signed.statement.verify_passkey(&trusted).is_ok();
                counting.push(CountingApproval { decision: signed, has_valid_passkey });
            }
        }
        Ok(Ok(CountingApprovals(counting)))
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
        let approvals = match self.counting_approvals(record.id, &judged).await? {
            Ok(approvals) => approvals,
            Err(because) => return Ok(Ruling::Reject(because)),
        };
        if let Some(because) = judged.approval.as_ref().and_then(|approval| wrong_end(approval, &history)) {
            return Ok(Ruling::Reject(because));
        }
        let (now, now_rule) = rules.rules.judge(&judged.submission);
        let Judgment { verdict: given, rule: given_rule, .. } = &judged.judgment.statement;
        if *now == Verdict::Refuse {
            return Ok(Ruling::Refuse { rule: now_rule.to_owned() });
        }
        // The larger number of approvals and a passkey count, whichever demands them; with equal demands, what was signed.
        let (before, after) = (Demand::of(given, given_rule), Demand::of(now, now_rule));
        let is_stricter = match (&before, &after) {
            (Some(before), Some(after)) => after.is_stricter_than(before),
            (None, Some(_)) => true,
            _ => false,
        };
        let demands = || before.iter().chain(&after);
        let needed = demands().map(|demand| demand.approvers).max().unwrap_or(0);
        let passkey = demands().any(|demand| demand.passkey);
        let approvals = approvals.demanded(passkey);
        if approvals.len() < usize::try_from(needed).unwrap_or(usize::MAX)
            && let Some(Demand { hours, rule, .. }) = if is_stricter { after } else { before }
        {
            let because = if is_stricter { "the_rules_changed" } else { "an_approval_no_longer_counts" };
            return Ok(Ruling::Ask { approvers: needed, hours, passkey, rule, because });
        }
        let passkeys = match &judged.approval {
            Some(approval) if approvals.iter().any(|approval| approval.statement.assertion.is_some()) => {
                self.passkeys_of_deciders(approval.id).await?
            }
            _ => vec![],
        };
        let trusted = TrustedPasskeys::new(passkeys.iter().map(|row| row.passkey(self.tenant)).collect(), &CoseKeys);
        let additions = passkeys.iter().filter_map(|row| row.signed_addition(self.tenant)).collect();
        let consent = Consent { judgment: judged.judgment, decisions: approvals, passkeys: additions };
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
        let entry = match ruling {
            Ruling::Cancel => self.cancel_ownerless(task).await,
            Ruling::Reject(because) => self.reject_claimed(task, because).await,
            Ruling::Refuse { rule } => {
                tenant_query!(self, execute, TAKE_BACK, task)?;
                self.change_state(task, TaskState::Assigned, TaskState::Denied, None).await?;
                self.state_change_event(task, "task.deny", json!({ "rule": rule, "because": "the_rules_changed" }))
            }
            Ruling::Ask { .. } if !self.lock_approval_of_claimed(record).await? => {
                self.unclaim(task).await?;
                return Ok(None);
            }
            Ruling::Ask { approvers, hours, passkey, rule, because } => {
                tenant_query!(self, execute, TAKE_BACK, task)?;
                self.ask_again(record, approvers, hours, passkey, &rule).await?;
                let detail =
                    json!({ "rule": rule, "needed": approvers, "requires_passkey": passkey, "because": because });
                self.state_change_event(task, "approval.reopen", detail)
            }
            Ruling::Start(_) => Err(Error::Corrupt("a task that may start is not taken back")),
        };
        entry.map(Some)
    }

    /// Fails a claimed task that is not what was signed, and returns the audit event.
    pub(crate) async fn reject_claimed(&mut self, task: TaskId, because: &str) -> Result<Entry> {
        tenant_query!(self, execute, TAKE_BACK, task)?;
        self.reject(task, TaskState::Assigned, because).await
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
        let own = record.self_approval;
        let signed = self.sign_judgment(record.id, record.request_digest, digest, version, rule, &verdict, own);
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
        let judgment = Judgment {
            tenant: self.tenant,
            subject: Subject::Task(record.id),
            request: record.request_digest,
            record: digest,
            rules_version: record.rules_version,
            rule: record.rule.clone(),
            verdict,
            self_approval: record.self_approval,
            at,
        };
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
        let mut sql = Sql::new(
            "select task_id, key, value from task_label where tenant_id = $1 and task_id in (",
            vec![Arg::Uuid(self.tenant.0)],
        );
        for (number, task) in tasks.iter().enumerate() {
            sql.push(if number == 0 { "?" } else { ", ?" }, Arg::Uuid(task.0));
        }
        sql.push_text(")");
        let mut sets = LabelSets::new();
        for row in sql.fetch::<LabelRow>(&mut self.conn).await? {
            sets.entry(row.task_id).or_default().insert(row.key, row.value);
        }
        Ok(sets)
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

    async fn decision_records(
        &mut self,
        approval: &ApprovalRecord,
        behind: &ExcludedPeople,
    ) -> Result<Vec<DecisionRecord>> {
        tenant_query!(
            self,
            DecisionRecord,
            fetch_all,
            concat!(
                "select d.person_id, d.answer, d.reason, d.created_at, d.rules_version, d.assertion, d.signature,
                    exists (select 1 from membership m join person p on p.tenant_id = m.tenant_id and p.id = m.person_id
                        where m.tenant_id = d.tenant_id and m.organization_id = $3 and m.person_id = d.person_id
                        and p.locked_at is null and ",
                crate::role_sql::is_approver!(),
                ") as is_approver, ",
                crate::holds::decided_in_hold!("$4, $5, $6"),
                " as in_hold
                 from decision d where d.tenant_id = $1 and d.approval_id = $2 order by d.created_at, d.person_id limit 100"
            ),
            approval.id,
            approval.organization_id,
            approval.requester_id,
            behind.responsible_id,
            behind.creator_id
        )
    }

    pub(crate) async fn people_behind(&mut self, task: TaskId) -> Result<ExcludedPeople> {
        tenant_query!(
            self,
            ExcludedPeople,
            fetch_one,
            "select p.responsible_id, k.creator_id from task t join person p on p.tenant_id = t.tenant_id and p.id = t.owner_id
             left join api_key k on k.tenant_id = t.tenant_id and k.id = t.key_id where t.tenant_id = $1 and t.id = $2",
            task
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

/// Returns what is wrong with the end of an approval request whose task is in the queue.
fn wrong_end(approval: &ApprovalRecord, history: &History) -> Option<&'static str> {
    let ended = approval.state == ApprovalState::Approved && approval.settled_at == history.approved_at;
    (!ended).then_some("the approval request is not approved")
}

impl DecisionRecord {
    fn signed(&self, judged: &Judged, approval: ApprovalId) -> Option<Signed<Decision>> {
        let Judgment { tenant, subject, request, .. } = judged.judgment.statement;
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
            assertion: self.assertion.as_ref().map(|text| text.parse()).transpose().ok()?,
        };
        Some(Signed { statement, signature: signature(&self.signature)? })
    }
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
