//! The stored row of a task, from which the signed judgment is made again.
use crate::{Error, Result, db::column::row_type, tasks::LabelSets};
use domain::{
    KeyId, OrganizationId, PersonId, TaskId, TenantId, Timestamp,
    consent::{Judgment, Subject},
    label::Labels,
    network::NetworkPolicy,
    request::{InputDigest, Request, RequestDigest},
    rule::Verdict,
    task::{Priority, Submission, TaskState, Tool},
    visibility::Visibility,
};
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use uuid::Uuid;

row_type! {
    /// A task's row.
    pub struct TaskRecord {
        pub id: TaskId,
        pub state: TaskState,
        pub attempt: u32,
        pub organization_id: OrganizationId,
        pub owner_id: PersonId,
        pub key_id: Option<KeyId>,
        pub title: String,
        pub tool: Tool,
        pub visibility: Visibility,
        pub network: NetworkPolicy,
        pub priority: Priority,
        pub required_approval: bool,
        pub rule: String,
        pub rules_version: i64,
        /// The responsible person at submission, if the owner is a service account.
        pub responsible_id: Option<PersonId>,
        /// The creator of the key.
        pub key_creator_id: Option<PersonId>,
        /// Whether the tenant let approvers decide their own requests at submission.
        pub self_approval: bool,
        pub judgment_signature: Vec<u8>,
        pub script: String,
        pub request: String,
        pub request_digest: RequestDigest,
        pub idempotency_key: Option<String>,
        pub submission_digest: Vec<u8>,
        pub created_at: Timestamp,
        pub queued_at: Option<Timestamp>,
        pub lease_until: Option<Timestamp>,
        /// Whether it has no result.
        pub is_open: bool,
        /// Whether its owner may still submit tasks to its organization.
        pub owner_may_submit: bool,
    }
}

/// A task's row of which a value may be unreadable: such a row must not stop the others.
#[derive(Debug)]
pub struct StoredTask<T = TaskRecord> {
    pub id: TaskId,
    /// `None` if a value cannot be read.
    pub record: Option<T>,
}

impl<'r, R: Row, T> FromRow<'r, R> for StoredTask<T>
where
    T: FromRow<'r, R>,
    Uuid: Decode<'r, R::Database> + Type<R::Database>,
    &'static str: ColumnIndex<R>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self { id: TaskId(row.try_get("id")?), record: T::from_row(row).ok() })
    }
}

/// The columns of [`TaskRecord`], from the table `task` without an alias.
macro_rules! record_columns {
    () => {
        concat!(
            "id, state, attempt, organization_id, owner_id, key_id, title, tool, visibility, network, priority, required_approval, rule, rules_version,
            responsible_id, key_creator_id, self_approval, judgment_signature, script, request, request_digest, idempotency_key, submission_digest, created_at, queued_at,
            lease_until, (ending is null and receipt is null and receipt_signature is null and ended_at is null) as is_open, ",
            $crate::tasks::owner_may_submit!(),
            " as owner_may_submit"
        )
    };
}
pub(crate) use record_columns;

impl TaskRecord {
    /// Returns the request and the submission that this row was made of. The error says what contradicts itself.
    pub(crate) fn submission(&self, labels: &LabelSets) -> Result<(Request, Submission), &'static str> {
        let request = Request::read(self.request.as_bytes()).map_err(|_| "the request cannot be read")?;
        let (organization, requester, key) = (request.organization, request.requester, request.key);
        let of_row = RequestDigest::of(self.request.as_bytes()) == self.request_digest
            && (organization, requester, key) == (self.organization_id, self.owner_id, self.key_id)
            && (request.tool, request.network.policy) == (self.tool, self.network)
            && (request.script_sha256, request.script_bytes)
                == (InputDigest::of(self.script.as_bytes()), self.script.len());
        if !of_row {
            return Err("the request is not that of the task");
        }
        let submission = Submission {
            organization,
            tool: self.tool,
            script: self.script.clone(),
            title: self.title.clone(),
            has_title: true,
            visibility: self.visibility,
            network: request.network.clone(),
            limits: request.limits,
            labels: Labels::try_from(labels.get(&self.id).cloned().unwrap_or_default())
                .map_err(|_| "a label cannot be read")?,
            priority: self.priority,
            purpose: request.purpose.clone(),
            ticket: request.ticket.clone(),
            rerun_of: request.rerun_of,
        };
        if submission_digest(&submission).map_err(|_| "the submission cannot be read")?.0 != *self.submission_digest {
            return Err("the submission is not that of the task");
        }
        Ok((request, submission))
    }

    /// Returns the judgment of this row with the digest of [`record_digest`](Self::record_digest). Its time is that of the submission.
    pub(crate) fn judgment(&self, tenant: TenantId, record: InputDigest, verdict: Verdict) -> Judgment {
        Judgment {
            tenant,
            subject: Subject::Task(self.id),
            request: self.request_digest,
            record,
            rules_version: self.rules_version,
            rule: self.rule.clone(),
            verdict,
            responsible: self.responsible_id,
            key_creator: self.key_creator_id,
            self_approval: self.self_approval,
            at: self.created_at,
        }
    }

    /// Returns [`record_digest`] of this row.
    pub(crate) fn record_digest(&self, submission: &Submission) -> Result<InputDigest> {
        Ok(record_digest(submission_digest(submission)?, self.idempotency_key.as_deref()))
    }
}

/// Returns the digest by which a repeated submission is recognized.
pub(crate) fn submission_digest(submission: &Submission) -> Result<InputDigest> {
    let content = serde_json::to_vec(submission).map_err(|_| Error::Corrupt("submission"))?;
    Ok(InputDigest::of(&content))
}

/// Returns the digest of everything that a submission stores beyond its request.
pub(crate) fn record_digest(submission: InputDigest, idempotency_key: Option<&str>) -> InputDigest {
    let key = idempotency_key.map_or(InputDigest([0; 32]), |key| InputDigest::of(key.as_bytes()));
    InputDigest::of(&[submission.0, key.0].concat())
}
