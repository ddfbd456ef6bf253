//! Task visibility: the store's SQL and `domain::visibility` agree about random worlds.
use crate::world::{World, on_both, person, task};
use domain::{
    Actor, Email, OrganizationId, PersonId, TaskId,
    access::Resource,
    approval::Requesters,
    policy::{CreateOrganization, CreatePerson, ReadAccess, RemoveMembership, SetMembership},
    role::{Role, TenantRole},
    visibility::{AccessAttributes, Visibility},
};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use serde_json::json;
use std::collections::BTreeSet;
use store::{Error, TaskFilter};
use tokio::{runtime::Handle, task::block_in_place};

/// A tenant in numbers: roles of people in organizations, and tasks.
#[derive(Clone, Debug)]
struct Plan {
    tenant_roles: Vec<TenantRole>,
    /// By person, then by organization.
    roles: Vec<Vec<Option<Role>>>,
    /// Owner, organization, visibility, whether approval is required.
    tasks: Vec<(usize, usize, Visibility, bool)>,
}

const PEOPLE: usize = 5;
const ORGANIZATIONS: usize = 3;

fn plans() -> impl Strategy<Value = Plan> {
    let role = prop_oneof![2 => Just(None), 3 => select(Role::ALL).prop_map(Some)];
    let tenant_role = prop_oneof![4 => Just(TenantRole::Person), 1 => select(TenantRole::ALL)];
    let one = (0..PEOPLE, 0..ORGANIZATIONS, select(Visibility::ALL), any::<bool>());
    (
        prop::collection::vec(tenant_role, PEOPLE),
        prop::collection::vec(prop::collection::vec(role, ORGANIZATIONS), PEOPLE),
        prop::collection::vec(one, 1..10),
    )
        .prop_map(|(tenant_roles, roles, tasks)| Plan { tenant_roles, roles, tasks })
}

async fn build(world: &World, plan: &Plan) -> (Vec<Actor>, Vec<(TaskId, AccessAttributes)>) {
    let tenant = world.store.system().create_tenant(&store::new_id().to_string()).await.unwrap();
    let console = Actor::console(tenant, world.now());
    let mut write = world.store.write(&console).await.unwrap();
    let mut organizations: Vec<OrganizationId> = vec![];
    for at in 0..ORGANIZATIONS {
        let new = CreateOrganization { name: format!("organization {at}") };
        organizations.push(write.create_organization(console.may(new).unwrap()).await.unwrap());
    }
    let mut people: Vec<PersonId> = vec![];
    for (at, tenant_role) in plan.tenant_roles.iter().enumerate() {
        let email = Email::parse(&format!("p{at}@{tenant}.example")).unwrap();
        let new = CreatePerson { email, name: format!("person {at}"), tenant_role: *tenant_role };
        people.push(write.create_person(console.may(new).unwrap()).await.unwrap());
        for organization in &organizations {
            let set = SetMembership { organization: *organization, person: people[at], role: Role::Member };
            write.set_membership(console.may(set).unwrap()).await.unwrap();
        }
    }
    write.commit().await.unwrap();

    // They are members when they submit, whatever they are afterwards.
    let mut tasks = vec![];
    for (owner, organization, visibility, required_approval) in &plan.tasks {
        let organization = organizations[*organization];
        let then = person(&world.store, tenant, people[*owner]).await;
        let network = if *required_approval { "unrestricted" } else { "isolated" };
        let new = task(organization, json!({ "visibility": visibility, "network_policy": network }));
        let made = world.submit(&then, new).await;
        let sight = AccessAttributes {
            owner: people[*owner],
            organization,
            visibility: *visibility,
            required_approval: *required_approval,
        };
        tasks.push((made.id, sight));
    }
    let mut write = world.store.write(&console).await.unwrap();
    for (at, person) in people.iter().copied().enumerate() {
        for (organization, role) in organizations.iter().copied().zip(&plan.roles[at]) {
            match *role {
                Some(role) => {
                    let set = SetMembership { organization, person, role };
                    write.set_membership(console.may(set).unwrap()).await.unwrap();
                }
                None => {
                    let remove = RemoveMembership { organization, person, successor: None };
                    write.remove_membership(console.may(remove).unwrap()).await.unwrap();
                }
            }
        }
    }
    write.commit().await.unwrap();
    let mut actors = vec![];
    for id in &people {
        actors.push(person(&world.store, tenant, *id).await);
    }
    (actors, tasks)
}

on_both! {
    async fn a_05_sql_and_rust_agree_on_visibility_in_random_worlds(world) {
        let mut runner = TestRunner::new(Config { cases: 32, failure_persistence: None, ..Config::default() });
        let result = block_in_place(|| runner.run(&plans(), |plan| Handle::current().block_on(async {
            let (actors, tasks) = build(world, &plan).await;
            for actor in &actors {
                let mut read = world.store.read(actor).await.unwrap();
                let mut seen = BTreeSet::new();
                for (id, sight) in &tasks {
                    let found = read.task(*id).await;
                    prop_assert!(matches!(found, Ok(_) | Err(Error::NotFound)));
                    prop_assert_eq!(found.is_ok(), sight.is_visible_to(actor), "{:?} and {:?}", sight, actor);
                    prop_assert_eq!(read.progress(*id).await.is_ok(), sight.is_visible_to(actor));
                    if found.is_ok() {
                        seen.insert(*id);
                    }
                }
                let listed = read.tasks(&TaskFilter::default(), None, 100).await.unwrap();
                prop_assert_eq!(&seen, &listed.items.iter().map(|row| row.id).collect());
                let counts = read.task_counts(&TaskFilter::default()).await.unwrap();
                prop_assert_eq!(seen.len(), usize::try_from(counts.values().sum::<i64>()).unwrap());
            }
            let console = Actor::console(actors[0].tenant, world.now());
            for (id, sight) in &tasks {
                let proof = console.may(ReadAccess { resource: Resource::Task(*id, *sight, Requesters::only(sight.owner), false) }).unwrap();
                let listed = world.store.read(&console).await.unwrap().access_list(&proof, "", 100, world.now()).await.unwrap();
                let listed: BTreeSet<_> = listed.items.iter().map(|one| one.id).collect();
                let see = actors.iter().filter(|actor| sight.is_visible_to(actor)).filter_map(Actor::person).collect();
                prop_assert_eq!(listed, see, "who can reach it: {:?}", sight);
            }
            Ok(())
        })));
        result.unwrap();
    }

    async fn a_05_a_private_task_is_seen_by_its_owner_admins_and_auditors_only(world) {
        let acme = &world.acme;
        let made = world.submit(&acme.mia, task(acme.ops, json!({}))).await;
        let sees = async |actor: &Actor| world.store.read(actor).await.unwrap().task(made.id).await.is_ok();
        for actor in [&acme.mia, &acme.adam, &acme.audrey] {
            assert!(sees(actor).await, "{}", actor.name);
        }
        for actor in [&acme.sam, &acme.vera, &acme.ada, &acme.olga, &acme.rex] {
            assert!(!sees(actor).await, "{}", actor.name);
        }
    }

    async fn a_05_an_organization_task_is_visible_to_members_and_a_public_one_to_the_whole_tenant(world) {
        let acme = &world.acme;
        let org = world.submit(&acme.mia, task(acme.ops, json!({ "visibility": "org" }))).await;
        let public = world.submit(&acme.mia, task(acme.ops, json!({ "visibility": "public" }))).await;
        let sees = async |actor: &Actor, id| world.store.read(actor).await.unwrap().task(id).await.is_ok();
        assert!(sees(&acme.vera, org.id).await && !sees(&acme.sam, org.id).await);
        assert!(sees(&acme.vera, public.id).await && sees(&acme.sam, public.id).await);
        assert!(!sees(&world.bolt.adam, public.id).await);
    }

    /// A person who leaves an organization can no longer see its tasks.
    async fn a_05_a_removed_member_no_longer_sees_the_organizations_tasks(world) {
        let acme = &world.acme;
        let made = world.submit(&acme.mia, task(acme.ops, json!({ "visibility": "org" }))).await;
        let remove = domain::policy::RemoveMembership { organization: acme.ops, person: acme.vera.person().unwrap(), successor: None };
        world.change(&acme.olga, async |write| write.remove_membership(acme.olga.may(remove)?).await).await.unwrap();
        let stale = world.store.read(&acme.vera).await.unwrap().task(made.id).await;
        assert!(matches!(stale, Err(Error::NotFound)), "even for an actor that was made before");
    }
}
