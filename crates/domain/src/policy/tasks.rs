//! What is done with tasks, the approval queue and the audit log.
use super::{Action, manages, reaches_out, when};
use crate::{
    Actor, ApprovalId, OrganizationId, PersonId, TaskId, approval::Answer, network::NetworkPolicy,
    request::RequestDigest, role::Role, scope::Scope, task::Submission,
};
use serde_json::{Value, json};

/// Whether the actor submits tasks in an organization.
pub(crate) fn submits(actor: &Actor, organization: OrganizationId) -> Result<(), &'static str> {
    when(actor.role_in(organization) >= Some(Role::Member), "Only members of the organization may submit tasks there.")
}

/// Whether the actor answers requests of an organization, but for their own.
pub(crate) fn decides(actor: &Actor, organization: OrganizationId) -> Result<(), &'static str> {
    when(actor.role_in(organization) >= Some(Role::Approver), "Only approvers of the organization may decide.")
}

/// Submits a task.
#[derive(Debug)]
pub struct SubmitTask {
    /// What.
    pub submission: Submission,
    /// Chosen by the caller to submit once even when it asks twice; 1 to 255 visible ASCII characters.
    pub idempotency_key: Option<String>,
}

impl Action for SubmitTask {
    const NAME: &'static str = "task.submit";
    const SCOPE: Option<Scope> = Some(Scope::TasksSubmit);

    fn check(&self, actor: &Actor) -> Result<(), &'static str> {
        submits(actor, self.submission.organization)
    }
    fn target(&self) -> (&'static str, String) {
        ("organization", self.submission.organization.to_string())
    }
    fn detail(&self) -> Value {
        json!({
            "tool": self.submission.tool,
            "visibility": self.submission.visibility,
            "network_policy": self.submission.network.policy,
        })
    }
}

/// Cancels a task that the actor sees.
#[derive(Debug)]
pub struct CancelTask {
    /// Which.
    pub task: TaskId,
    /// Who submitted it.
    pub owner: PersonId,
    /// Where it belongs.
    pub organization: OrganizationId,
}

impl Action for CancelTask {
    const NAME: &'static str = "task.cancel";
    const SCOPE: Option<Scope> = Some(Scope::TasksCancel);

    fn check(&self, actor: &Actor) -> Result<(), &'static str> {
        when(actor.reaches(self.organization), "This key is for another organization.")?;
        let own = actor.person() == Some(self.owner);
        let why_not = "Only the one who submitted it, an owner of its organization or an admin may cancel a task.";
        when(own, why_not).or_else(|_| manages(actor, self.organization).map_err(|_| why_not))
    }
    fn target(&self) -> (&'static str, String) {
        ("task", self.task.to_string())
    }
}

/// Answers a question in the approval queue.
#[derive(Debug)]
pub struct Decide {
    /// Which question.
    pub approval: ApprovalId,
    /// About which task.
    pub task: TaskId,
    /// Where it belongs.
    pub organization: OrganizationId,
    /// Who asks.
    pub requester: PersonId,
    /// Who stands behind that besides them: whoever answers for a service account that asks, and whoever made the key.
    pub behind: [Option<PersonId>; 2],
    /// The answer.
    pub answer: Answer,
    /// Why, as [`crate::approval::reason`] let it through.
    pub reason: String,
    /// The request that was shown to the person who answers.
    pub request: RequestDigest,
    /// What it could reach.
    pub network: NetworkPolicy,
}

impl Action for Decide {
    const NAME: &'static str = "approval.decide";
    const SCOPE: Option<Scope> = Some(Scope::ApprovalsDecide);

    fn check(&self, actor: &Actor) -> Result<(), &'static str> {
        decides(actor, self.organization)?;
        when(actor.person() != Some(self.requester), "Nobody decides a request of their own.")?;
        let stands_behind = actor.person().is_some() && self.behind.contains(&actor.person());
        when(!stands_behind, "You answer for who asks, or made the key that asked. Somebody else decides.")
    }
    /// For a yes to what reaches beyond its sandbox.
    fn asks_for_proof(&self) -> bool {
        self.answer == Answer::Approve && reaches_out(self.network)
    }
    fn target(&self) -> (&'static str, String) {
        ("task", self.task.to_string())
    }
    fn detail(&self) -> Value {
        json!({ "approval": self.approval, "answer": self.answer, "reason": self.reason, "request_digest": self.request })
    }
}

/// Reads tasks, their output and receipts: those that the actor sees. What there is to forbid is a key's scope.
#[derive(Debug, Default)]
pub struct ReadTasks;

impl Action for ReadTasks {
    const NAME: &'static str = "task.read";
    const SCOPE: Option<Scope> = Some(Scope::TasksRead);

    fn check(&self, _: &Actor) -> Result<(), &'static str> {
        Ok(())
    }
    fn target(&self) -> (&'static str, String) {
        ("tenant", String::new())
    }
}

/// Reads the approval queue: the questions that the actor sees. What there is to forbid is a key's scope.
#[derive(Debug, Default)]
pub struct ReadApprovals;

impl Action for ReadApprovals {
    const NAME: &'static str = "approval.read";
    const SCOPE: Option<Scope> = Some(Scope::ApprovalsRead);

    fn check(&self, _: &Actor) -> Result<(), &'static str> {
        Ok(())
    }
    fn target(&self) -> (&'static str, String) {
        ("tenant", String::new())
    }
}

/// Reads the audit log.
#[derive(Debug, Default)]
pub struct ReadAudit;

impl Action for ReadAudit {
    const NAME: &'static str = "audit.read";
    const SCOPE: Option<Scope> = Some(Scope::AuditRead);

    fn check(&self, actor: &Actor) -> Result<(), &'static str> {
        when(actor.reads_everything(), "Only admins and auditors read the audit log.")
    }
    fn target(&self) -> (&'static str, String) {
        ("tenant", String::new())
    }
}
