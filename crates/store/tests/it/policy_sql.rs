//! SQL conditions that repeat the policy (D-03, D-04): the store and `domain::policy` agree in random worlds.
use crate::{
    raw::Raw,
    world::{World, hash, holding, needs_approval, on_both, person},
};
use domain::{
    Actor, KeyId, KeyLimits, OrganizationId, PersonId,
    access::{Ability, Resource},
    approval::{Answer, ApprovalState, Requesters},
    policy::{
        ArchiveOrganization, CancelTask, ChangeRules, CreateKey, CreateOrganization, CreatePerson,
        CreateServiceAccount, Decide, Invite, LockPerson, ReadAccess, RemoveMembership, RequestMembership,
        SetAcceptsJoinRequests, SetMembership, SetSelfApproval, SetTenantRole, TransferServiceAccount,
    },
    role::{Role, TenantRole},
    rule::{Rule, Rules, Verdict},
    visibility::{AccessAttributes, Visibility},
};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use std::{collections::BTreeSet, time::Duration};
use store::{Approval, ApprovalFilter, Conflict, Error, NewInvitation, Write};
use tokio::{runtime::Handle, task::block_in_place};
use uuid::Uuid;

const PEOPLE: usize = 5;
const SERVICE_ACCOUNTS: usize = 2;
const ORGANIZATIONS: usize = 3;

/// What becomes of an approval request before the comparison.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Waits,
    Withdrawn,
    Denied,
}

/// A tenant in numbers.
#[derive(Clone, Debug)]
struct Plan {
    /// By person.
    tenant_roles: Vec<TenantRole>,
    /// By person, then by organization.
    roles: Vec<Vec<Option<Role>>>,
    /// By service account: the creator of its key, its responsible person, and its roles by organization.
    accounts: Vec<(usize, usize, Vec<Role>)>,
    /// By task: the requester (people, then service accounts), the organization, who approved it, and its fate.
    tasks: Vec<(usize, usize, BTreeSet<usize>, Fate)>,
    locked: Option<usize>,
    archived: Option<usize>,
    self_approval: bool,
    /// The accounts on hold (people, then service accounts), and the people who made the changes.
    holds: BTreeSet<(usize, usize)>,
}

fn plans() -> impl Strategy<Value = Plan> {
    let role = || prop_oneof![1 => Just(None), 1 => select(Role::ALL).prop_map(Some), 2 => Just(Some(Role::Approver))];
    let tenant_role = prop_oneof![3 => Just(TenantRole::Person), 1 => select(TenantRole::ALL)];
    let account = (0..PEOPLE, 0..PEOPLE, prop::collection::vec(select(&Role::ALL[1..]), ORGANIZATIONS));
    let fate = prop_oneof![6 => Just(Fate::Waits), 1 => Just(Fate::Withdrawn), 1 => Just(Fate::Denied)];
    let approved = prop::collection::btree_set(0..PEOPLE, 0..2);
    let one = (0..PEOPLE + SERVICE_ACCOUNTS, 0..ORGANIZATIONS, approved, fate);
    (
        prop::collection::vec(tenant_role, PEOPLE),
        prop::collection::vec(prop::collection::vec(role(), ORGANIZATIONS), PEOPLE),
        prop::collection::vec(account, SERVICE_ACCOUNTS),
        prop::collection::vec(one, 4..10),
        prop::option::weighted(0.3, 0..PEOPLE),
        prop::option::weighted(0.3, 0..ORGANIZATIONS),
        any::<bool>(),
        prop::collection::btree_set((0..PEOPLE + SERVICE_ACCOUNTS, 0..PEOPLE), 0..4),
    )
        .prop_map(|(tenant_roles, roles, accounts, tasks, locked, archived, self_approval, holds)| Plan {
            tenant_roles,
            roles,
            accounts,
            tasks,
            locked,
            archived,
            self_approval,
            holds,
        })
}

/// A tenant that was built from a plan.
struct Tenant {
    console: Actor,
    organizations: Vec<OrganizationId>,
    /// Everybody as an owner of all organizations and an admin, before the planned roles were set; by person.
    before: Vec<Actor>,
    /// Everybody who is not locked, with their present roles.
    people: Vec<Actor>,
    /// The keys of the service accounts, with the scopes to submit and to decide.
    accounts: Vec<Actor>,
    /// The accounts on hold, and the people who made the changes.
    holds: BTreeSet<(PersonId, PersonId)>,
}

impl Tenant {
    /// Returns a request as an actor sees it: with the end of a hold, if one of these people and the actor are one person, or a third person
    /// is behind both.
    fn seen_by(&self, actor: &Actor, approval: &Approval) -> Approval {
        let person = actor.person().unwrap();
        let behind = |of: PersonId| {
            let makers = self.holds.iter().filter(move |(held, _)| *held == of).map(|(_, maker)| *maker);
            makers.chain([of]).collect::<BTreeSet<_>>()
        };
        let Requesters { requester, responsible: [first, present], key_creator } = approval.requesters();
        let others = [Some(requester), first, present, key_creator]
            .into_iter()
            .flatten()
            .filter(|requester| *requester != person);
        let is_held = others.into_iter().any(|requester| !behind(requester).is_disjoint(&behind(person)));
        Approval { held_until: is_held.then_some(approval.expires_at), ..approval.clone() }
    }
}

async fn change<T>(world: &World, actor: &Actor, work: impl AsyncFnOnce(&mut Write) -> T) -> T {
    let mut write = world.store.write(actor).await.unwrap();
    let done = work(&mut write).await;
    write.commit().await.unwrap();
    done
}

/// Returns the actor of a key of `owner` without limits other than its scopes.
fn by_key(owner: &Actor, scopes: &str, service: bool) -> Actor {
    let limits = KeyLimits { key: KeyId(Uuid::from_u128(1)), scopes: scopes.parse().unwrap(), only: None, service };
    owner.clone().by_key(owner.person().unwrap(), &limits)
}

/// Creates the organizations, and `PEOPLE` people who own them all and are admins, apart from planned admins who are to be
/// no members.
async fn settle(world: &World, plan: &Plan, console: &Actor) -> (Vec<OrganizationId>, Vec<PersonId>, PersonId) {
    let version = world.store.read(console).await.unwrap().rules().await.unwrap().version;
    let mut write = world.store.write(console).await.unwrap();
    let mut organizations: Vec<OrganizationId> = vec![];
    for at in 0..ORGANIZATIONS {
        let new = CreateOrganization { name: format!("organization {at}") };
        organizations.push(write.create_organization(console.may(new).unwrap()).await.unwrap());
        let open = SetAcceptsJoinRequests { organization: organizations[at], open: true };
        write.set_accepts_join_requests(console.may(open).unwrap()).await.unwrap();
    }
    let mut people = vec![];
    for at in 0..=PEOPLE {
        let email = domain::Email::parse(&format!("p{at}@{}.example", console.tenant)).unwrap();
        let new = CreatePerson { email, name: format!("person {at}"), tenant_role: TenantRole::Admin };
        people.push(write.create_person(console.may(new).unwrap()).await.unwrap());
        for (of, organization) in organizations.iter().copied().enumerate() {
            if at == PEOPLE || plan.roles[at][of].is_some() || plan.tenant_roles[at] != TenantRole::Admin {
                let set = SetMembership { organization, person: people[at], role: Role::Owner };
                write.set_membership(console.may(set).unwrap()).await.unwrap();
            }
        }
    }
    let ask = Verdict::Ask { approvers: 9, hours: 24, passkey: false };
    let all = Rule::new("all", ask);
    let change = ChangeRules { rules: Rules::new(vec![all]).unwrap(), version };
    write.change_rules(console.may(change).unwrap()).await.unwrap();
    write.commit().await.unwrap();
    let steward = people.pop().unwrap();
    (organizations, people, steward)
}

/// Creates the service accounts with their keys, and returns the actors of the keys.
async fn create_accounts(
    world: &World,
    plan: &Plan,
    console: &Actor,
    organizations: &[OrganizationId],
    people: &[Actor],
) -> Vec<Actor> {
    let mut accounts = vec![];
    for (at, (creator, responsible, _)) in plan.accounts.iter().enumerate() {
        let creator = &people[*creator];
        let new = CreateServiceAccount { name: format!("account {at}"), responsible: creator.person().unwrap() };
        let id = change(world, console, async |write| {
            let id = write.create_service_account(console.may(new).unwrap()).await.unwrap();
            for organization in organizations.iter().copied() {
                let set = SetMembership { organization, person: id, role: Role::Member };
                write.set_membership(console.may(set).unwrap()).await.unwrap();
            }
            id
        });
        let account = person(&world.store, console.tenant, id.await).await;
        let scopes = "tasks:*";
        let new = CreateKey { responsible: creator.person(), ..crate::world::new_key(&account, "key", scopes) };
        let token = hash(&Uuid::new_v4().to_string());
        let key = change(world, creator, async |write| write.create_key(creator.may(new).unwrap(), "mk_", token).await);
        let holder = holding(&account, key.await.unwrap(), scopes);
        let successor = people[*responsible].person().unwrap();
        if Some(successor) != creator.person() {
            let (account, responsible) = (account.person().unwrap(), creator.person().unwrap());
            let hand_on = TransferServiceAccount { account, responsible, successor, revoke: false };
            let transfer = console.may(hand_on).unwrap();
            change(world, console, async |write| write.transfer_service_account(transfer).await).await.unwrap();
        }
        accounts.push(holder);
    }
    accounts
}

async fn build(world: &World, plan: &Plan) -> Tenant {
    let tenant = world.store.system().create_tenant(&store::new_id().to_string()).await.unwrap();
    let console = Actor::console(tenant, world.now());
    let (organizations, people, steward) = settle(world, plan, &console).await;
    let steward = person(&world.store, tenant, steward).await;
    let mut before = vec![];
    for id in &people {
        before.push(person(&world.store, tenant, *id).await);
    }
    let accounts = create_accounts(world, plan, &console, &organizations, &before).await;

    for actor in &before {
        for organization in organizations.iter().copied() {
            let (email, invitation) = (None, domain::InvitationId(store::new_id()));
            let invite = Invite { invitation, organization, role: Role::Viewer, email, uses: 1, days: 7 };
            let link = NewInvitation { token: String::new(), token_hash: hash(&invitation.to_string()) };
            change(world, actor, async |write| write.invite(actor.may(invite).unwrap(), link).await).await.unwrap();
        }
    }
    let email = domain::Email::parse(&format!("guest@{tenant}.example")).unwrap();
    let guest = CreatePerson { email, name: "guest".into(), tenant_role: TenantRole::Person };
    let guest = change(world, &console, async |write| write.create_person(console.may(guest).unwrap()).await).await;
    let guest = person(&world.store, tenant, guest.unwrap()).await;
    for organization in organizations.iter().copied() {
        let ask = RequestMembership { organization, person: guest.person().unwrap(), reason: "I help".into() };
        change(world, &guest, async |write| write.request_membership(guest.may(ask).unwrap()).await).await.unwrap();
    }

    let allow = SetSelfApproval { allowed: plan.self_approval };
    change(world, &console, async |write| write.set_self_approval(console.may(allow).unwrap()).await).await.unwrap();

    for (requester, organization, approved, fate) in &plan.tasks {
        let requester = before.get(*requester).unwrap_or_else(|| &accounts[*requester - PEOPLE]);
        let Ok(submit) = requester.may(needs_approval(organizations[*organization])) else { continue };
        let made = world.change(requester, async |write| write.submit_task(submit).await).await.unwrap();
        let approval = world.store.read(&console).await.unwrap().approval_of(made.id).await.unwrap().unwrap();
        let answered = |answer| approval.decide_action(answer, "reviewed".into(), approval.request_digest);
        for by in approved.iter().map(|at| &before[*at]) {
            let Ok(approve) = by.may(answered(Answer::Approve)) else { continue };
            let state = change(world, by, async |write| write.decide(approve).await).await.unwrap();
            assert_eq!(state, ApprovalState::Waiting);
        }
        match fate {
            Fate::Waits => {}
            Fate::Withdrawn => withdraw(world, &console, &approval).await,
            Fate::Denied => {
                let deny = steward.may(answered(Answer::Deny)).unwrap();
                change(world, &steward, async |write| write.decide(deny).await).await.unwrap();
            }
        }
    }
    set_planned_roles(world, plan, &console, &organizations, &people, &accounts, steward.person()).await;
    let mut present = vec![steward];
    for (at, id) in people.iter().enumerate() {
        if plan.locked != Some(at) {
            present.push(person(&world.store, tenant, *id).await);
        }
    }
    let mut keys = vec![];
    for account in &accounts {
        let now = person(&world.store, tenant, account.person().unwrap()).await;
        keys.push(by_key(&now, "tasks:*,approvals:*", true));
    }
    let account = |at: usize| people.get(at).copied().or_else(|| accounts.get(at - PEOPLE)?.person());
    let holds = plan.holds.iter().filter_map(|(held, maker)| Some((account(*held)?, account(*maker)?)));
    let holds: BTreeSet<_> = holds.filter(|(held, maker)| held != maker).collect();
    let mut raw = Raw::of(world).await;
    for (held, maker) in &holds {
        let (tenant, held, maker) = (raw.id(tenant.0), raw.id(held.0), raw.id(maker.0));
        let (now, end) = (world.now().0, world.now().after(Duration::from_hours(1)).0);
        raw.run(&format!(
            "insert into account_hold (tenant_id, person_id, maker_id, cause, created_at, expires_at)
             values ({tenant}, {held}, {maker}, 'role', {now}, {end})"
        ))
        .await
        .unwrap();
    }
    Tenant { console, organizations, before, people: present, accounts: keys, holds }
}

async fn withdraw(world: &World, console: &Actor, approval: &Approval) {
    let (owner, organization) = (approval.requester_id, approval.organization_id);
    let cancel = console.may(CancelTask { task: approval.task_id, owner, organization }).unwrap();
    change(world, console, async |write| write.cancel_task(cancel).await).await.unwrap();
}

async fn set_planned_roles(
    world: &World,
    plan: &Plan,
    console: &Actor,
    organizations: &[OrganizationId],
    people: &[PersonId],
    accounts: &[Actor],
    successor: Option<PersonId>,
) {
    let mut write = world.store.write(console).await.unwrap();
    for (at, person) in people.iter().copied().enumerate() {
        for (organization, role) in organizations.iter().copied().zip(&plan.roles[at]) {
            match *role {
                Some(role) => {
                    let set = SetMembership { organization, person, role };
                    write.set_membership(console.may(set).unwrap()).await.unwrap();
                }
                None if plan.tenant_roles[at] == TenantRole::Admin => {} // was never a member
                None => {
                    let remove = RemoveMembership { organization, person, successor };
                    write.remove_membership(console.may(remove).unwrap()).await.unwrap();
                }
            }
        }
        let set = SetTenantRole { person, tenant_role: plan.tenant_roles[at] };
        write.set_tenant_role(console.may(set).unwrap()).await.unwrap();
        if plan.locked == Some(at) {
            write.lock_person(console.may(LockPerson { person }).unwrap()).await.unwrap();
        }
    }
    for (account, (_, _, roles)) in accounts.iter().zip(&plan.accounts) {
        for (organization, role) in organizations.iter().copied().zip(roles.iter().copied()) {
            let set = SetMembership { organization, person: account.person().unwrap(), role };
            write.set_membership(console.may(set).unwrap()).await.unwrap();
        }
    }
    write.commit().await.unwrap();
    if let Some(at) = plan.archived {
        let organization = organizations[at];
        let filter = ApprovalFilter { state: Some(ApprovalState::Waiting), organization: Some(organization) };
        let waiting = world.store.read(console).await.unwrap().approvals(&filter, None, 100).await.unwrap();
        for approval in &waiting.items {
            withdraw(world, console, approval).await;
        }
        let archive = console.may(ArchiveOrganization { organization }).unwrap();
        change(world, console, async |write| write.archive_organization(archive).await).await.unwrap();
    }
}

/// Runs a check in random worlds.
#[expect(clippy::result_large_err, reason = "the error contains the failing plan")]
fn in_random_worlds(world: &World, check: impl AsyncFn(&Plan, &Tenant) -> Result<(), TestCaseError>) {
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let result = block_in_place(|| {
        runner
            .run(&plans(), |plan| Handle::current().block_on(async { check(&plan, &build(world, &plan).await).await }))
    });
    result.unwrap();
}

/// Returns whether the policy lets an actor decide a request, apart from step-up authentication.
fn may_decide(actor: &Actor, approval: &Approval) -> bool {
    actor.may(approval.decide_action(Answer::Deny, "no".into(), approval.request_digest)).is_ok()
}

on_both! {
    async fn d_04_sql_and_the_policy_agree_about_who_decides_in_random_worlds(world) {
        in_random_worlds(world, async |_, tenant| {
            let mut read = world.store.read(&tenant.console).await.unwrap();
            let all = read.approvals(&ApprovalFilter::default(), None, 100).await.unwrap().items;
            let mut decided = BTreeSet::new();
            for approval in &all {
                decided.extend(read.decisions(approval.task_id).await.unwrap().into_iter().map(|by| (approval.id, by.person_id)));
            }
            drop(read);
            let keys = tenant.people.iter().flat_map(|of| ["approvals:*", "approvals:read"].map(|scopes| by_key(of, scopes, false)));
            for actor in tenant.people.iter().cloned().chain(keys).chain(tenant.accounts.clone()) {
                let open = |approval: &&Approval| approval.state == ApprovalState::Waiting && !decided.contains(&(approval.id, actor.person().unwrap()));
                let expected: Vec<_> = all.iter().rev().filter(open).filter(|approval| may_decide(&actor, &tenant.seen_by(&actor, approval))).map(|approval| approval.id).collect();
                let mut read = world.store.read(&actor).await.unwrap();
                let found: Vec<_> = read.approvals_for_me(100).await.unwrap().into_iter().map(|approval| approval.id).collect();
                prop_assert_eq!(&found, &expected, "{:?} {:?}", actor, all);
                prop_assert_eq!(read.approvals_waiting_for_me().await.unwrap(), i64::try_from(expected.len()).unwrap());
                // A request is as visible as a private task that needed approval.
                let sees = |approval: &&Approval| {
                    let (owner, organization) = (approval.requester_id, approval.organization_id);
                    AccessAttributes { owner, organization, visibility: Visibility::Private, required_approval: true }.is_visible_to(&actor)
                };
                let listed = read.approvals(&ApprovalFilter::default(), None, 100).await.unwrap().items;
                let listed: Vec<_> = listed.into_iter().map(|approval| approval.id).collect();
                prop_assert_eq!(listed, all.iter().filter(sees).map(|approval| approval.id).collect::<Vec<_>>());
            }
            // The transaction checks again whose request it is and who is on hold, because that may have changed since the policy saw it.
            for approval in all.iter().filter(|approval| approval.state == ApprovalState::Waiting) {
                for actor in &tenant.people {
                    let before = approval.decide_action(Answer::Deny, "no".into(), approval.request_digest);
                    let Ok(proof) = actor.may(Decide { requesters: Requesters::only(approval.requester_id), held_until: None, ..before }) else { continue };
                    let mut write = world.store.write(actor).await.unwrap();
                    let result = write.decide(proof).await;
                    let is_behind = matches!(result, Err(Error::Conflict(Conflict::DeciderIsResponsible | Conflict::DeciderCreatedKey | Conflict::DeciderOnHold)));
                    prop_assert_eq!(is_behind, !may_decide(actor, &tenant.seen_by(actor, approval)), "{:?} {:?}", actor, result);
                    let again = matches!(result, Err(Error::Conflict(Conflict::AlreadyDecided)));
                    prop_assert_eq!(again, !is_behind && decided.contains(&(approval.id, actor.person().unwrap())));
                    prop_assert_eq!(result.is_ok(), !is_behind && !again);
                }
            }
            // The access report asks the policy about people who make no request.
            let mut read = world.store.read(&tenant.console).await.unwrap();
            for approval in &all {
                let sight = read.task(approval.task_id).await.unwrap().access_attributes();
                let resource = Resource::Task(approval.task_id, sight, approval.requesters(), approval.self_approval);
                let proof = tenant.console.may(ReadAccess { resource }).unwrap();
                let holders = read.access_list(&proof, "", 100, world.now()).await.unwrap().items;
                let can: BTreeSet<_> = holders.iter().filter(|one| !one.locked && one.can.contains(&Ability::Decide)).map(|one| one.id).collect();
                let may = tenant.people.iter().filter(|actor| may_decide(actor, approval)).filter_map(Actor::person).collect();
                prop_assert_eq!(can, may, "{:?}", approval);
            }
            Ok(())
        });
    }

    async fn d_03_sql_and_the_policy_agree_about_who_manages_and_submits_in_random_worlds(world) {
        in_random_worlds(world, async |plan, tenant| {
            for (at, organization) in tenant.organizations.iter().copied().enumerate() {
                let archived = plan.archived == Some(at);
                // Everybody but the steward, who comes first, has invited somebody.
                let manage = tenant.people.iter().skip(1).filter(|actor| !archived && actor.can_manage(organization));
                let manage: BTreeSet<_> = manage.map(|actor| actor.name.clone()).collect();
                let mut read = world.store.read(&tenant.console).await.unwrap();
                let valid = read.invitations(organization, world.now()).await.unwrap();
                prop_assert_eq!(valid.into_iter().map(|one| one.inviter).collect::<BTreeSet<_>>(), manage);
                drop(read);
                for actor in &tenant.people {
                    let mut read = world.store.read(actor).await.unwrap();
                    let mine = read.join_requests_for_me().await.unwrap();
                    let notified = mine.iter().any(|waiting| waiting.organization_id == organization);
                    prop_assert_eq!(notified, !archived && actor.role_in(organization) == Some(Role::Owner));
                }
                for before in &tenant.before {
                    let Ok(proof) = before.may(needs_approval(organization)) else { continue };
                    let now = tenant.people.iter().find(|actor| actor.person() == before.person());
                    let mut write = world.store.write(before).await.unwrap();
                    let result = write.submit_task(proof).await;
                    let may = !archived && now.is_some_and(|actor| actor.can_submit_in(organization));
                    prop_assert_eq!(result.is_ok(), may, "{:?} {:?}", now, result);
                }
            }
            Ok(())
        });
    }
}
