//! The one policy: what an actor may do, answered with a proof that nothing else can make.
use crate::{Actor, OrganisationId, network::NetworkPolicy, role::Role, scope::Scope};
use serde_json::Value;

/// Something that an actor may want to do.
pub trait Action {
    /// Its name in the audit log: noun, dot, verb.
    const NAME: &'static str;
    /// What a key must be allowed; `None` where a key is never enough and a person must be there.
    const SCOPE: Option<Scope> = None;

    /// `Ok` when `actor` may, else why not, in words for the actor.
    fn check(&self, actor: &Actor) -> Result<(), &'static str>;
    /// What it is done to: kind and id.
    fn target(&self) -> (&'static str, String);
    /// What else the record should say. Nothing secret and nothing personal.
    fn detail(&self) -> Value {
        Value::Null
    }
    /// Names and addresses, kept beside the record so that they can be erased.
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
    /// Who.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What.
    pub fn action(&self) -> &A {
        &self.action
    }
}

/// A refusal, with what the audit log needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Denied {
    /// [`Action::NAME`].
    pub action: &'static str,
    /// [`Action::target`].
    pub target: (&'static str, String),
    /// Why, in words for the actor.
    pub reason: &'static str,
}

pub(crate) fn decide<A: Action>(actor: &Actor, action: A) -> Result<Allowed<A>, Denied> {
    let verdict = match actor.has_scope(A::SCOPE) {
        true => action.check(actor),
        false if A::SCOPE.is_none() => Err("A key cannot do this; sign in with a browser."),
        false => Err("This key does not have the scope for it."),
    };
    match verdict {
        Ok(()) => Ok(Allowed { actor: actor.clone(), action }),
        Err(reason) => Err(Denied { action: A::NAME, target: action.target(), reason }),
    }
}

fn when(allowed: bool, why_not: &'static str) -> Result<(), &'static str> {
    if allowed { Ok(()) } else { Err(why_not) }
}

fn admin(actor: &Actor) -> Result<(), &'static str> {
    when(actor.is_admin(), "Only an admin of the tenant may do this.")
}

fn manages(actor: &Actor, organisation: OrganisationId) -> Result<(), &'static str> {
    let owner = actor.role_in(organisation) == Some(Role::Owner);
    when(actor.is_admin() || owner, "Only an owner of the organisation or an admin may do this.")
}

/// Actions that are one check and a few fields; `personal` names the fields that hold names or addresses.
macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $action:literal on $kind:literal ($target:expr) {
        $($(#[$fdoc:meta])* $field:ident: $type:ty),* $(,)?
    } if $check:expr $(, detail $detail:expr)? $(, personal $personal:expr)?;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name { $($(#[$fdoc])* pub $field: $type),* }

        impl Action for $name {
            const NAME: &'static str = $action;

            fn check(&self, actor: &Actor) -> Result<(), &'static str> {
                let check: fn(&Self, &Actor) -> Result<(), &'static str> = $check;
                check(self, actor)
            }
            fn target(&self) -> (&'static str, String) {
                let target: fn(&Self) -> String = $target;
                ($kind, target(self))
            }
            $(fn detail(&self) -> Value {
                let detail: fn(&Self) -> Value = $detail;
                detail(self)
            })?
            $(fn personal(&self) -> Value {
                let personal: fn(&Self) -> Value = $personal;
                personal(self)
            })?
        }
    )*};
}

mod access;
mod identity;
mod people;
mod tasks;

pub use access::{CreateEnrolment, CreateKey, EndOtherSessions, EndSession, RevokeKey, RevokeRunner};
pub use identity::{
    AdmitPerson, CloseBreakGlass, FRESH, FollowProvider, LinkIdentity, OpenBreakGlass, RemoveProvider, SetProvider,
    UnlinkIdentity,
};
pub use people::{
    ChangeRules, CreateOrganisation, CreatePerson, IssuePasswordLink, RemoveMembership, SetMembership, SetTenantRole,
};
pub use tasks::{CancelTask, Decide, ReadApprovals, ReadAudit, ReadTasks, SubmitTask};

/// Whether `policy` reaches beyond the sandbox: said in plain words wherever a task is shown.
pub const fn reaches_out(policy: NetworkPolicy) -> bool {
    !matches!(policy, NetworkPolicy::AirGapped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ApprovalId, PersonId, Principal, SignedInBy, TaskId, TenantId, Timestamp, approval::Answer,
        request::RequestDigest, role::TenantRole, task::SubmissionForm,
    };
    use uuid::Uuid;

    const ORG: OrganisationId = OrganisationId(Uuid::from_u128(9));

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
            organisation: ORG,
            requester: PersonId(Uuid::from_u128(1)),
            answer: Answer::Approve,
            reason: String::new(),
            request: RequestDigest([0; 32]),
        }
    }

    #[test]
    fn viewers_and_strangers_submit_nothing() {
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

    #[test]
    fn m_01_a_key_does_what_its_scopes_say_and_never_manages_people() {
        let mut key = person(1, Some(Role::Owner));
        key.scopes = Some("tasks:read".parse().unwrap());
        assert!(key.may(submit()).is_err());
        key.scopes = Some("tasks:*".parse().unwrap());
        assert!(key.may(submit()).is_ok());
        key.tenant_role = TenantRole::Admin;
        assert!(key.may(CreateOrganisation { name: "Ops".into() }).is_err());
    }
}
