//! What is done when something goes wrong: locking somebody out, ending sessions, freezing the tenant, stopping what runs (K-09).
//! What takes away asks for no fresh proof, so that nothing is in its way; what gives back does.
use super::{Action, admin, manages, when};
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

/// Stops all tasks of a tenant, an organization, a runner or a person: at once where they wait, through the runner where
/// they run.
#[derive(Debug)]
pub struct StopTasks {
    /// Whose.
    pub whose: Stopped,
}

impl Action for StopTasks {
    const NAME: &'static str = "task.stop_all";

    fn check(&self, actor: &Actor) -> Result<(), &'static str> {
        match self.whose {
            Stopped::Of(organization) => manages(actor, organization),
            _ => admin(actor),
        }
    }
    fn target(&self) -> (&'static str, String) {
        match self.whose {
            Stopped::Everybodys => ("tenant", String::new()),
            Stopped::Of(organization) => ("organization", organization.to_string()),
            Stopped::On(runner) => ("runner", runner.to_string()),
            Stopped::By(person) => ("person", person.to_string()),
        }
    }
}

actions! {
    /// Locks a person out: their sessions end, their keys stop working, and they cannot sign in.
    LockPerson = "person.lock" on "person" (|a| a.person.to_string()) {
        /// Whom.
        person: PersonId,
    } if |a, actor| {
        admin(actor)?;
        when(actor.person() != Some(a.person), "Another admin must lock you out.")
    };

    /// Lets a person in again.
    UnlockPerson = "person.unlock" on "person" (|a| a.person.to_string()) {
        /// Whom.
        person: PersonId,
    } if |_, actor| admin(actor), fresh true;

    /// Ends all sessions of one person, or of everybody but the one who does it.
    EndBrowserSessions = "browser_session.end_all" on "person" (|a| a.of.map(|person| person.to_string()).unwrap_or_default()) {
        /// Whose; everybody's without.
        of: Option<PersonId>,
    } if |_, actor| admin(actor), detail |a| json!({ "everybody": a.of.is_none() });

    /// Says that one has looked at something unusual (N-06).
    ReviewAnomaly = "anomaly.review" on "anomaly" (|a| a.id.to_string()) {
        /// At what.
        id: EventId,
        /// When it had happened last, as they saw it.
        seen: Timestamp,
    } if |_, actor| admin(actor);

    /// Freezes the tenant: nothing is changed and nothing starts until it is thawed.
    FreezeTenant = "tenant.freeze" on "tenant" (|_| String::new()) {} if |_, actor| admin(actor);

    /// Ends a freeze.
    ThawTenant = "tenant.thaw" on "tenant" (|_| String::new()) {} if |_, actor| admin(actor), fresh true;
}

/// What goes on while a tenant is frozen: signing in and out, taking rights away, runners' words about what they have, and
/// thawing. Everything else that would be recorded as done is refused.
pub fn goes_on_while_frozen(action: &str) -> bool {
    const NAMES: [&str; 28] = [
        "approval.expire",
        "identity.unlink",
        "invitation.revoke",
        "join_request.decline",
        "join_request.withdraw",
        "key.revoke",
        "key.revoke_all",
        "membership.leave",
        "membership.remove",
        "person.lock",
        "person.unlock",
        "provider.remove",
        "runner.connect",
        "runner.disconnect",
        "runner.refuse",
        "runner.renew",
        "runner.renewed",
        "runner.revoke",
        "task.cancel",
        "task.end",
        "task.finish",
        "task.refuse",
        "task.release",
        "task.start",
        "task.stop",
        "task.stop_all",
        "tenant.freeze",
        "tenant.thaw",
    ];
    // Who thaws it has to get in first: with a session, a second factor, or by breaking the glass.
    // What is unusual is found and looked at all the more.
    const NOUNS: [&str; 4] = ["break_glass.", "factor.", "browser_session.", "anomaly."];
    NAMES.contains(&action) || NOUNS.iter().any(|noun| action.starts_with(noun))
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

    #[test]
    fn k_09_a_freeze_lets_rights_be_taken_away_and_none_be_given() {
        for goes_on in ["browser_session.open", "key.revoke", "tenant.thaw", "task.finish", "membership.remove"] {
            assert!(goes_on_while_frozen(goes_on), "{goes_on}");
        }
        for stops in [
            "task.submit",
            "task.assign",
            "approval.decide",
            "key.create",
            "membership.set",
            "rules.change",
            "tenant.factor_policy",
        ] {
            assert!(!goes_on_while_frozen(stops), "{stops}");
        }
    }
}
