//! Registry of audit events: every action of the policy, and every event that is recorded without a policy decision.
use super::{
    Action, access, approvers, audit, emergency, factors, identity, joining, organizations, people, retention, tasks,
    webhooks,
};
use crate::scope::Scope;

/// Whether an action requires step-up authentication: a proof of identity that is only a short while old (M-14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepUp {
    Never,
    Always,
    /// Depends on the values of the action, see [`Action::requires_step_up`].
    Conditional,
}

impl StepUp {
    pub(super) const fn always(always: bool) -> Self {
        if always { Self::Always } else { Self::Never }
    }
}

/// A registered audit event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Noun, dot, verb.
    pub name: &'static str,
    /// The scope that lets an API key do it.
    pub scope: Option<Scope>,
    pub step_up: StepUp,
    pub allowed_while_frozen: bool,
}

impl AuditEvent {
    /// Returns the entry of an action.
    pub(super) const fn of<A: Action>() -> Self {
        Self { name: A::NAME, scope: A::SCOPE, step_up: A::STEP_UP, allowed_while_frozen: A::ALLOWED_WHILE_FROZEN }
    }

    const fn recorded(name: &'static str) -> Self {
        Self { name, scope: None, step_up: StepUp::Never, allowed_while_frozen: false }
    }

    const fn while_frozen(self) -> Self {
        Self { allowed_while_frozen: true, ..self }
    }
}

/// Events that are recorded without a policy decision. In a frozen tenant people can sign in (an admin has to, to end the freeze),
/// runners report on tasks that they already have, anomalies are detected, and the end of a retention run is recorded.
const RECORDED: &[AuditEvent] = &[
    AuditEvent::recorded("admin.admin_blocked"),
    AuditEvent::recorded("anomaly.detect").while_frozen(),
    AuditEvent::recorded("approval.expire").while_frozen(),
    AuditEvent::recorded("approval.reopen"),
    AuditEvent::recorded("browser_session.open").while_frozen(),
    AuditEvent::recorded("browser_session.prove").while_frozen(),
    AuditEvent::recorded("confirmation.expire").while_frozen(),
    AuditEvent::recorded("confirmation.request"),
    AuditEvent::recorded("database.return"),
    AuditEvent::recorded("database.transfer"),
    AuditEvent::recorded("factor.recover").while_frozen(),
    AuditEvent::recorded("factor.show").while_frozen(),
    AuditEvent::recorded("key.use"),
    AuditEvent::recorded("person.address_changed"),
    AuditEvent::recorded("person.address_confirmed"),
    AuditEvent::recorded("person.password_forgotten"),
    AuditEvent::recorded("person.password_set"),
    AuditEvent::recorded("rate_limit_exceeded"),
    AuditEvent::recorded(crate::retention::DELETED).while_frozen(),
    AuditEvent::recorded("runner.connect").while_frozen(),
    AuditEvent::recorded("runner.disconnect").while_frozen(),
    AuditEvent::recorded("runner.enroll"),
    AuditEvent::recorded("runner.refuse").while_frozen(),
    AuditEvent::recorded("runner.renew").while_frozen(),
    AuditEvent::recorded("runner.renewed").while_frozen(),
    AuditEvent::recorded("task.assign"),
    AuditEvent::recorded("task.deny"),
    AuditEvent::recorded("task.end").while_frozen(),
    AuditEvent::recorded("task.expire").while_frozen(),
    AuditEvent::recorded("task.finish").while_frozen(),
    AuditEvent::recorded("task.refuse").while_frozen(),
    AuditEvent::recorded("task.reject"),
    AuditEvent::recorded("task.release").while_frozen(),
    AuditEvent::recorded("task.start").while_frozen(),
    AuditEvent::recorded("task.stop").while_frozen(),
];

/// The registry. The compiler reports a module of actions that is missing here: nothing else reads its `ENTRIES`.
const REGISTRY: &[&[AuditEvent]] = &[
    access::ENTRIES,
    approvers::ENTRIES,
    audit::ENTRIES,
    emergency::ENTRIES,
    factors::ENTRIES,
    identity::ENTRIES,
    joining::ENTRIES,
    organizations::ENTRIES,
    people::ENTRIES,
    retention::ENTRIES,
    tasks::ENTRIES,
    webhooks::ENTRIES,
    RECORDED,
];

/// Returns all registered audit events.
pub fn audit_events() -> impl Iterator<Item = &'static AuditEvent> {
    REGISTRY.iter().copied().flatten()
}

/// Returns the audit event of this name, if it is registered.
pub fn audit_event(name: &str) -> Option<&'static AuditEvent> {
    audit_events().find(|event| event.name == name)
}

/// Returns the names of all audit events in alphabetical order.
///
/// ```
/// let names = domain::policy::audit_event_names();
/// assert!(names.contains(&"task.submit") && names.is_sorted());
/// ```
pub fn audit_event_names() -> Vec<&'static str> {
    let mut names: Vec<_> = audit_events().map(|event| event.name).collect();
    names.sort_unstable();
    names
}

/// Returns whether this audit event can be recorded as done in a frozen tenant (K-09): signing in and out, revoking access,
/// reports of runners about tasks that they have, and the end of the freeze. Events that are not registered cannot.
///
/// ```
/// use domain::policy::is_allowed_while_frozen;
/// assert!(is_allowed_while_frozen("key.revoke") && !is_allowed_while_frozen("key.create"));
/// ```
pub fn is_allowed_while_frozen(name: &str) -> bool {
    audit_event(name).is_some_and(|event| event.allowed_while_frozen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn every_audit_event_is_registered_once_under_a_plain_name() {
        let names = audit_event_names();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
        let is_plain = |name: &str| !name.is_empty() && name.chars().all(|c| matches!(c, 'a'..='z' | '_' | '.'));
        assert!(names.into_iter().all(is_plain));
    }

    /// The step-up requirement of each action, reviewed by eye. Actions that revoke access in an emergency do not require it;
    /// actions of providers, invitations and the console cannot, because no browser session is involved.
    #[test]
    fn m_14_the_step_up_requirement_of_every_action_is_reviewed() {
        let reviewed = [
            // Keys, sessions, runners
            (StepUp::Always, "key.create key.change key.rotate runner.enrollment runner.revoke"),
            (StepUp::Never, "key.revoke key.revoke_all browser_session.end browser_session.end_others access.read"),
            // A person's own account; the old password is the proof for a new one
            (StepUp::Always, "factor.enroll factor.remove factor.recovery_codes factor.sign_passkey person.address"),
            (StepUp::Always, "identity.link identity.unlink"),
            (StepUp::Never, "person.password"),
            // Other people's accounts
            (StepUp::Always, "person.reset_factors person.replace_address tenant.factor_policy person.create"),
            (StepUp::Always, "person.password_link person.tenant_role service_account.create service_account.transfer"),
            // Approvers
            (StepUp::Always, "hold.lift tenant.self_approval tenant.dual_control confirmation.confirm"),
            (StepUp::Never, "confirmation.decline"),
            // Providers; their own actions and those of the console
            (StepUp::Always, "provider.set provider.remove"),
            (
                StepUp::Never,
                "audit.acknowledge audit.erase audit.restore grant_key.rotate person.admit person.follow_provider break_glass.open \
                 break_glass.close",
            ),
            // Emergencies
            (StepUp::Never, "task.stop_all person.lock browser_session.end_all anomaly.review tenant.freeze"),
            (StepUp::Always, "person.unlock tenant.unfreeze"),
            // Organizations and their members
            (StepUp::Always, "organization.create organization.rename organization.archive organization.restore"),
            (StepUp::Always, "organization.requests membership.set membership.remove membership.leave"),
            (StepUp::Always, "invitation.create invitation.resend join_request.accept"),
            (StepUp::Never, "invitation.revoke invitation.accept invitation.admit invitation.confirm"),
            (StepUp::Never, "join_request.create join_request.withdraw join_request.decline"),
            // Rules and reviews
            (StepUp::Always, "rules.change review.start review.revoke"),
            (StepUp::Never, "review.keep review.finish"),
            // Retention; a legal hold only keeps data
            (StepUp::Always, "retention.set legal_hold.lift"),
            (StepUp::Never, "legal_hold.set"),
            // Webhooks
            (StepUp::Always, "webhook.set webhook.remove webhook.rotate"),
            (StepUp::Never, "webhook.test webhook.redeliver"),
            // Tasks; an approval requires it if the task reaches beyond its sandbox
            (StepUp::Never, "task.submit task.cancel task.read approval.read audit.read"),
            (StepUp::Conditional, "approval.decide"),
        ];
        let reviewed: BTreeMap<_, _> =
            reviewed.iter().flat_map(|(step_up, names)| names.split(' ').map(|name| (name, *step_up))).collect();
        let recorded: BTreeSet<_> = RECORDED.iter().map(|event| event.name).collect();
        let actions = audit_events().filter(|event| !recorded.contains(event.name));
        assert_eq!(reviewed, actions.map(|event| (event.name, event.step_up)).collect());
    }

    #[test]
    fn k_09_a_freeze_allows_revoking_access_and_prevents_granting_it() {
        let allowed: BTreeSet<_> =
            audit_events().filter(|event| event.allowed_while_frozen).map(|event| event.name).collect();
        let reviewed = "anomaly.detect anomaly.review approval.expire audit.acknowledge audit.restore break_glass.close break_glass.open \
            browser_session.end browser_session.end_all browser_session.end_others browser_session.open \
            browser_session.prove confirmation.decline confirmation.expire factor.enroll factor.recover factor.recovery_codes factor.remove factor.show \
            grant_key.rotate \
            identity.unlink invitation.revoke join_request.decline join_request.withdraw key.revoke key.revoke_all \
            legal_hold.set membership.leave membership.remove person.lock person.unlock provider.remove retention.delete runner.connect \
            runner.disconnect runner.refuse runner.renew runner.renewed runner.revoke task.cancel task.end task.expire task.finish \
            task.refuse task.release task.start task.stop task.stop_all tenant.freeze tenant.unfreeze webhook.remove";
        assert_eq!(allowed, reviewed.split_whitespace().collect());
        for refused in ["task.submit", "task.assign", "approval.decide", "key.create", "membership.set", "rules.change"]
        {
            assert!(!is_allowed_while_frozen(refused), "{refused}");
        }
        assert!(!is_allowed_while_frozen("tenant.factor_policy") && !is_allowed_while_frozen("unknown"));
    }
}
