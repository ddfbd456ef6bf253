//! Task submission: the canonical request, the rules' verdict and the audit event in one transaction.
use crate::{
    Conflict, Error, Result, Topic, Write,
    consent::{record_digest, submission_digest},
    db::{column::row_type, conn::tenant_query, id::new_id, insert::insert, random::random},
    metrics::Occurrence,
};
use domain::{
    Allowed, PersonId, TaskId,
    consent::{Judgment, Subject},
    policy::SubmitTask,
    request::{InputDigest, Request, RequestDigest},
    rule::{Facts, Verdict},
    task::TaskState,
};
use serde_json::json;

/// Result of a submission.
#[derive(Clone, Debug)]
pub struct Submitted {
    pub id: TaskId,
    pub state: TaskState,
    /// Digest of the canonical request.
    pub request_digest: RequestDigest,
    /// Whether the idempotency key was used before for the same submission, so that no task was created.
    pub repeated: bool,
}

row_type! {
    /// An earlier use of an idempotency key.
    pub struct Earlier {
        pub id: TaskId,
        pub state: TaskState,
        pub request_digest: RequestDigest,
        /// Digest of the submission.
        pub submission_digest: Vec<u8>,
    }
}

row_type! {
    /// The people besides the owner who could approve the request of a key.
    pub struct Submitter {
        pub responsible_id: Option<PersonId>,
        pub key_creator_id: Option<PersonId>,
    }
}

impl Write {
    /// Stores a task and applies the tenant's rules to it. The same idempotency key returns the same task; with a different
    /// submission it is a conflict (S-09).
    pub async fn submit_task(&mut self, proof: Allowed<SubmitTask>) -> Result<Submitted> {
        let SubmitTask { submission, idempotency_key } = proof.action();
        let owner = self.actor.person().ok_or(Error::Conflict(Conflict::SubmitterNotAPerson))?;
        let content = submission_digest(submission)?;
        if let Some(key) = idempotency_key
            && let Some(earlier) = self.submitted_before(owner, key, content).await?
        {
            return Ok(earlier);
        }

        let id = TaskId(new_id());
        let request = Request::new(submission, self.tenant, owner, self.actor.key(), random()?);
        let canonical = request.canonical();
        let (digest, request_bytes) = (RequestDigest::of(&canonical), canonical.len());
        let rules = self.rules().await?;
        if let Some(missing) = rules.rules.missing(submission, owner, self.now).into_iter().next() {
            return Err(missing.into());
        }
        let (verdict, rule) = rules.rules.judge(&Facts::of(submission, owner, self.now));
        let record = record_digest(content, idempotency_key.as_deref());
        let own = self.approval_policy().await?.self_approval;
        let Submitter { responsible_id, key_creator_id } = self.submitter().await?;
        let judgment = self.sign_judgment(Judgment {
            tenant: self.tenant,
            subject: Subject::Task(id),
            request: digest,
            record,
            rules_version: rules.version,
            rule: rule.to_owned(),
            verdict,
            responsible: responsible_id,
            key_creator: key_creator_id,
            self_approval: own,
            at: self.now,
        });
        let state = match verdict {
            Verdict::Run => TaskState::Queued,
            Verdict::Ask { .. } => TaskState::AwaitingApproval,
            Verdict::Refuse => TaskState::Denied,
        };
        let now = self.now;
        let made = insert!(self, "task" {
            id: id,
            organization_id: submission.organization,
            owner_id: owner,
            key_id: self.actor.key(),
            title: submission.title.clone(),
            tool: submission.tool,
            visibility: submission.visibility,
            network: submission.network.policy,
            priority: submission.priority,
            state: state,
            required_approval: state == TaskState::AwaitingApproval,
            rule: rule.to_owned(),
            rules_version: rules.version,
            responsible_id: responsible_id,
            key_creator_id: key_creator_id,
            self_approval: own,
            judgment_signature: judgment.signature.0.to_vec(),
            script: submission.script.clone(),
            request: String::from_utf8(canonical).map_err(|_| Error::Corrupt("request"))?,
            request_digest: digest,
            idempotency_key: idempotency_key.clone(),
            submission_digest: content.0,
            created_at: now,
            queued_at: (state == TaskState::Queued).then_some(now),
            ended_at: state.is_final().then_some(now),
        },
            "on conflict (tenant_id, owner_id, idempotency_key) where idempotency_key is not null do nothing"
        )?;
        if let (0, Some(key)) = (made, idempotency_key) {
            // Another transaction used this key since it was checked.
            return self.submitted_before(owner, key, content).await?.ok_or(Error::Busy);
        }
        for (key, value) in submission.labels.iter() {
            tenant_query!(
                self,
                execute,
                "insert into task_label (tenant_id, task_id, key, value) values ($1, $2, $3, $4)",
                id,
                key.to_owned(),
                value.to_owned()
            )?;
        }
        self.store_title_words(id, &submission.title).await?;
        if let Verdict::Ask { approvers, hours, passkey } = verdict {
            self.open_approval(id, submission.organization, owner, digest, rule, approvers, hours, passkey).await?;
        }
        // Late, because it locks what concurrent submissions of the same person need, as the audit log does.
        self.charge_submission(owner, submission.script.len() + request_bytes).await?;
        let entry = self
            .entry(&proof)?
            .on("task", id.to_string())
            .with_detail("organization", json!(submission.organization))
            .with_detail("request_digest", json!(digest))
            .with_detail("rule", json!(rule))
            .with_detail("state", json!(state));
        self.record(entry).await?;
        self.count_task().await?;
        self.require_not_archived(submission.organization).await?;
        self.check_submitter(submission.organization, owner).await?;
        if state.is_final() {
            self.count(Occurrence::TaskEnded(state));
        }
        self.publish(Topic::Tasks, id.0);
        Ok(Submitted { id, state, request_digest: digest, repeated: false })
    }

    async fn submitter(&mut self) -> Result<Submitter> {
        // A service account submits with a key only.
        let Some(key) = self.actor.key() else { return Ok(Submitter { responsible_id: None, key_creator_id: None }) };
        tenant_query!(
            self,
            Submitter,
            fetch_one,
            "select p.responsible_id, k.creator_id as key_creator_id from api_key k
             join person p on p.tenant_id = k.tenant_id and p.id = k.owner_id where k.tenant_id = $1 and k.id = $2",
            key
        )
    }

    async fn submitted_before(
        &mut self,
        owner: PersonId,
        key: &str,
        content: InputDigest,
    ) -> Result<Option<Submitted>> {
        if key.is_empty() || key.len() > 255 || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(domain::Invalid::new("idempotency_key", "must be 1 to 255 visible ASCII characters").into());
        }
        let earlier = tenant_query!(
            self,
            Earlier,
            fetch_optional,
            "select id, state, request_digest, submission_digest from task
             where tenant_id = $1 and owner_id = $2 and idempotency_key = $3",
            owner,
            key.to_owned()
        )?;
        match earlier {
            None => Ok(None),
            Some(task) if task.submission_digest == content.0 => {
                self.wait_for_durability().await?;
                let Earlier { id, state, request_digest, .. } = task;
                Ok(Some(Submitted { id, state, request_digest, repeated: true }))
            }
            Some(_) => Err(Error::Conflict(Conflict::IdempotencyKeyReused)),
        }
    }
}
