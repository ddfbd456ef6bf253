//! What is done when something goes wrong: locking somebody out, ending sessions, freezing the tenant, stopping what runs (K-09).
//! What takes away asks for no fresh proof, so that nothing is in its way; what gives back does.
use super::{Action, require_admin, require_manager, require};
use crate::{Actor, EventId, OrganizationId, PersonId, RunnerId, Timestamp};
use serde_json::{Value, json};

/// Whose tasks are stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The whole tenant's.
    Everybodys,
    /// An organization's.
    Of(OrganizationId),
    /// Those that a runner has.
    On(RunnerId),
    /// One person's.
    By(PersonId),
}

actions! {
    /// Stops all tasks of a tenant, an organization, a runner or a person: at once if they are waiting, through the runner if
    /// they are running.
    StopTasks = "task.stop_all" on "tenant" (|a| match a.whose {
        Stopped::Everybodys => String::new(),
        Stopped::Of(organization) => organization.to_string(),
        Stopped::On(runner) => runner.to_string(),
        Stopped::By(person) => person.to_string(),
    }) {
        whose: Stopped,
    } if |a, actor| match a.whose {
        Stopped::Of(organization) => require_manager(actor, organization),
        _ => require_admin(actor),
    }, kind |a| match a.whose {
        Stopped::Everybodys => "tenant",
        Stopped::Of(_) => "organization",
        Stopped::On(_) => "runner",
        Stopped::By(_) => "person",
    }, while_frozen true;

    /// Locks a person out: their sessions end, their keys stop working, and they cannot sign in.
    LockPerson = "person.lock" on "person" (|a| a.person.to_string()) {
        /// Whom.
        person: PersonId,
    } if |a, actor| {
        require_admin(actor)?;
        require(actor.person() != Some(a.person), "Another admin must lock you out.")
    }, while_frozen true;

    /// Lets a person in again.
    UnlockPerson = "person.unlock" on "person" (|a| a.person.to_string()) {
        /// Whom.
        person: PersonId,
    } if |_, actor| require_admin(actor), step_up true, while_frozen true;

    /// Ends all sessions of one person, or of everybody but the one who does it.
    EndBrowserSessions = "browser_session.end_all" on "person" (|a| a.of.map(|person| person.to_string()).unwrap_or_default()) {
        /// Whose; everybody's without.
        of: Option<PersonId>,
    } if |_, actor| require_admin(actor), detail |a| json!({ "everybody": a.of.is_none() }), while_frozen true;

    /// Says that one has looked at something unusual (N-06).
    ReviewAnomaly = "anomaly.review" on "anomaly" (|a| a.id.to_string()) {
        /// At what.
        id: EventId,
        /// When it had happened last, as they saw it.
        seen: Timestamp,
    } if |_, actor| require_admin(actor), while_frozen true;

    /// Freezes the tenant: nothing is changed and nothing starts until it is thawed.
    FreezeTenant = "tenant.freeze" on "tenant" (|_| String::new()) {} if |_, actor| require_admin(actor), while_frozen true;

    /// Ends a freeze.
    ThawTenant = "tenant.thaw" on "tenant" (|_| String::new()) {} if |_, actor| require_admin(actor), step_up true, while_frozen true;
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
    fn k_09_admins_pull_every_switch_and_owners_stop_what_is_theirs() {
        let (admin, owner) = (owner(TenantRole::Admin), owner(TenantRole::Person));
        for whose in [Stopped::Everybodys, Stopped::On(RunnerId(Uuid::nil())), Stopped::By(SELF)] {
            assert!(admin.may(StopTasks { whose }).is_ok() && owner.may(StopTasks { whose }).is_err(), "{whose:?}");
        }
        assert!(owner.may(StopTasks { whose: Stopped::Of(ORG) }).is_ok());
        assert!(owner.may(FreezeTenant {}).is_err() && admin.may(FreezeTenant {}).is_ok());
        assert!(
            owner.may(EndBrowserSessions { of: None }).is_err() && admin.may(EndBrowserSessions { of: None }).is_ok()
        );
    }

    #[test]
    fn k_09_nobody_locks_themselves_out_and_no_key_pulls_a_switch() {
        let mut admin = owner(TenantRole::Admin);
        assert!(admin.may(LockPerson { person: SELF }).is_err());
        assert!(admin.may(LockPerson { person: PersonId(Uuid::nil()) }).is_ok());
        admin.scopes = Some("tasks:*".parse().unwrap());
        assert!(admin.may(StopTasks { whose: Stopped::Everybodys }).is_err());
    }
}
