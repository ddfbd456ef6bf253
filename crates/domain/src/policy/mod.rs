//! Access policy: what an actor may do, answered with a proof that only the policy can make.
use crate::{Actor, OrganizationId, Timestamp, network::NetworkPolicy, role::Role, scope::Scope};
use serde_json::Value;

/// An operation that the policy allows or denies.
pub trait Action {
    /// The name of the audit event: noun, dot, verb.
    const NAME: &'static str;
    /// The scope that an API key needs; `None` if no key is enough and a person must be signed in.
    const SCOPE: Option<Scope> = None;
    /// Whether the action requires step-up authentication (M-14): an unattended browser is not enough.
    const STEP_UP: StepUp = StepUp::Never;
    /// Whether the action is allowed in a frozen tenant (K-09).
    const ALLOWED_WHILE_FROZEN: bool = false;

    /// Returns `Ok` if `actor` may do this, otherwise the reason for the denial.
    fn check(&self, actor: &Actor) -> Result<(), DenialReason>;
    /// Returns whether this action, with these values, requires step-up authentication.
    fn requires_step_up(&self) -> bool {
        Self::STEP_UP == StepUp::Always
    }
    /// Returns until when this action, with these values, is denied, if that is a matter of time.
    fn denied_until(&self) -> Option<Timestamp> {
        None
    }
    /// Returns the kind and the id of what is changed or read.
    fn target(&self) -> (&'static str, String);
    /// Returns further details for the audit log, without secrets or personal data.
    fn detail(&self) -> Value {
        Value::Null
    }
    /// Returns names and addresses, which are stored next to the audit record so that they can be erased.
    fn personal(&self) -> Value {
        Value::Null
    }
}

/// Proof that `actor` was allowed to do `action`: only [`Actor::may`] makes one.
#[must_use]
#[derive(Debug)]
pub struct Allowed<A> {
    actor: Actor,
    action: A,
}

impl<A: Action> Allowed<A> {
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    pub fn action(&self) -> &A {
        &self.action
    }
}

/// A denial, with what the audit log needs to record it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Denied {
    /// [`Action::NAME`].
    pub action: &'static str,
    /// [`Action::target`].
    pub target: (&'static str, String),
    pub reason: DenialReason,
    /// Whether only step-up authentication is missing.
    pub stale: bool,
    /// When the denial ends by itself, if it does.
    pub until: Option<Timestamp>,
}

pub(crate) fn evaluate<A: Action>(actor: &Actor, action: A) -> Result<Allowed<A>, Denied> {
    let verdict = match actor.has_scope(A::SCOPE) {
        true => action.check(actor),
        false if A::SCOPE.is_none() => Err(DenialReason::BrowserOnly),
        false => Err(DenialReason::MissingScope),
    };
    let until = |reason| if reason == DenialReason::ApproverOnHold { action.denied_until() } else { None };
    let deny =
        |reason, stale| Err(Denied { action: A::NAME, target: action.target(), reason, stale, until: until(reason) });
    match verdict {
        // Checked last: an actor without permission is not asked to authenticate again.
        Ok(()) if action.requires_step_up() && !actor.fresh => deny(DenialReason::StepUpRequired, true),
        Ok(()) => Ok(Allowed { actor: actor.clone(), action }),
        Err(reason) => deny(reason, false),
    }
}

fn require(allowed: bool, otherwise: DenialReason) -> Result<(), DenialReason> {
    if allowed { Ok(()) } else { Err(otherwise) }
}

fn require_admin(actor: &Actor) -> Result<(), DenialReason> {
    require(!actor.admin_blocked, DenialReason::AdminNetworkOnly)?;
    require(actor.is_admin(), DenialReason::AdminOnly)
}

pub(crate) fn require_manager(actor: &Actor, organization: OrganizationId) -> Result<(), DenialReason> {
    let owner = actor.role_in(organization) == Some(Role::Owner);
    require(owner || !actor.admin_blocked, DenialReason::AdminNetworkOnly)?;
    require(actor.is_admin() || owner, DenialReason::ManagerOnly)
}

impl Actor {
    /// Returns whether the actor can manage an organization.
    pub fn can_manage(&self, organization: OrganizationId) -> bool {
        require_manager(self, organization).is_ok()
    }

    /// Returns whether the actor can submit tasks in an organization.
    pub fn can_submit_in(&self, organization: OrganizationId) -> bool {
        require_submitter(self, organization).is_ok()
    }
}

/// Declares actions, their [`Action`] implementations and their entries in the [registry].
///
/// ```text
/// Name = "event.name" on "target kind" (|a| target id) { fields } if |a, actor| check,
///     kind |a| …,          // the target's kind, if it depends on the values
///     scope Variant,       // the scope that an API key needs
///     detail |a| …,        // details for the audit log
///     personal |a| …,      // names and addresses for the audit log
///     step_up true,        // requires step-up authentication
///     step_up_if |a| …,    // requires it for some values only
///     denied_until |a| …,  // when a denial ends by itself
///     while_frozen true;   // allowed in a frozen tenant
/// ```
macro_rules! actions {
    (@struct $(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub struct $name;
    };
    (@struct $(#[$doc:meta])* $name:ident { $($body:tt)* }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name { $($body)* }
    };
    (@kind $this:expr, $kind:literal) => { $kind };
    (@kind $this:expr, $kind:literal, $kind_of:expr) => {{
        let kind: fn(&Self) -> &'static str = $kind_of;
        kind($this)
    }};
    ($($(#[$doc:meta])* $name:ident = $event:literal on $kind:literal ($target:expr) $({
        $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)?
    })? if $check:expr
        $(, kind $kind_of:expr)?
        $(, scope $scope:ident)?
        $(, detail $detail:expr)?
        $(, personal $personal:expr)?
        $(, step_up $step_up:literal)?
        $(, step_up_if $step_up_if:expr)?
        $(, denied_until $denied_until:expr)?
        $(, while_frozen $while_frozen:literal)?
    ;)*) => {
        /// The registry entries of the actions of this module.
        pub(super) const ENTRIES: &[$crate::policy::AuditEvent] = &[$($crate::policy::AuditEvent::of::<$name>()),*];

        $(
        actions!(@struct $(#[$doc])* $name $({ $($(#[$field_doc])* pub $field: $type),* })?);

        impl Action for $name {
            const NAME: &'static str = $event;
            $(const SCOPE: Option<$crate::scope::Scope> = Some($crate::scope::Scope::$scope);)?
            $(const STEP_UP: $crate::policy::StepUp = $crate::policy::StepUp::always($step_up);)?
            $(const ALLOWED_WHILE_FROZEN: bool = $while_frozen;)?

            fn check(&self, actor: &Actor) -> Result<(), DenialReason> {
                let check: fn(&Self, &Actor) -> Result<(), DenialReason> = $check;
                check(self, actor)
            }
            fn target(&self) -> (&'static str, String) {
                let target: fn(&Self) -> String = $target;
                (actions!(@kind self, $kind $(, $kind_of)?), target(self))
            }
            $(fn detail(&self) -> Value {
                let detail: fn(&Self) -> Value = $detail;
                detail(self)
            })?
            $(fn personal(&self) -> Value {
                let personal: fn(&Self) -> Value = $personal;
                personal(self)
            })?
            $(
            const STEP_UP: $crate::policy::StepUp = $crate::policy::StepUp::Conditional;
            fn requires_step_up(&self) -> bool {
                let step_up_if: fn(&Self) -> bool = $step_up_if;
                step_up_if(self)
            })?
            $(fn denied_until(&self) -> Option<Timestamp> {
                let denied_until: fn(&Self) -> Option<Timestamp> = $denied_until;
                denied_until(self)
            })?
        }
        )*
    };
}

mod access;
mod approvers;
mod audit;
mod denial;
mod emergency;
mod factors;
mod identity;
mod joining;
mod organizations;
mod people;
mod registry;
mod retention;
mod tasks;
mod webhooks;

pub use access::{
    ChangeKey, CreateEnrollment, CreateKey, EndBrowserSession, EndOtherBrowserSessions, KeyExpiryChange, ReadAccess,
    RevokeKey, RevokeKeysOf, RevokeRunner, RotateKey,
};
pub use approvers::{ConfirmChange, DeclineChange, LiftHold, SetDualControl, SetSelfApproval};
pub use audit::{AcknowledgeAudit, Acknowledged, RestoreAudit, RotateGrantKey};
pub use denial::DenialReason;
pub use emergency::{
    EndBrowserSessions, FreezeTenant, LockPerson, ReviewAnomaly, StopTasks, Stopped, UnfreezeTenant, UnlockPerson,
};
pub use factors::{
    ChangeAddress, ChangePassword, EnrollFactor, MakeRecoveryCodes, RemoveFactor, ReplaceAddress, ResetFactors,
    SetFactorPolicy, SignPasskey,
};
pub use identity::{
    AdmitPerson, CloseBreakGlass, LinkIdentity, OpenBreakGlass, RemoveProvider, SetProvider, SyncProviderRoles,
    UnlinkIdentity,
};
pub use joining::{
    AcceptInvitation, AcceptJoinRequest, AdmitInvitee, ConfirmInvitee, DeclineJoinRequest, Invite, RequestMembership,
    ResendInvitation, RevokeInvitation, WithdrawJoinRequest,
};
pub use organizations::{
    ArchiveOrganization, LeaveOrganization, RenameOrganization, RestoreOrganization, SetAcceptsJoinRequests,
};
pub use people::{
    ChangeRules, CreateOrganization, CreatePerson, CreateServiceAccount, ErasePersonalData, FinishReview,
    IssuePasswordLink, KeepReviewed, RemoveMembership, RevokeReviewed, SetMembership, SetTenantRole, StartReview,
    TransferServiceAccount,
};
pub use registry::{AuditEvent, StepUp, audit_event, audit_event_names, audit_events, is_allowed_while_frozen};
pub use retention::{LiftLegalHold, SetLegalHold, SetRetention};
pub use tasks::{CancelTask, Decide, ReadApprovals, ReadAudit, ReadTasks, SubmitTask};
pub(crate) use tasks::{require_approver, require_decider, require_submitter};
pub use webhooks::{RedeliverWebhook, RemoveWebhook, RotateWebhookSecret, SetWebhook, TestWebhook};

/// Returns whether a task under `policy` has a network beyond its sandbox; every page that shows the task says so.
pub const fn reaches_out(policy: NetworkPolicy) -> bool {
    !matches!(policy, NetworkPolicy::Isolated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ApprovalId, PersonId, Principal, SignedInBy, TaskId, TenantId,
        approval::{Answer, Requesters},
        request::RequestDigest,
        role::TenantRole,
        task::SubmissionForm,
    };
    use uuid::Uuid;

    const ORG: OrganizationId = OrganizationId(Uuid::from_u128(9));

    fn person(id: u128, role: Option<Role>) -> Actor {
        let mut actor = Actor::clock(TenantId(Uuid::nil()), Timestamp(0));
        actor.principal = Principal::Person(PersonId(Uuid::from_u128(id)));
        actor.by = SignedInBy::Password;
        actor.roles.extend(role.map(|role| (ORG, role)));
        actor
    }

    fn submit() -> SubmitTask {
        let form: SubmissionForm = serde_json::from_str(r#"{"script":"true"}"#).unwrap();
        SubmitTask { submission: form.check(ORG).unwrap(), idempotency_key: None }
    }

    fn decide() -> Decide {
        Decide {
            approval: ApprovalId(Uuid::nil()),
            task: TaskId(Uuid::nil()),
            organization: ORG,
            requesters: Requesters::only(PersonId(Uuid::from_u128(1))),
            self_approval: false,
            held_until: None,
            answer: Answer::Approve,
            reason: String::new(),
            request: RequestDigest([0; 32]),
            network: NetworkPolicy::Isolated,
            requires_passkey: false,
            assertion: None,
        }
    }

    /// Returns how an actor without recent authentication is denied.
    fn denied_without_step_up<A: Action>(mut actor: Actor, action: A) -> Option<bool> {
        actor.fresh = false;
        actor.may(action).err().map(|denied| denied.stale)
    }

    #[test]
    fn m_14_only_sensitive_actions_require_step_up_authentication() {
        let mut admin = person(2, Some(Role::Owner));
        admin.tenant_role = TenantRole::Admin;
        assert_eq!(denied_without_step_up(admin.clone(), CreateOrganization { name: "Ops".into() }), Some(true));
        assert!(admin.may(CreateOrganization { name: "Ops".into() }).is_ok(), "after step-up authentication");
        assert_eq!(denied_without_step_up(admin.clone(), submit()), None);
        assert_eq!(denied_without_step_up(admin.clone(), decide()), None, "an isolated task");
        let reaching = || Decide { network: NetworkPolicy::Unrestricted, ..decide() };
        assert_eq!(denied_without_step_up(admin.clone(), reaching()), Some(true));
        assert_eq!(
            denied_without_step_up(admin.clone(), Decide { answer: Answer::Deny, ..reaching() }),
            None,
            "a denial never requires it"
        );
        assert_eq!(
            denied_without_step_up(person(1, None), CreateOrganization { name: "Ops".into() }),
            Some(false),
            "not allowed at all"
        );
        let mut key = admin;
        (key.principal, key.scopes) = (
            Principal::Key { key: crate::KeyId(Uuid::nil()), owner: PersonId(Uuid::from_u128(2)) },
            Some("approvals:*".parse().unwrap()),
        );
        assert!(key.may(reaching()).is_ok(), "a key cannot authenticate again");
    }

    #[test]
    fn viewers_and_strangers_cannot_submit() {
        for (role, allowed) in [(None, false), (Some(Role::Viewer), false), (Some(Role::Member), true)] {
            assert_eq!(person(1, role).may(submit()).is_ok(), allowed, "{role:?}");
        }
    }

    #[test]
    fn d_04_nobody_decides_their_own_request() {
        assert!(person(1, Some(Role::Owner)).may(decide()).is_err());
        assert!(person(2, Some(Role::Approver)).may(decide()).is_ok());
        assert!(person(2, Some(Role::Member)).may(decide()).is_err());
        let mut admin = person(2, None);
        admin.tenant_role = TenantRole::Admin;
        assert!(admin.may(decide()).is_err(), "an admin approves only where they are an approver");
    }

    /// M-01: otherwise a person could approve their own request through a service account or a key of someone else.
    #[test]
    fn d_04_nobody_decides_a_request_that_they_are_responsible_for() {
        let (only, person_2) = (decide().requesters, Some(PersonId(Uuid::from_u128(2))));
        for requesters in [
            Requesters { responsible: [person_2, None], ..only },
            Requesters { responsible: [None, person_2], ..only },
            Requesters { key_creator: person_2, ..only },
        ] {
            let decide = || Decide { requesters, ..decide() };
            let refused = person(2, Some(Role::Owner)).may(decide()).unwrap_err();
            assert_eq!(refused.reason, DenialReason::ResponsibleForRequester, "{requesters:?}");
            assert!(person(3, Some(Role::Approver)).may(decide()).is_ok(), "{requesters:?}");
        }
    }

    #[test]
    fn d_04_with_the_setting_approvers_decide_their_own_requests_in_a_browser() {
        let own = || Decide { self_approval: true, ..decide() };
        let person_1 = Some(PersonId(Uuid::from_u128(1)));
        let requester = Requesters::only(PersonId(Uuid::from_u128(3)));
        let behind = || Decide { requesters: Requesters { key_creator: person_1, ..requester }, ..own() };
        assert!(person(1, Some(Role::Approver)).may(own()).is_ok());
        assert!(person(1, Some(Role::Approver)).may(behind()).is_ok());
        assert!(
            person(1, Some(Role::Member)).may(own()).is_err_and(|denied| denied.reason == DenialReason::ApproverOnly)
        );
        let mut key = person(1, Some(Role::Owner));
        key.principal = Principal::Key { key: crate::KeyId(Uuid::nil()), owner: PersonId(Uuid::from_u128(1)) };
        key.scopes = Some("approvals:*".parse().unwrap());
        assert!(key.may(own()).is_err_and(|denied| denied.reason == DenialReason::OwnApprovalRequest));
        assert!(key.may(behind()).is_err_and(|denied| denied.reason == DenialReason::ResponsibleForRequester));
    }

    #[test]
    fn d_04_a_hold_denies_decisions_until_it_ends() {
        let until = Some(Timestamp(7));
        let denied = person(2, Some(Role::Owner)).may(Decide { held_until: until, ..decide() }).unwrap_err();
        assert_eq!((denied.reason, denied.until), (DenialReason::ApproverOnHold, until));
        let other = person(1, Some(Role::Owner)).may(Decide { held_until: until, ..decide() }).unwrap_err();
        assert_eq!((other.reason, other.until), (DenialReason::OwnApprovalRequest, None), "ends with no hold");
    }

    #[test]
    fn m_14_an_admin_outside_the_admin_networks_has_no_admin_rights() {
        let mut admin = person(1, Some(Role::Member));
        admin.tenant_role = TenantRole::Admin;
        admin.admin_blocked = true;
        let denied = admin.may(CreateOrganization { name: "Ops".into() }).unwrap_err();
        assert_eq!(denied.reason, DenialReason::AdminNetworkOnly);
        assert!(admin.may(ReadAudit).is_err() && !admin.can_read_everything());
        assert!(admin.may(submit()).is_ok(), "the rights of a member remain");
        admin.admin_blocked = false;
        assert!(admin.may(CreateOrganization { name: "Ops".into() }).is_ok());
    }

    #[test]
    fn m_01_a_key_is_limited_to_its_scopes_and_never_manages_people() {
        let mut key = person(1, Some(Role::Owner));
        key.scopes = Some("tasks:read".parse().unwrap());
        assert!(key.may(submit()).is_err());
        key.scopes = Some("tasks:*".parse().unwrap());
        assert!(key.may(submit()).is_ok());
        key.tenant_role = TenantRole::Admin;
        assert!(key.may(CreateOrganization { name: "Ops".into() }).is_err());
    }
}
