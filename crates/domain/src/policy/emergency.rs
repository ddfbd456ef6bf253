//! Emergency actions: locking people, ending sessions, freezing the tenant, stopping tasks (K-09). Actions that revoke
//! access do not require step-up authentication, so that nothing delays them; actions that restore it do.
use super::{Action, DenialReason, require, require_admin, require_manager};
use crate::{Actor, EventId, OrganizationId, PersonId, RunnerId, Timestamp};
use serde_json::{Value, json};

/// The scope of an emergency stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    WholeTenant,
    Of(OrganizationId),
    /// Tasks that are assigned to a runner.
    On(RunnerId),
    By(PersonId),
}

actions! {
    /// Stops all tasks of a tenant, an organization, a runner or a person: at once if they are waiting, through the runner if
    /// they are running.
    StopTasks = "task.stop_all" on "tenant" (|a| match a.whose {
        Stopped::WholeTenant => String::new(),
        Stopped::Of(organization) => organization.to_string(),
        Stopped::On(runner) => runner.to_string(),
        Stopped::By(person) => person.to_string(),
    }) {
        whose: Stopped,
    } if |a, actor| match a.whose {
        Stopped::Of(organization) => require_manager(actor, organization),
        _ => require_admin(actor),
    }, kind |a| match a.whose {
        Stopped::WholeTenant => "tenant",
        Stopped::Of(_) => "organization",
        Stopped::On(_) => "runner",
        Stopped::By(_) => "person",
    }, while_frozen true;

    /// Locks a person: ends their sessions, disables their keys and prevents sign-in.
    LockPerson = "person.lock" on "person" (|a| a.person.to_string()) {
        person: PersonId,
    } if |a, actor| {
        require_admin(actor)?;
        require(actor.person() != Some(a.person), DenialReason::OwnLock)
    }, while_frozen true;

    UnlockPerson = "person.unlock" on "person" (|a| a.person.to_string()) {
        person: PersonId,
    } if |_, actor| require_admin(actor), step_up true, while_frozen true;

    /// Ends all sessions of one person, or of everyone except the actor.
    EndBrowserSessions = "browser_session.end_all" on "person" (|a| a.of.map(|person| person.to_string()).unwrap_or_default()) {
        /// Everyone if `None`.
        of: Option<PersonId>,
    } if |_, actor| require_admin(actor), detail |a| json!({ "everybody": a.of.is_none() }), while_frozen true;

    /// Marks an anomaly as reviewed (N-06).
    ReviewAnomaly = "anomaly.review" on "anomaly" (|a| a.id.to_string()) {
        id: EventId,
        /// The last occurrence that was shown to the reviewer.
        seen: Timestamp,
    } if |_, actor| require_admin(actor), while_frozen true;

    /// Freezes the tenant: changes are refused and no task starts until the freeze ends.
    FreezeTenant = "tenant.freeze" on "tenant" (|_| String::new()) {} if |_, actor| require_admin(actor), while_frozen true;

    UnfreezeTenant = "tenant.unfreeze" on "tenant" (|_| String::new()) {} if |_, actor| require_admin(actor), step_up true, while_frozen true;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Principal, SignedInBy, TenantId, Timestamp,
        role::{Role, TenantRole},
    };
    use uuid::Uuid;

    const ORG: OrganizationId = OrganizationId(Uuid::from_u128(9));
    const SELF: PersonId = PersonId(Uuid::from_u128(1));

    fn owner(tenant_role: TenantRole) -> Actor {
        let mut actor = Actor::clock(TenantId(Uuid::nil()), Timestamp(0));
        actor.principal = Principal::Person(SELF);
        actor.by = SignedInBy::Password;
        actor.tenant_role = tenant_role;
        actor.roles.insert(ORG, Role::Owner);
        actor
    }

    #[test]
    fn k_09_admins_use_every_emergency_action_and_owners_stop_tasks_of_their_organization() {
        let (admin, owner) = (owner(TenantRole::Admin), owner(TenantRole::Person));
        for whose in [Stopped::WholeTenant, Stopped::On(RunnerId(Uuid::nil())), Stopped::By(SELF)] {
            assert!(admin.may(StopTasks { whose }).is_ok() && owner.may(StopTasks { whose }).is_err(), "{whose:?}");
        }
        assert!(owner.may(StopTasks { whose: Stopped::Of(ORG) }).is_ok());
        assert!(owner.may(FreezeTenant {}).is_err() && admin.may(FreezeTenant {}).is_ok());
        assert!(
            owner.may(EndBrowserSessions { of: None }).is_err() && admin.may(EndBrowserSessions { of: None }).is_ok()
        );
    }

    #[test]
    fn k_09_nobody_locks_themselves_and_no_key_uses_emergency_actions() {
        let mut admin = owner(TenantRole::Admin);
        assert!(admin.may(LockPerson { person: SELF }).is_err());
        assert!(admin.may(LockPerson { person: PersonId(Uuid::nil()) }).is_ok());
        admin.scopes = Some("tasks:*".parse().unwrap());
        assert!(admin.may(StopTasks { whose: Stopped::WholeTenant }).is_err());
    }
}
