//! Actions on tasks, the approval queue and the audit log.
use super::{Action, DenialReason, reaches_out, require, require_manager};
use crate::{
    Actor, ApprovalId, OrganizationId, PersonId, Principal, TaskId, Timestamp,
    approval::{Answer, Requesters},
    network::NetworkPolicy,
    passkey::Assertion,
    request::RequestDigest,
    role::Role,
    task::Submission,
};
use serde_json::{Value, json};

/// Requires that the actor can submit tasks to an organization.
pub(crate) fn require_submitter(actor: &Actor, organization: OrganizationId) -> Result<(), DenialReason> {
    require(actor.role_in(organization) >= Some(Role::Member), DenialReason::MemberOnly)
}

/// Requires that the actor can decide approval requests of an organization.
pub(crate) fn require_approver(actor: &Actor, organization: OrganizationId) -> Result<(), DenialReason> {
    require(actor.role_in(organization) >= Some(Role::Approver), DenialReason::ApproverOnly)
}

/// Requires that the actor can decide an approval request that is not their own: through a service account or a key, they could
/// otherwise approve it. With `self_approval`, the tenant lets them do so in a browser; a key never approves what it or its owner
/// requested.
pub(crate) fn require_decider(
    actor: &Actor,
    organization: OrganizationId,
    requesters: &Requesters,
    self_approval: bool,
) -> Result<(), DenialReason> {
    require_approver(actor, organization)?;
    if self_approval && matches!(actor.principal, Principal::Person(_)) {
        return Ok(());
    }
    let is_own = actor.person().is_some_and(|person| requesters.includes(person));
    require(
        !is_own,
        match actor.person() == Some(requesters.requester) {
            true => DenialReason::OwnApprovalRequest,
            false => DenialReason::ResponsibleForRequester,
        },
    )
}

actions! {
    SubmitTask = "task.submit" on "organization" (|a| a.submission.organization.to_string()) {
        submission: Submission,
        /// 1 to 255 visible ASCII characters, chosen by the caller so that a repeated request submits once.
        idempotency_key: Option<String>,
    } if |a, actor| require_submitter(actor, a.submission.organization), scope TasksSubmit, detail |a| json!({
        "tool": a.submission.tool,
        "visibility": a.submission.visibility,
        "network_policy": a.submission.network.policy,
    });

    /// Cancels a task that the actor can see.
    CancelTask = "task.cancel" on "task" (|a| a.task.to_string()) {
        task: TaskId,
        /// The person who submitted the task.
        owner: PersonId,
        organization: OrganizationId,
    } if |a, actor| {
        require(actor.reaches(a.organization), DenialReason::KeyOfAnotherOrganization)?;
        let own = actor.person() == Some(a.owner);
        let otherwise = DenialReason::SubmitterOrManagerOnly;
        require(own, otherwise).or_else(|_| require_manager(actor, a.organization).map_err(|_| otherwise))
    }, scope TasksCancel, while_frozen true;

    /// Decides an approval request. Approving a task that reaches beyond its sandbox requires step-up authentication.
    Decide = "approval.decide" on "task" (|a| a.task.to_string()) {
        approval: ApprovalId,
        task: TaskId,
        organization: OrganizationId,
        requesters: Requesters,
        /// Whether the tenant lets approvers decide their own requests.
        self_approval: bool,
        /// Until when the actor's account does not decide requests of this requester.
        held_until: Option<Timestamp>,
        answer: Answer,
        /// Validated by [`crate::approval::reason`].
        reason: String,
        /// The digest of the request that was shown to the approver.
        request: RequestDigest,
        network: NetworkPolicy,
        /// Whether the rules demand the approver's passkey.
        requires_passkey: bool,
        /// The assertion of the approver's passkey over this decision; the store verifies it.
        assertion: Option<Assertion>,
    } if |a, actor| {
        require_decider(actor, a.organization, &a.requesters, a.self_approval)?;
        require(a.held_until.is_none(), DenialReason::ApproverOnHold)?;
        let is_missing = a.requires_passkey && a.answer == Answer::Approve && a.assertion.is_none();
        require(!is_missing, DenialReason::PasskeyRequired)
    }, scope ApprovalsDecide, detail |a| json!({
        "approval": a.approval, "answer": a.answer, "reason": a.reason, "request_digest": a.request, "passkey": a.assertion.as_ref().map(|assertion| &assertion.credential_id),
    }), step_up_if |a| a.answer == Answer::Approve && reaches_out(a.network), denied_until |a| a.held_until;

    /// Reads tasks with their output and receipts. The store returns those that the actor can see; the policy checks only
    /// the scope of a key.
    ReadTasks = "task.read" on "tenant" (|_| String::new()) if |_, _| Ok(()), scope TasksRead;

    /// Reads the approval queue. The store returns the requests that the actor can see; the policy checks only the scope of
    /// a key.
    ReadApprovals = "approval.read" on "tenant" (|_| String::new()) if |_, _| Ok(()), scope ApprovalsRead;

    ReadAudit = "audit.read" on "tenant" (|_| String::new())
    if |_, actor| require(actor.can_read_everything(), DenialReason::AuditorOnly), scope AuditRead;
}
