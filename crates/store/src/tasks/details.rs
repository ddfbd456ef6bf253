//! Task details: the whole row, its progress and its labels.
use super::visible;
use crate::{
    Error, Read, Result,
    db::{column::row_type, conn::tenant_query},
};
use domain::{
    KeyId, OrganizationId, PersonId, RunnerId, TaskId, Timestamp,
    label::Labels,
    log::Line,
    network::NetworkPolicy,
    receipt::{End, Receipt},
    request::{Request, RequestDigest},
    task::{Priority, Submission, TaskState, Tool},
    visibility::{AccessAttributes, Visibility},
};
use std::collections::BTreeMap;

row_type! {
    pub struct Task {
        pub id: TaskId,
        pub title: String,
        pub state: TaskState,
        pub tool: Tool,
        pub visibility: Visibility,
        pub network: NetworkPolicy,
        pub organization_id: OrganizationId,
        pub organization: String,
        pub owner_id: PersonId,
        pub owner: String,
        /// API key of the submission; none if submitted in a browser.
        pub key_id: Option<KeyId>,
        pub priority: Priority,
        /// Whether it required approval.
        pub required_approval: bool,
        /// The rule that allowed it, required approval or denied it.
        pub rule: String,
        pub script: String,
        pub request: String,
        pub request_digest: RequestDigest,
        /// Number of the current attempt; 0 before the first.
        pub attempt: u32,
        pub runner_id: Option<RunnerId>,
        pub runner: Option<String>,
        pub lease_until: Option<Timestamp>,
        pub cancel_requested: bool,
        pub next_line: i64,
        /// Result ([`End`] as JSON).
        pub ending: Option<String>,
        /// The runner's receipt ([`Receipt`] as JSON).
        pub receipt: Option<String>,
        /// The runner's signature of the receipt.
        pub receipt_signature: Option<Vec<u8>>,
        /// The public key of the signature (SubjectPublicKeyInfo).
        pub runner_key: Option<Vec<u8>>,
        pub created_at: Timestamp,
        /// When it was last queued.
        pub queued_at: Option<Timestamp>,
        /// Start of the last attempt.
        pub started_at: Option<Timestamp>,
        pub ended_at: Option<Timestamp>,
        /// When retention deleted its output.
        pub output_deleted_at: Option<Timestamp>,
        /// When retention deleted its result and receipt.
        pub result_deleted_at: Option<Timestamp>,
    }
}

impl Task {
    /// Returns the parsed result.
    pub fn end(&self) -> Option<End> {
        serde_json::from_str(self.ending.as_deref()?).ok()
    }

    /// Returns the parsed receipt of the last attempt.
    pub fn read_receipt(&self) -> Option<Receipt> {
        serde_json::from_str(self.receipt.as_deref()?).ok()
    }

    /// Returns the attributes that decide who can see it.
    pub fn access_attributes(&self) -> AccessAttributes {
        let (owner, organization) = (self.owner_id, self.organization_id);
        AccessAttributes { owner, organization, visibility: self.visibility, required_approval: self.required_approval }
    }

    /// Returns the canonical request.
    pub fn read_request(&self) -> Result<Request> {
        Request::read(self.request.as_bytes()).map_err(|_| Error::Corrupt("request"))
    }
}

row_type! {
    /// The state and position of a task's execution.
    pub struct Progress {
        pub id: TaskId,
        pub state: TaskState,
        pub organization_id: OrganizationId,
        /// Number of the current attempt; 0 before the first.
        pub attempt: u32,
        pub next_line: i64,
        pub ending: Option<String>,
        pub incomplete_lines: String,
        pub output_deleted_at: Option<Timestamp>,
    }
}

impl Progress {
    /// Returns the incomplete last line of each stream; none unless the task is running.
    pub fn read_incomplete_lines(&self) -> Vec<Line> {
        match self.state {
            TaskState::Assigned | TaskState::Running => {
                serde_json::from_str(&self.incomplete_lines).unwrap_or_default()
            }
            _ => vec![],
        }
    }

    /// Returns the parsed result.
    pub fn end(&self) -> Option<End> {
        serde_json::from_str(self.ending.as_deref()?).ok()
    }

    /// Returns an error if retention deleted the output.
    pub fn require_output(&self) -> Result<()> {
        self.output_deleted_at.map_or(Ok(()), |at| Err(Error::OutputDeleted(at)))
    }
}

impl Task {
    /// Returns a submission of the same task, without labels, to prefill the form.
    pub fn submission(&self) -> Result<Submission> {
        let request = self.read_request()?;
        Ok(Submission {
            organization: self.organization_id,
            tool: self.tool,
            script: self.script.clone(),
            title: self.title.clone(),
            has_title: true,
            visibility: self.visibility,
            network: request.network,
            limits: request.limits,
            labels: Labels::default(),
            priority: self.priority,
            purpose: request.purpose,
            ticket: request.ticket,
            rerun_of: request.rerun_of,
        })
    }
}

row_type! {
    pub struct Label {
        pub key: String,
        pub value: String,
    }
}

impl Read {
    /// Returns a task, or `NotFound` if the actor cannot see it.
    pub async fn task(&mut self, id: TaskId) -> Result<Task> {
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        let task = tenant_query!(
            self,
            Task,
            fetch_one,
            concat!(
                "select t.id, t.title, t.state, t.tool, t.visibility, t.network, t.organization_id, o.name as organization,
                    t.owner_id, p.name as owner, t.key_id, t.priority, t.required_approval, t.rule, t.script, t.request, t.request_digest,
                    t.attempt, t.runner_id, r.name as runner, t.lease_until, t.cancel_requested, t.next_line, t.ending, t.receipt,
                    t.receipt_signature, r.public_key as runner_key, t.created_at, t.queued_at, t.started_at, t.ended_at,
                    t.output_deleted_at, t.result_deleted_at
                 from task t join organization o on o.tenant_id = t.tenant_id and o.id = t.organization_id
                 join person p on p.tenant_id = t.tenant_id and p.id = t.owner_id
                 left join runner r on r.tenant_id = t.tenant_id and r.id = t.runner_id
                 where t.tenant_id = $1 and t.id = $4 and ",
                visible!()
            ),
            person,
            everything,
            id
        )?;
        self.require_key_access(task.organization_id).map(|()| task)
    }

    /// Returns the progress of a task; read often while somebody watches it.
    pub async fn progress(&mut self, id: TaskId) -> Result<Progress> {
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        let progress = tenant_query!(
            self,
            Progress,
            fetch_one,
            concat!(
                "select t.id, t.state, t.organization_id, t.attempt, t.next_line, t.ending, t.incomplete_lines,
                    t.output_deleted_at
                 from task t where t.tenant_id = $1 and t.id = $4 and ",
                visible!()
            ),
            person,
            everything,
            id
        )?;
        self.require_key_access(progress.organization_id).map(|()| progress)
    }

    /// Returns the labels of a task that the actor sees.
    pub async fn labels(&mut self, id: TaskId) -> Result<Labels> {
        self.progress(id).await?;
        const SQL: &str = "select key, value from task_label where tenant_id = $1 and task_id = $2 order by key";
        let rows = tenant_query!(self, Label, fetch_all, SQL, id)?;
        let labels: BTreeMap<_, _> = rows.into_iter().map(|row| (row.key, row.value)).collect();
        labels.try_into().map_err(|_| Error::Corrupt("labels"))
    }
}
