//! Roles (D-03): changes apply at once, and an owner and an admin always remain.
use crate::world::{World, on_both};
use domain::{
    Actor, OrganizationId, PersonId,
    policy::{CreateOrganization, RemoveMembership, SetMembership, SetTenantRole},
    role::{Role, TenantRole},
};
use futures::join;
use store::{Error, Result};

fn id(actor: &Actor) -> PersonId {
    actor.person().unwrap()
}

async fn set(world: &World, by: &Actor, organization: OrganizationId, who: &Actor, role: Role) -> Result<()> {
    let set = SetMembership { organization, person: id(who), role };
    world.change(by, async |write| write.set_membership(by.may(set)?).await).await.map(drop)
}

async fn remove(world: &World, by: &Actor, organization: OrganizationId, who: &Actor) -> Result<()> {
    let remove = RemoveMembership { organization, person: id(who), successor: None };
    world.change(by, async |write| write.remove_membership(by.may(remove)?).await).await
}

async fn become_in_tenant(world: &World, by: &Actor, who: &Actor, tenant_role: TenantRole) -> Result<()> {
    let set = SetTenantRole { person: id(who), tenant_role };
    world.change(by, async |write| write.set_tenant_role(by.may(set)?).await).await.map(drop)
}

async fn owners(world: &World, organization: OrganizationId) -> usize {
    let members = world.store.read(&world.acme.console).await.unwrap().members(organization).await.unwrap();
    members.iter().filter(|member| member.role == Role::Owner).count()
}

async fn admins(world: &World) -> usize {
    let people = world.store.read(&world.acme.console).await.unwrap().people("", 100).await.unwrap();
    people.iter().filter(|person| person.tenant_role == TenantRole::Admin).count()
}

on_both! {
    async fn d_03_a_role_takes_effect_with_the_next_request(world) {
        let acme = &world.acme;
        set(world, &acme.olga, acme.ops, &acme.sam, Role::Member).await.unwrap();
        assert_eq!(world.again(&acme.sam).await.role_in(acme.ops), Some(Role::Member));
        set(world, &acme.olga, acme.ops, &acme.sam, Role::Approver).await.unwrap();
        assert_eq!(world.again(&acme.sam).await.role_in(acme.ops), Some(Role::Approver));
        remove(world, &acme.olga, acme.ops, &acme.sam).await.unwrap();
        assert_eq!(world.again(&acme.sam).await.role_in(acme.ops), None);
        assert!(matches!(remove(world, &acme.olga, acme.ops, &acme.sam).await, Err(Error::NotFound)));
        become_in_tenant(world, &acme.adam, &acme.sam, TenantRole::Auditor).await.unwrap();
        assert!(world.again(&acme.sam).await.can_read_everything());
    }

    async fn d_03_the_last_owner_cannot_be_removed(world) {
        let acme = &world.acme;
        assert!(matches!(remove(world, &acme.olga, acme.ops, &acme.olga).await, Err(Error::Conflict(_))));
        assert!(matches!(set(world, &acme.adam, acme.ops, &acme.olga, Role::Viewer).await, Err(Error::Conflict(_))));
        set(world, &acme.olga, acme.ops, &acme.olga, Role::Owner).await.unwrap();
        set(world, &acme.olga, acme.ops, &acme.ada, Role::Owner).await.unwrap();
        remove(world, &acme.olga, acme.ops, &acme.olga).await.unwrap();
        assert_eq!(owners(world, acme.ops).await, 1);
    }

    async fn d_03_of_two_owners_who_remove_each_other_concurrently_one_remains(world) {
        let acme = &world.acme;
        for round in 0..20 {
            set(world, &acme.adam, acme.ops, &acme.ada, Role::Owner).await.unwrap();
            set(world, &acme.adam, acme.ops, &acme.olga, Role::Owner).await.unwrap();
            let ada = world.again(&acme.ada).await;
            let both = join!(remove(world, &ada, acme.ops, &acme.olga), remove(world, &acme.olga, acme.ops, &ada));
            assert_eq!(owners(world, acme.ops).await, 1, "round {round}: {both:?}");
            assert!(both.0.is_ok() != both.1.is_ok(), "round {round}: {both:?}");
        }
    }

    async fn d_03_the_last_admin_cannot_be_demoted(world) {
        let acme = &world.acme;
        assert!(matches!(become_in_tenant(world, &acme.adam, &acme.adam, TenantRole::Person).await, Err(Error::Denied(_))));
        assert!(matches!(become_in_tenant(world, &acme.console, &acme.adam, TenantRole::Person).await, Err(Error::Conflict(_))));
        for round in 0..20 {
            become_in_tenant(world, &acme.console, &acme.adam, TenantRole::Admin).await.unwrap();
            become_in_tenant(world, &acme.console, &acme.ada, TenantRole::Admin).await.unwrap();
            let ada = world.again(&acme.ada).await;
            let both = join!(
                become_in_tenant(world, &ada, &acme.adam, TenantRole::Person),
                become_in_tenant(world, &acme.adam, &ada, TenantRole::Person),
            );
            assert_eq!(admins(world).await, 1, "round {round}: {both:?}");
        }
    }

    async fn d_03_an_owner_manages_their_own_organization_only(world) {
        let acme = &world.acme;
        set(world, &acme.adam, acme.ops, &acme.abe, Role::Owner).await.unwrap();
        let abe = world.again(&acme.abe).await;
        assert!(matches!(set(world, &abe, acme.lab, &acme.mia, Role::Owner).await, Err(Error::Denied(_))));
        assert!(matches!(set(world, &acme.mia, acme.ops, &acme.mia, Role::Owner).await, Err(Error::Denied(_))));
    }

    async fn an_organizations_name_is_unique_in_the_tenant(world) {
        let create = async |by: &Actor, name: &str| {
            let create = CreateOrganization { name: name.into() };
            world.change(by, async |write| write.create_organization(by.may(create)?).await).await
        };
        assert!(matches!(create(&world.acme.adam, "acme ops").await, Err(Error::Conflict(_))));
        create(&world.bolt.adam, "acme ops").await.unwrap();
        assert!(matches!(create(&world.acme.adam, " \u{200b}").await, Err(Error::Invalid(_))));
    }

    async fn people_are_listed_by_address_and_paginated(world) {
        let mut read = world.store.read(&world.acme.adam).await.unwrap();
        let first = read.people("", 3).await.unwrap();
        let rest = read.people(&first[2].email, 100).await.unwrap();
        let all: Vec<_> = first.iter().chain(&rest).map(|person| person.email.as_str()).collect();
        assert_eq!(all.len(), 8);
        assert!(all.is_sorted() && all.iter().all(|email| email.ends_with("@acme.example")));
        assert!(first.iter().all(|person| !person.has_password));
    }
}
