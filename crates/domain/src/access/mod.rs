//! Access reports: who can reach a resource, what they can do with it, and why, by asking the policy about each person
//!
mod reason;
mod resource;

pub use reason::AccessReason;
pub use resource::Resource;

use crate::{
    Action, Actor, KeyLimits, OrganizationId, PersonId, Principal, TenantId, Timestamp,
    policy::{
        CancelTask, Decide, ReadTasks, RevokeKeysOf, RevokeRunner, SubmitTask, require_approver, require_decider,
        require_manager, require_submitter,
    },
    role::{Role, TenantRole},
    visibility::AccessAttributes,
};

/// A person who might have access, or a key of theirs.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The tenant of the resource as well.
    pub tenant: TenantId,
    pub person: PersonId,
    pub tenant_role: TenantRole,
    /// The role in the organization of the resource, or the highest role in any organization if the resource belongs
    /// to none. For a key that is limited to one organization, the role there.
    pub role: Option<Role>,
    /// The limits of the key, if the candidate is a key.
    pub key: Option<KeyLimits>,
}

/// An operation that a person can do on a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    See,
    /// Submit tasks to it.
    Submit,
    /// Decide its approval requests.
    Decide,
    Cancel,
    Manage,
    /// Act as the service account.
    Act,
}

impl Resource {
    /// Returns why a candidate has access; empty if they have none.
    pub fn why(&self, who: &Candidate) -> Vec<AccessReason> {
        let actor = who.actor(self.organization());
        match self {
            Self::Task(_, sight, ..) => sight.why(&actor).collect(),
            Self::Organization(id) if !actor.reaches(*id) => vec![],
            Self::Organization(_) => {
                who.role.map(AccessReason::Role).into_iter().chain(tenant_role_reason(&actor)).collect()
            }
            Self::Runner(_) => [AccessReason::Everybody].into_iter().chain(tenant_role_reason(&actor)).collect(),
            Self::ServiceAccount(account, _) if who.person == *account => vec![AccessReason::Itself],
            // Keys cannot create keys, and the API does not show accounts.
            Self::ServiceAccount(..) if who.key.is_some() => vec![],
            Self::ServiceAccount(_, responsible) => {
                let is_responsible = (who.person == *responsible).then_some(AccessReason::Responsible);
                is_responsible.into_iter().chain(tenant_role_reason(&actor)).collect()
            }
        }
    }

    /// Returns what a candidate can do; empty without access. The current state is not considered: a task that has
    /// ended cannot be cancelled by anyone.
    pub fn can(&self, who: &Candidate) -> Vec<Ability> {
        if self.why(who).is_empty() {
            return vec![];
        }
        let actor = who.actor(self.organization());
        let can_submit = |id| actor.has_scope(SubmitTask::SCOPE) && require_submitter(&actor, id).is_ok();
        let has_decide_scope = actor.has_scope(Decide::SCOPE);
        let can = match *self {
            Self::Task(task, AccessAttributes { owner, organization, required_approval, .. }, ref requesters, own) => {
                vec![
                    (Ability::See, actor.may(ReadTasks).is_ok()),
                    (
                        Ability::Decide,
                        required_approval
                            && has_decide_scope
                            && require_decider(&actor, organization, requesters, own).is_ok(),
                    ),
                    (Ability::Cancel, actor.may(CancelTask { task, owner, organization }).is_ok()),
                ]
            }
            Self::Organization(id) => vec![
                (Ability::See, actor.may(ReadTasks).is_ok()),
                (Ability::Submit, can_submit(id)),
                (Ability::Decide, has_decide_scope && require_approver(&actor, id).is_ok()),
                (Ability::Manage, who.key.is_none() && require_manager(&actor, id).is_ok()),
            ],
            Self::Runner(runner) => vec![
                (Ability::See, actor.may(ReadTasks).is_ok()),
                (Ability::Submit, can_submit(who.role_organization())),
                (Ability::Manage, actor.may(RevokeRunner { runner }).is_ok()),
            ],
            Self::ServiceAccount(account, _) if who.person == account => vec![(Ability::Act, who.key.is_some())],
            Self::ServiceAccount(owner, responsible) => vec![
                (Ability::See, true),
                (Ability::Manage, actor.may(RevokeKeysOf { owner, responsible: Some(responsible) }).is_ok()),
            ],
        };
        can.into_iter().filter_map(|(can, may)| may.then_some(can)).collect()
    }
}

/// A placeholder for resources that belong to no organization.
const NO_ORGANIZATION: OrganizationId = OrganizationId(uuid::Uuid::nil());

impl Candidate {
    /// Returns the candidate as an actor with fresh authentication from an allowed network. It only evaluates the
    /// policy about the candidate and never authenticates anyone.
    fn actor(&self, of: Option<OrganizationId>) -> Actor {
        let mut actor = Actor::clock(self.tenant, Timestamp(0));
        actor.principal = Principal::Person(self.person);
        actor.tenant_role = self.tenant_role;
        actor.roles.extend(self.role.map(|role| (of.unwrap_or_else(|| self.role_organization()), role)));
        match &self.key {
            Some(limits) => actor.by_key(self.person, limits),
            None => actor,
        }
    }

    /// Returns the organization of the role, for resources that belong to none.
    fn role_organization(&self) -> OrganizationId {
        self.key.as_ref().and_then(|limits| limits.only).unwrap_or(NO_ORGANIZATION)
    }
}

fn tenant_role_reason(actor: &Actor) -> Option<AccessReason> {
    actor.can_read_everything().then_some(AccessReason::TenantRole(actor.tenant_role))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyId, RunnerId, TaskId, approval::Requesters, visibility::Visibility};
    use uuid::Uuid;

    const OPS: OrganizationId = OrganizationId(Uuid::from_u128(9));
    const MIA: PersonId = PersonId(Uuid::from_u128(1));
    const BEN: PersonId = PersonId(Uuid::from_u128(2));

    fn person(person: PersonId, role: Option<Role>) -> Candidate {
        Candidate { tenant: TenantId(Uuid::nil()), person, tenant_role: TenantRole::Person, role, key: None }
    }

    fn with_key(mut who: Candidate, scopes: &str, only: Option<OrganizationId>) -> Candidate {
        let (key, scopes) = (KeyId(Uuid::nil()), scopes.parse().unwrap());
        who.key = Some(KeyLimits { key, scopes, only, service: false });
        who
    }

    fn task(visibility: Visibility, required_approval: bool) -> Resource {
        Resource::Task(
            TaskId(Uuid::nil()),
            AccessAttributes { owner: MIA, organization: OPS, visibility, required_approval },
            Requesters::only(MIA),
            false,
        )
    }

    #[test]
    fn a_05_every_reason_is_listed_and_without_access_there_is_none() {
        let private = task(Visibility::Private, false);
        assert_eq!(private.why(&person(MIA, Some(Role::Member))), [AccessReason::Own]);
        assert_eq!(private.can(&person(MIA, Some(Role::Member))), [Ability::See, Ability::Cancel]);
        assert_eq!(
            (private.why(&person(BEN, Some(Role::Owner))), private.can(&person(BEN, Some(Role::Owner)))),
            (vec![], vec![])
        );
        let decided = task(Visibility::Org, true);
        let approver = person(BEN, Some(Role::Approver));
        assert_eq!(decided.why(&approver), [AccessReason::Role(Role::Approver), AccessReason::Approver]);
        assert_eq!(decided.can(&approver), [Ability::See, Ability::Decide]);
        assert_eq!(
            decided.can(&person(MIA, Some(Role::Approver))),
            [Ability::See, Ability::Cancel],
            "people cannot decide their own requests"
        );
        let Resource::Task(id, sight, ..) = decided else { unreachable!() };
        let requesters = Requesters { responsible: [None, Some(BEN)], ..Requesters::only(MIA) };
        let theirs = Resource::Task(id, sight, requesters, false);
        assert_eq!(theirs.can(&approver), [Ability::See], "nor a request that they are responsible for");
        let own = Resource::Task(id, sight, requesters, true);
        assert_eq!(own.can(&approver), [Ability::See, Ability::Decide], "the tenant allows it");
        assert_eq!(own.can(&person(MIA, Some(Role::Approver))), [Ability::See, Ability::Decide, Ability::Cancel]);
        let adam = Candidate { tenant_role: TenantRole::Admin, ..person(BEN, None) };
        assert_eq!(private.why(&adam), [AccessReason::TenantRole(TenantRole::Admin)]);
        assert_eq!(Resource::Organization(OPS).can(&adam), [Ability::See, Ability::Manage]);
        assert_eq!(Resource::Runner(RunnerId(Uuid::nil())).can(&adam), [Ability::See, Ability::Manage]);
        assert_eq!(task(Visibility::Public, false).why(&person(BEN, None)), [AccessReason::Everybody]);
    }

    #[test]
    fn a_05_keys_act_as_a_service_account_and_its_responsible_person_manages_them() {
        let robot = PersonId(Uuid::from_u128(7));
        let account = Resource::ServiceAccount(robot, MIA);
        assert_eq!(account.can(&with_key(person(robot, Some(Role::Member)), "tasks:read", None)), [Ability::Act]);
        assert_eq!(account.can(&person(robot, Some(Role::Member))), [], "it never signs in");
        assert_eq!(account.why(&person(MIA, None)), [AccessReason::Responsible]);
        assert_eq!(account.can(&person(MIA, None)), [Ability::See, Ability::Manage]);
        assert_eq!(account.can(&with_key(person(MIA, Some(Role::Owner)), "tasks:*", None)), [], "no key creates keys");
        assert_eq!(account.why(&person(BEN, Some(Role::Owner))), []);
        let reader = |tenant_role| Candidate { tenant_role, ..person(BEN, None) };
        assert_eq!(account.can(&reader(TenantRole::Admin)), [Ability::See, Ability::Manage]);
        assert_eq!(account.can(&reader(TenantRole::Auditor)), [Ability::See]);
    }

    #[test]
    fn m_01_a_key_is_limited_by_its_owner_its_scopes_and_its_organization() {
        let (shared, member) = (task(Visibility::Org, false), person(BEN, Some(Role::Owner)));
        let can = |scopes, only| shared.can(&with_key(member.clone(), scopes, only));
        assert_eq!(can("tasks:*", None), [Ability::See, Ability::Cancel]);
        assert_eq!(can("tasks:cancel", Some(OPS)), [Ability::Cancel]);
        assert_eq!(can("audit:read", None), []);
        assert_eq!(can("tasks:*", Some(NO_ORGANIZATION)), [], "for another organization");
        let adam = Candidate { tenant_role: TenantRole::Admin, ..person(BEN, None) };
        let private = task(Visibility::Private, false);
        assert_eq!(private.can(&with_key(adam.clone(), "tasks:*", None)), [Ability::See, Ability::Cancel]);
        assert_eq!(
            private.can(&with_key(adam, "tasks:*", Some(OPS))),
            [],
            "a key for one organization has no admin rights"
        );
        let build = Resource::Runner(RunnerId(Uuid::nil()));
        for only in [None, Some(OPS)] {
            let key = with_key(member.clone(), "tasks:*", only);
            assert_eq!(
                build.can(&key),
                [Ability::See, Ability::Submit],
                "a resource without an organization: {only:?}"
            );
        }
        let mut robot = with_key(member.clone(), "tasks:*,approvals:*", None);
        robot.key.as_mut().unwrap().service = true;
        assert_eq!(
            Resource::Organization(OPS).can(&robot),
            [Ability::See, Ability::Submit],
            "a service account decides nothing"
        );
        let all = with_key(member, "tasks:*,approvals:*", None);
        assert_eq!(
            Resource::Organization(OPS).can(&all),
            [Ability::See, Ability::Submit, Ability::Decide],
            "no key manages"
        );
    }
}
