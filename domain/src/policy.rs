//! The one policy: what an actor may do, answered with a proof that nothing else can make.
use crate::{
    Actor, ApprovalId, EnrolmentId, KeyId, OrganisationId, PersonId, RunnerId, SessionId, TaskId,
    approval::Answer,
    network::NetworkPolicy,
    request::RequestDigest,
    role::{Role, TenantRole},
    rule::Rules,
    scope::{Scope, Scopes},
    task::Submission,
};
use serde_json::{Value, json};

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
        let role = actor.role_in(self.submission.organisation);
        when(role >= Some(Role::Member), "Only members of the organisation may submit tasks there.")
    }
    fn target(&self) -> (&'static str, String) {
        ("organisation", self.submission.organisation.to_string())
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
    pub organisation: OrganisationId,
}

impl Action for CancelTask {
    const NAME: &'static str = "task.cancel";
    const SCOPE: Option<Scope> = Some(Scope::TasksCancel);

    fn check(&self, actor: &Actor) -> Result<(), &'static str> {
        let own = actor.person() == Some(self.owner);
        let why_not = "Only the one who submitted it, an owner of its organisation or an admin may cancel a task.";
        when(own, why_not).or_else(|_| manages(actor, self.organisation).map_err(|_| why_not))
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
    pub organisation: OrganisationId,
    /// Who asks.
    pub requester: PersonId,
    /// The answer.
    pub answer: Answer,
    /// Why, as [`crate::approval::reason`] let it through.
    pub reason: String,
    /// The request that was shown to the person who answers.
    pub request: RequestDigest,
}

impl Action for Decide {
    const NAME: &'static str = "approval.decide";
    const SCOPE: Option<Scope> = Some(Scope::ApprovalsDecide);

    fn check(&self, actor: &Actor) -> Result<(), &'static str> {
        when(
            actor.role_in(self.organisation) >= Some(Role::Approver),
            "Only approvers of the organisation may decide.",
        )?;
        when(actor.person() != Some(self.requester), "Nobody decides a request of their own.")
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

actions! {
    /// Makes a person with a one-time link to set their password.
    CreatePerson = "person.create" on "tenant" (|_| String::new()) {
        /// Their address; belongs to one tenant only.
        email: crate::Email,
        /// What people call them.
        name: String,
        /// What they are in the tenant.
        tenant_role: TenantRole,
    } if |_, actor| admin(actor),
      detail |a| json!({ "tenant_role": a.tenant_role }),
      personal |a| json!({ "email": a.email, "name": a.name });

    /// Makes a new one-time link for a person to set their password with.
    IssuePasswordLink = "person.password_link" on "person" (|a| a.person.to_string()) {
        /// For whom.
        person: PersonId,
    } if |_, actor| admin(actor);

    /// Changes what a person is in the tenant.
    SetTenantRole = "person.tenant_role" on "person" (|a| a.person.to_string()) {
        /// Whose.
        person: PersonId,
        /// What they become.
        tenant_role: TenantRole,
    } if |a, actor| {
        admin(actor)?;
        when(actor.person() != Some(a.person), "Another admin must change your own role.")
    }, detail |a| json!({ "tenant_role": a.tenant_role });

    /// Makes an organisation.
    CreateOrganisation = "organisation.create" on "tenant" (|_| String::new()) {
        /// What people call it.
        name: String,
    } if |_, actor| admin(actor), detail |a| json!({ "name": a.name });

    /// Puts a person into an organisation, or changes their role there.
    SetMembership = "membership.set" on "organisation" (|a| a.organisation.to_string()) {
        /// Where.
        organisation: OrganisationId,
        /// Who.
        person: PersonId,
        /// As what.
        role: Role,
    } if |a, actor| manages(actor, a.organisation), detail |a| json!({ "person": a.person, "role": a.role });

    /// Takes a person out of an organisation.
    RemoveMembership = "membership.remove" on "organisation" (|a| a.organisation.to_string()) {
        /// Where.
        organisation: OrganisationId,
        /// Who.
        person: PersonId,
    } if |a, actor| manages(actor, a.organisation), detail |a| json!({ "person": a.person });

    /// Changes the tenant's rules.
    ChangeRules = "rules.change" on "tenant" (|_| String::new()) {
        /// The new ones.
        rules: Rules,
        /// The version that was shown to the person who changed them.
        version: i64,
    } if |_, actor| admin(actor), detail |a| json!({ "rules": a.rules });

    /// Makes an API key for oneself.
    CreateKey = "key.create" on "person" (|a| a.owner.to_string()) {
        /// Whose key.
        owner: PersonId,
        /// What people call it.
        name: String,
        /// What it may do.
        scopes: Scopes,
        /// When it stops working, if ever.
        expires_at: Option<crate::Timestamp>,
    } if |a, actor| {
        let console = actor.principal == crate::Principal::Console;
        when(console || actor.person() == Some(a.owner), "Keys are made by the person who uses them.")
    }, detail |a| json!({ "name": a.name, "scopes": a.scopes, "expires_at": a.expires_at });

    /// Revokes an API key.
    RevokeKey = "key.revoke" on "key" (|a| a.key.to_string()) {
        /// Which.
        key: KeyId,
        /// Whose it is.
        owner: PersonId,
    } if |a, actor| {
        when(actor.is_admin() || actor.person() == Some(a.owner), "Only its owner or an admin may revoke a key.")
    };

    /// Ends one session of one's own.
    EndSession = "session.end" on "session" (|a| a.session.to_string()) {
        /// Which.
        session: SessionId,
        /// Whose it is.
        owner: PersonId,
    } if |a, actor| when(actor.person() == Some(a.owner), "Only your own sessions.");

    /// Ends all sessions of one's own but the one in use.
    EndOtherSessions = "session.end_others" on "person" (|a| a.owner.to_string()) {
        /// Whose they are.
        owner: PersonId,
    } if |a, actor| when(actor.person() == Some(a.owner), "Only your own sessions.");

    /// Makes a one-time token that enrols a runner (S-01).
    CreateEnrolment = "runner.enrolment" on "enrolment" (|a| a.enrolment.to_string()) {
        /// The token's id.
        enrolment: EnrolmentId,
        /// What the runner will be called: 1 to 63 of a-z, 0-9 and hyphen.
        name: String,
    } if |_, actor| admin(actor), detail |a| json!({ "name": a.name });

    /// Revokes a runner: its certificate counts no more.
    RevokeRunner = "runner.revoke" on "runner" (|a| a.runner.to_string()) {
        /// Which.
        runner: RunnerId,
    } if |_, actor| admin(actor);
}

/// Whether `policy` reaches beyond the sandbox: said in plain words wherever a task is shown.
pub const fn reaches_out(policy: NetworkPolicy) -> bool {
    !matches!(policy, NetworkPolicy::AirGapped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Principal, SignedInBy, TenantId, Timestamp, task::SubmissionForm};
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
