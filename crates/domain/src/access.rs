//! Who can reach a thing, what they can do with it, and why: the policy's own answers, asked about somebody else.
use crate::{
    Actor, KeyLimits, OrganizationId, PersonId, Principal, RunnerId, TaskId, TenantId, Timestamp,
    policy::{CancelTask, ReadTasks, RevokeKeysOf, RevokeRunner, require_approver, require_manager, require_submitter},
    role::{Role, TenantRole},
    scope::Scope,
    visibility::Sight,
};

/// What is reached.
#[derive(Clone, Copy, Debug)]
pub enum Thing {
    /// A task, with its output and receipt, and who stands behind its request besides its owner.
    Task(TaskId, Sight, [Option<PersonId>; 2]),
    /// An organization.
    Organization(OrganizationId),
    /// A runner: of the tenant, not of an organization.
    Runner(RunnerId),
    /// A service account, and who answers for it: whoever has a key of it acts as it.
    ServiceAccount(PersonId, PersonId),
}

/// A person who might reach it, or a program with a key of theirs.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The tenant, which is the thing's as well.
    pub tenant: TenantId,
    /// The person.
    pub person: PersonId,
    /// What they are in the tenant.
    pub tenant_role: TenantRole,
    /// What they are in the organization that the thing is of; the most that they are in any, where it is of none. Of a key for
    /// one organization it is what they are there.
    pub role: Option<Role>,
    /// What their key is limited to, if it is a key that asks.
    pub key: Option<KeyLimits>,
}

/// Why somebody reaches a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// They submitted it.
    Own,
    /// What they are in its organization.
    Role(Role),
    /// It asked for approval, and they are to judge such requests of its organization.
    Judges,
    /// Everybody of the tenant does.
    Everybody,
    /// What they are in the tenant.
    TenantRole(TenantRole),
    /// They answer for it.
    Answers,
    /// It is the account itself.
    Itself,
}

/// What somebody can do with a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Can {
    /// See it.
    See,
    /// Submit tasks to it.
    Submit,
    /// Answer its requests.
    Decide,
    /// Cancel it.
    Cancel,
    /// Manage it.
    Manage,
    /// Act as it.
    Act,
}

impl Thing {
    /// Where it belongs.
    pub fn organization(&self) -> Option<OrganizationId> {
        match self {
            Self::Task(_, sight, _) => Some(sight.organization),
            Self::Organization(id) => Some(*id),
            Self::Runner(_) | Self::ServiceAccount(..) => None,
        }
    }

    /// Its kind and id, as the audit log names them.
    pub fn name(&self) -> (&'static str, String) {
        match self {
            Self::Task(id, ..) => ("task", id.to_string()),
            Self::Organization(id) => ("organization", id.to_string()),
            Self::Runner(id) => ("runner", id.to_string()),
            Self::ServiceAccount(id, _) => ("service_account", id.to_string()),
        }
    }

    /// Why somebody reaches it; nothing when they do not.
    pub fn why(&self, who: &Candidate) -> Vec<Why> {
        let actor = who.actor(self.organization());
        match self {
            Self::Task(_, sight, _) => sight.why(&actor).collect(),
            Self::Organization(id) if !actor.reaches(*id) => vec![],
            Self::Organization(_) => who.role.map(Why::Role).into_iter().chain(reads(&actor)).collect(),
            Self::Runner(_) => [Why::Everybody].into_iter().chain(reads(&actor)).collect(),
            Self::ServiceAccount(account, _) if who.person == *account => vec![Why::Itself],
            // A key makes no keys, and the API says nothing of accounts.
            Self::ServiceAccount(..) if who.key.is_some() => vec![],
            Self::ServiceAccount(_, responsible) => {
                let answers = (who.person == *responsible).then_some(Why::Answers);
                answers.into_iter().chain(reads(&actor)).collect()
            }
        }
    }

    /// What they can do with it; nothing when they do not reach it. Whether it can be done just now is another question: a
    /// task that has ended is cancelled by nobody.
    pub fn can(&self, who: &Candidate) -> Vec<Can> {
        if self.why(who).is_empty() {
            return vec![];
        }
        let actor = who.actor(self.organization());
        let can_submit = |id| actor.has_scope(Some(Scope::TasksSubmit)) && require_submitter(&actor, id).is_ok();
        let can_decide = |id| actor.has_scope(Some(Scope::ApprovalsDecide)) && require_approver(&actor, id).is_ok();
        let can = match *self {
            Self::Task(task, Sight { owner, organization, asked, .. }, behind) => vec![
                (Can::See, actor.may(ReadTasks).is_ok()),
                (
                    Can::Decide,
                    asked && who.person != owner && !behind.contains(&Some(who.person)) && can_decide(organization),
                ),
                (Can::Cancel, actor.may(CancelTask { task, owner, organization }).is_ok()),
            ],
            Self::Organization(id) => vec![
                (Can::See, actor.may(ReadTasks).is_ok()),
                (Can::Submit, can_submit(id)),
                (Can::Decide, can_decide(id)),
                (Can::Manage, who.key.is_none() && require_manager(&actor, id).is_ok()),
            ],
            Self::Runner(runner) => vec![
                (Can::See, actor.may(ReadTasks).is_ok()),
                (Can::Submit, can_submit(who.place())),
                (Can::Manage, actor.may(RevokeRunner { runner }).is_ok()),
            ],
            Self::ServiceAccount(account, _) if who.person == account => vec![(Can::Act, who.key.is_some())],
            Self::ServiceAccount(owner, responsible) => vec![
                (Can::See, true),
                (Can::Manage, actor.may(RevokeKeysOf { owner, responsible: Some(responsible) }).is_ok()),
            ],
        };
        can.into_iter().filter_map(|(can, may)| may.then_some(can)).collect()
    }
}

/// In place of an organization, for what belongs to none.
const NOWHERE: OrganizationId = OrganizationId(uuid::Uuid::nil());

impl Candidate {
    /// As they would stand before the policy, freshly proved and from wherever they are let in: made for questions about
    /// them, and never handed to anybody who could act as them.
    fn actor(&self, of: Option<OrganizationId>) -> Actor {
        let mut actor = Actor::clock(self.tenant, Timestamp(0));
        actor.principal = Principal::Person(self.person);
        actor.tenant_role = self.tenant_role;
        actor.roles.extend(self.role.map(|role| (of.unwrap_or_else(|| self.place()), role)));
        match &self.key {
            Some(reins) => actor.by_key(self.person, reins),
            None => actor,
        }
    }

    /// Where their role counts, for what is of no organization.
    fn place(&self) -> OrganizationId {
        self.key.as_ref().and_then(|reins| reins.only).unwrap_or(NOWHERE)
    }
}

/// Whether somebody reads everything, as a reason.
fn reads(actor: &Actor) -> Option<Why> {
    actor.reads_everything().then_some(Why::TenantRole(actor.tenant_role))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyId, visibility::Visibility};
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

    fn task(visibility: Visibility, asked: bool) -> Thing {
        Thing::Task(TaskId(Uuid::nil()), Sight { owner: MIA, organization: OPS, visibility, asked }, [None; 2])
    }

    #[test]
    fn a_05_every_reason_is_told_and_nothing_is_told_of_who_has_none() {
        let quiet = task(Visibility::Private, false);
        assert_eq!(quiet.why(&person(MIA, Some(Role::Member))), [Why::Own]);
        assert_eq!(quiet.can(&person(MIA, Some(Role::Member))), [Can::See, Can::Cancel]);
        assert_eq!(
            (quiet.why(&person(BEN, Some(Role::Owner))), quiet.can(&person(BEN, Some(Role::Owner)))),
            (vec![], vec![])
        );
        let asked = task(Visibility::Org, true);
        let approver = person(BEN, Some(Role::Approver));
        assert_eq!(asked.why(&approver), [Why::Role(Role::Approver), Why::Judges]);
        assert_eq!(asked.can(&approver), [Can::See, Can::Decide]);
        assert_eq!(asked.can(&person(MIA, Some(Role::Approver))), [Can::See, Can::Cancel], "nobody decides their own");
        let Thing::Task(id, sight, _) = asked else { unreachable!() };
        let theirs = Thing::Task(id, sight, [Some(BEN), None]);
        assert_eq!(theirs.can(&approver), [Can::See], "nor what they answer for, or gave the key to");
        let adam = Candidate { tenant_role: TenantRole::Admin, ..person(BEN, None) };
        assert_eq!(quiet.why(&adam), [Why::TenantRole(TenantRole::Admin)]);
        assert_eq!(Thing::Organization(OPS).can(&adam), [Can::See, Can::Manage]);
        assert_eq!(Thing::Runner(RunnerId(Uuid::nil())).can(&adam), [Can::See, Can::Manage]);
        assert_eq!(task(Visibility::Public, false).why(&person(BEN, None)), [Why::Everybody]);
    }

    #[test]
    fn a_05_who_acts_as_a_service_account_is_its_keys_and_who_makes_them() {
        let robot = PersonId(Uuid::from_u128(7));
        let account = Thing::ServiceAccount(robot, MIA);
        assert_eq!(account.can(&with_key(person(robot, Some(Role::Member)), "tasks:read", None)), [Can::Act]);
        assert_eq!(account.can(&person(robot, Some(Role::Member))), [], "it never signs in");
        assert_eq!(account.why(&person(MIA, None)), [Why::Answers]);
        assert_eq!(account.can(&person(MIA, None)), [Can::See, Can::Manage]);
        assert_eq!(account.can(&with_key(person(MIA, Some(Role::Owner)), "tasks:*", None)), [], "no key makes keys");
        assert_eq!(account.why(&person(BEN, Some(Role::Owner))), []);
        let reader = |tenant_role| Candidate { tenant_role, ..person(BEN, None) };
        assert_eq!(account.can(&reader(TenantRole::Admin)), [Can::See, Can::Manage]);
        assert_eq!(account.can(&reader(TenantRole::Auditor)), [Can::See]);
    }

    #[test]
    fn m_01_a_key_reaches_no_more_than_its_owner_its_scopes_and_its_organization() {
        let (shared, member) = (task(Visibility::Org, false), person(BEN, Some(Role::Owner)));
        let can = |scopes, only| shared.can(&with_key(member.clone(), scopes, only));
        assert_eq!(can("tasks:*", None), [Can::See, Can::Cancel]);
        assert_eq!(can("tasks:cancel", Some(OPS)), [Can::Cancel]);
        assert_eq!(can("audit:read", None), []);
        assert_eq!(can("tasks:*", Some(NOWHERE)), [], "for another organization");
        let adam = Candidate { tenant_role: TenantRole::Admin, ..person(BEN, None) };
        let private = task(Visibility::Private, false);
        assert_eq!(private.can(&with_key(adam.clone(), "tasks:*", None)), [Can::See, Can::Cancel]);
        assert_eq!(
            private.can(&with_key(adam, "tasks:*", Some(OPS))),
            [],
            "within one organization nobody is an admin"
        );
        let build = Thing::Runner(RunnerId(Uuid::nil()));
        for only in [None, Some(OPS)] {
            let key = with_key(member.clone(), "tasks:*", only);
            assert_eq!(build.can(&key), [Can::See, Can::Submit], "what is of no organization: {only:?}");
        }
        let mut robot = with_key(member.clone(), "tasks:*,approvals:*", None);
        robot.key.as_mut().unwrap().service = true;
        assert_eq!(Thing::Organization(OPS).can(&robot), [Can::See, Can::Submit], "a service account decides nothing");
        let all = with_key(member, "tasks:*,approvals:*", None);
        assert_eq!(Thing::Organization(OPS).can(&all), [Can::See, Can::Submit, Can::Decide], "no key manages");
    }
}
