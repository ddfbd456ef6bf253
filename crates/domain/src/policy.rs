//! The one policy: what an actor may do, answered with a proof that nothing else can make.
use crate::{Actor, OrganizationId, network::NetworkPolicy, role::Role, scope::Scope};
use serde_json::Value;

/// Something that an actor may want to do.
pub trait Action {
    /// Its name in the audit log: noun, dot, verb.
    const NAME: &'static str;
    /// What a key must be allowed; `None` where a key is never enough and a person must be there.
    const SCOPE: Option<Scope> = None;
    /// Whether a person must have proved who they are a short while ago (M-14): a browser that was left open is not enough.
    const FRESH: bool = false;

    /// `Ok` when `actor` may, else why not, in words for the actor.
    fn check(&self, actor: &Actor) -> Result<(), &'static str>;
    /// [`Self::FRESH`], for an action that asks for it in some cases only.
    fn asks_for_proof(&self) -> bool {
        Self::FRESH
    }
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
    /// Whether nothing is missing but a fresh proof of who they are.
    pub stale: bool,
}

pub(crate) fn decide<A: Action>(actor: &Actor, action: A) -> Result<Allowed<A>, Denied> {
    let verdict = match actor.has_scope(A::SCOPE) {
        true => action.check(actor),
        false if A::SCOPE.is_none() => Err("A key cannot do this; sign in with a browser."),
        false => Err("This key does not have the scope for it."),
    };
    let refuse = |reason, stale| Err(Denied { action: A::NAME, target: action.target(), reason, stale });
    match verdict {
        // Last: who may not is not asked to prove anything.
        Ok(()) if action.asks_for_proof() && !actor.fresh => refuse("Prove first that it is you.", true),
        Ok(()) => Ok(Allowed { actor: actor.clone(), action }),
        Err(reason) => refuse(reason, false),
    }
}

fn when(allowed: bool, why_not: &'static str) -> Result<(), &'static str> {
    if allowed { Ok(()) } else { Err(why_not) }
}

/// What an admin or auditor is told who asks from elsewhere (M-14).
const HELD_OFF: &str = "Admin work is not allowed from this address.";

fn admin(actor: &Actor) -> Result<(), &'static str> {
    when(!actor.admin_blocked, HELD_OFF)?;
    when(actor.is_admin(), "Only an admin of the tenant may do this.")
}

pub(crate) fn manages(actor: &Actor, organization: OrganizationId) -> Result<(), &'static str> {
    let owner = actor.role_in(organization) == Some(Role::Owner);
    when(owner || !actor.admin_blocked, HELD_OFF)?;
    when(actor.is_admin() || owner, "Only an owner of the organization or an admin may do this.")
}

/// Actions that are one check and a few fields; `personal` names the fields that hold names or addresses, `fresh` says that
/// a person must have proved lately who they are.
macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $action:literal on $kind:literal ($target:expr) {
        $($(#[$fdoc:meta])* $field:ident: $type:ty),* $(,)?
    } if $check:expr $(, detail $detail:expr)? $(, personal $personal:expr)? $(, fresh $fresh:literal)?;)*) => {
        /// What they are called.
        pub(super) const NAMES: &[&str] = &[$($action),*];

        $(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name { $($(#[$fdoc])* pub $field: $type),* }

        impl Action for $name {
            const NAME: &'static str = $action;
            $(const FRESH: bool = $fresh;)?

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
mod emergency;
mod factors;
mod identity;
mod joining;
mod names;
mod organizations;
mod people;
mod tasks;

pub use access::{
    ChangeKey, CreateEnrollment, CreateKey, EndBrowserSession, EndOtherBrowserSessions, KeyEnd, ReadAccess, RevokeKey,
    RevokeKeysOf, RevokeRunner, RotateKey,
};
pub use emergency::{
    EndBrowserSessions, FreezeTenant, LockPerson, ReviewAnomaly, StopTasks, Stopped, ThawTenant, UnlockPerson,
    goes_on_while_frozen,
};
pub use factors::{
    ChangeAddress, ChangePassword, EnrollFactor, MakeRecoveryCodes, RemoveFactor, ReplaceAddress, ResetFactors,
    SetFactorPolicy,
};
pub use identity::{
    AdmitPerson, CloseBreakGlass, FollowProvider, LinkIdentity, OpenBreakGlass, RemoveProvider, SetProvider,
    UnlinkIdentity,
};
pub use joining::{
    AcceptInvitation, AcceptJoinRequest, AdmitInvited, AskToJoin, ConfirmInvited, DeclineJoinRequest, Invite,
    RevokeInvitation, WithdrawJoinRequest,
};
pub use names::names;
pub use organizations::{
    ArchiveOrganization, LeaveOrganization, OpenToRequests, RenameOrganization, RestoreOrganization,
};
pub use people::{
    ChangeRules, CreateOrganization, CreatePerson, CreateServiceAccount, FinishReview, HandOnServiceAccount,
    IssuePasswordLink, KeepReviewed, RemoveMembership, RevokeReviewed, SetMembership, SetTenantRole, StartReview,
};
pub use tasks::{CancelTask, Decide, ReadApprovals, ReadAudit, ReadTasks, SubmitTask};
pub(crate) use tasks::{decides, submits};

/// Whether `policy` reaches beyond the sandbox: said in plain words wherever a task is shown.
pub const fn reaches_out(policy: NetworkPolicy) -> bool {
    !matches!(policy, NetworkPolicy::Isolated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ApprovalId, PersonId, Principal, SignedInBy, TaskId, TenantId, Timestamp, approval::Answer,
        request::RequestDigest, role::TenantRole, task::SubmissionForm,
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
            requester: PersonId(Uuid::from_u128(1)),
            behind: [None, None],
            answer: Answer::Approve,
            reason: String::new(),
            request: RequestDigest([0; 32]),
            network: NetworkPolicy::Isolated,
        }
    }

    /// What somebody whose last proof is long ago is told.
    fn long_ago<A: Action>(mut actor: Actor, action: A) -> Option<bool> {
        actor.fresh = false;
        actor.may(action).err().map(|denied| denied.stale)
    }

    #[test]
    fn m_14_what_is_sensitive_asks_for_a_fresh_proof_and_nothing_else_does() {
        let mut admin = person(2, Some(Role::Owner));
        admin.tenant_role = TenantRole::Admin;
        assert_eq!(long_ago(admin.clone(), CreateOrganization { name: "Ops".into() }), Some(true));
        assert!(admin.may(CreateOrganization { name: "Ops".into() }).is_ok(), "with a fresh one");
        assert_eq!(long_ago(admin.clone(), submit()), None);
        assert_eq!(long_ago(admin.clone(), decide()), None, "a sealed task");
        let reaching = || Decide { network: NetworkPolicy::Unrestricted, ..decide() };
        assert_eq!(long_ago(admin.clone(), reaching()), Some(true));
        assert_eq!(
            long_ago(admin.clone(), Decide { answer: Answer::Deny, ..reaching() }),
            None,
            "a no is never held up"
        );
        assert_eq!(long_ago(person(1, None), CreateOrganization { name: "Ops".into() }), Some(false), "may not anyway");
        let mut key = admin;
        (key.principal, key.scopes) = (
            Principal::Key { key: crate::KeyId(Uuid::nil()), owner: PersonId(Uuid::from_u128(2)) },
            Some("approvals:*".parse().unwrap()),
        );
        assert!(key.may(reaching()).is_ok(), "of a key nothing is asked that it cannot do");
    }

    /// Every action there is, with whether it asks for a fresh proof. What takes something away in a hurry does not ask, and what
    /// is nobody's in a browser cannot be asked.
    macro_rules! fresh {
        ($($action:ident $fresh:literal)*) => { [$((<$action as Action>::NAME, <$action as Action>::FRESH, $fresh)),*] };
    }

    #[test]
    fn m_14_which_actions_ask_for_a_fresh_proof_is_written_down_for_all_of_them() {
        let written = fresh! {
            // Keys, sessions, runners
            CreateKey true ChangeKey true RotateKey true RevokeKey false RevokeKeysOf false EndBrowserSession false
            EndOtherBrowserSessions false ReadAccess false CreateEnrollment true RevokeRunner true
            // One's own account; the old password proves who changes it
            EnrollFactor true RemoveFactor true MakeRecoveryCodes true ChangePassword false ChangeAddress true
            LinkIdentity true UnlinkIdentity true
            // Other people's accounts
            ResetFactors true ReplaceAddress true SetFactorPolicy true CreatePerson true IssuePasswordLink true SetTenantRole true
            CreateServiceAccount true HandOnServiceAccount true
            // Providers; what they do themselves, and what the console does
            SetProvider true RemoveProvider true AdmitPerson false FollowProvider false OpenBreakGlass false
            CloseBreakGlass false
            // In an emergency
            StopTasks false LockPerson false UnlockPerson true EndBrowserSessions false ReviewAnomaly false FreezeTenant false
            ThawTenant true
            // Organizations and their members
            CreateOrganization true RenameOrganization true ArchiveOrganization true RestoreOrganization true
            OpenToRequests true SetMembership true RemoveMembership true LeaveOrganization true Invite true
            RevokeInvitation false AcceptInvitation false AdmitInvited false ConfirmInvited false AskToJoin false
            WithdrawJoinRequest false AcceptJoinRequest true DeclineJoinRequest false
            // Rules and reviews
            ChangeRules true StartReview true KeepReviewed false RevokeReviewed true FinishReview false
            // Tasks; a yes asks where the task reaches beyond its sandbox, see Decide::asks_for_proof
            SubmitTask false CancelTask false Decide false ReadTasks false ReadApprovals false ReadAudit false
        };
        for (name, asks, shall) in written {
            assert_eq!(asks, shall, "{name}");
        }
        let sources = [
            include_str!("policy/access.rs"),
            include_str!("policy/factors.rs"),
            include_str!("policy/identity.rs"),
            include_str!("policy/emergency.rs"),
            include_str!("policy/joining.rs"),
            include_str!("policy/organizations.rs"),
            include_str!("policy/people.rs"),
            include_str!("policy/tasks.rs"),
        ];
        let modules = include_str!("policy.rs").lines().filter(|line| line.starts_with("mod ") && line.ends_with(';'));
        let modules = modules.filter(|line| *line != "mod names;"); // which has only their names
        assert_eq!(modules.count(), sources.len(), "each of them is read here");
        for source in sources {
            let code = source.split("#[cfg(test)]").next().unwrap();
            let named = code.lines().filter_map(|line| {
                let line = line.trim();
                line.strip_prefix("const NAME: &'static str = ")
                    .or_else(|| line.split_once(" = ").map(|(_, name)| name).filter(|name| name.contains("\" on \"")))
            });
            for name in named.filter_map(|rest| rest.strip_prefix('"')?.split('"').next()) {
                assert!(written.iter().any(|(known, ..)| *known == name), "{name} is not in the list");
            }
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

    /// M-01: who can ask through somebody else's name would otherwise say yes to themselves.
    #[test]
    fn d_04_nobody_decides_what_they_stand_behind() {
        let person_2 = Some(PersonId(Uuid::from_u128(2)));
        for behind in [[person_2, None], [None, person_2], [person_2, person_2]] {
            let refused = person(2, Some(Role::Owner)).may(Decide { behind, ..decide() });
            assert!(refused.is_err_and(|denied| denied.reason.contains("Somebody else decides")), "{behind:?}");
            assert!(person(3, Some(Role::Approver)).may(Decide { behind, ..decide() }).is_ok(), "{behind:?}");
        }
    }

    #[test]
    fn m_14_an_admin_who_asks_from_elsewhere_is_none() {
        let mut admin = person(1, Some(Role::Member));
        admin.tenant_role = TenantRole::Admin;
        admin.admin_blocked = true;
        let denied = admin.may(CreateOrganization { name: "Ops".into() }).unwrap_err();
        assert_eq!(denied.reason, HELD_OFF);
        assert!(admin.may(ReadAudit).is_err() && !admin.reads_everything());
        assert!(admin.may(submit()).is_ok(), "what every member may do goes on");
        admin.admin_blocked = false;
        assert!(admin.may(CreateOrganization { name: "Ops".into() }).is_ok());
    }

    #[test]
    fn m_01_a_key_does_what_its_scopes_say_and_never_manages_people() {
        let mut key = person(1, Some(Role::Owner));
        key.scopes = Some("tasks:read".parse().unwrap());
        assert!(key.may(submit()).is_err());
        key.scopes = Some("tasks:*".parse().unwrap());
        assert!(key.may(submit()).is_ok());
        key.tenant_role = TenantRole::Admin;
        assert!(key.may(CreateOrganization { name: "Ops".into() }).is_err());
    }
}
