//! Access lists: complete, paginated, with the keys, and limited to what the actor may see.
use crate::world::{World, hash, new_key, on_both, task};
use domain::{
    Actor,
    access::{Ability, AccessReason},
    policy::{CreateKey, CreateServiceAccount, LockPerson, ReadAccess, RevokeKey, SetMembership},
    role::{Role, TenantRole},
};
use serde_json::json;
use std::time::Duration;
use store::{AccessHolder, Error, Page, ResourceRef, Result};

async fn ask(world: &World, actor: &Actor, which: ResourceRef, after: &str, limit: u32) -> Result<Page<AccessHolder>> {
    let mut read = world.store.read(actor).await?;
    let (thing, _) = read.resource_and_name(which).await?;
    read.access_list(&actor.may(ReadAccess { resource: thing })?, after, limit, world.now()).await
}

/// Returns the first names, ordered by address.
fn names(page: &Page<AccessHolder>) -> Vec<&str> {
    page.items.iter().map(|one| one.name.split(' ').next().unwrap()).collect()
}

on_both! {
    async fn a_05_the_access_list_of_a_task_has_reasons(world) {
        let acme = &world.acme;
        let private = ResourceRef::Task(world.submit(&acme.mia, task(acme.ops, json!({}))).await.id);
        assert_eq!(names(&ask(world, &acme.mia, private, "", 50).await.unwrap()), ["adam", "audrey", "mia"]);
        assert!(matches!(ask(world, &acme.olga, private, "", 50).await, Err(Error::NotFound)), "an owner does not see it");
        let shared = ResourceRef::Task(world.submit(&acme.mia, task(acme.ops, json!({ "visibility": "org" }))).await.id);
        let all = ["abe", "ada", "adam", "audrey", "mia", "olga", "vera"];
        for asks in [&acme.mia, &acme.olga, &acme.audrey, &acme.adam, &acme.console] {
            let found = ask(world, asks, shared, "", 50).await.unwrap();
            assert_eq!(names(&found), all, "{}", asks.name);
            let (mia, adam) = (&found.items[4], &found.items[2]);
            assert_eq!(mia.why, [AccessReason::Own, AccessReason::Role(Role::Member)]);
            assert_eq!(mia.can, [Ability::See, Ability::Cancel]);
            assert_eq!(adam.why, [AccessReason::TenantRole(TenantRole::Admin)]);
        }
        for asks in [&acme.vera, &acme.ada, &acme.kit] {
            assert!(matches!(ask(world, asks, shared, "", 50).await, Err(Error::Denied(_))), "{}", asks.name);
        }
        assert!(matches!(ask(world, &world.bolt.adam, shared, "", 50).await, Err(Error::NotFound)));
        // The whole tenant can see it, but only actors who can read everything get the full list.
        let public = ResourceRef::Task(world.submit(&acme.mia, task(acme.ops, json!({ "visibility": "public" }))).await.id);
        assert_eq!(names(&ask(world, &acme.mia, public, "", 50).await.unwrap()), all);
        let everybody = ask(world, &acme.audrey, public, "", 50).await.unwrap();
        assert_eq!(names(&everybody), ["abe", "ada", "adam", "audrey", "mia", "olga", "sam", "vera"]);
        assert_eq!(everybody.items[6].why, [AccessReason::Everybody]);
    }

    async fn a_05_the_access_list_is_paginated(world) {
        let acme = &world.acme;
        let (mut found, mut after) = (vec![], String::new());
        loop {
            let page = ask(world, &acme.adam, ResourceRef::Organization(acme.ops), &after, 3).await.unwrap();
            assert!(page.items.len() <= 3);
            found.extend(names(&page).into_iter().map(str::to_owned));
            let Some(next) = page.next else { break };
            after = next;
        }
        assert_eq!(found, ["abe", "ada", "adam", "audrey", "mia", "olga", "vera"]);
        let lab = ask(world, &acme.adam, ResourceRef::Organization(acme.lab), "", 50).await.unwrap();
        assert_eq!(names(&lab), ["adam", "audrey", "olga"]);
    }

    async fn m_01_only_keys_with_access_are_listed(world) {
        let acme = &world.acme;
        let keys = async |limits: CreateKey| {
            let name = limits.name.clone();
            world.change(&acme.olga, async |write| write.create_key(acme.olga.may(limits)?, "mk_", hash(&name)).await).await.unwrap()
        };
        keys(CreateKey { organization: Some(acme.lab), ..new_key(&acme.olga, "of the lab", "tasks:*") }).await;
        keys(CreateKey { expires_at: Some(world.now().after(Duration::from_mins(1))), ..new_key(&acme.olga, "short", "tasks:submit") }).await;
        let gone = keys(new_key(&acme.olga, "gone", "tasks:*")).await;
        let revoke = RevokeKey { key: gone, owner: acme.olga.person().unwrap(), responsible: None };
        world.change(&acme.olga, async |write| write.revoke_key(acme.olga.may(revoke)?).await).await.unwrap();
        let listed = async || {
            let page = ask(world, &acme.olga, ResourceRef::Organization(acme.ops), "", 50).await.unwrap();
            let olga = page.items.into_iter().find(|one| one.name.starts_with("olga")).unwrap();
            olga.keys.into_iter().map(|key| (key.name, key.can)).collect::<Vec<_>>()
        };
        assert_eq!(listed().await, [("short".into(), vec![Ability::Submit]), ("kit of acme".into(), vec![Ability::See])]);
        world.wait(Duration::from_secs(61));
        assert_eq!(listed().await, [("kit of acme".into(), vec![Ability::See])]);
    }

    async fn k_09_locked_people_are_marked_and_a_runner_is_visible_to_all(world) {
        let acme = &world.acme;
        let person = acme.mia.person().unwrap();
        world.change(&acme.adam, async |write| write.lock_person(acme.adam.may(LockPerson { person })?).await).await.unwrap();
        let runner = ResourceRef::Runner(world.store.read(&acme.adam).await.unwrap().runners().await.unwrap()[0].id);
        let found = ask(world, &acme.adam, runner, "", 50).await.unwrap();
        let can = |name: &str| found.items.iter().find(|one| one.name.starts_with(name)).map(|one| (one.locked, one.can.clone()));
        assert_eq!(can("mia"), Some((true, vec![Ability::See, Ability::Submit])));
        assert_eq!(can("sam"), Some((false, vec![Ability::See])));
        assert_eq!(can("adam"), Some((false, vec![Ability::See, Ability::Manage])));
        assert!(matches!(ask(world, &acme.olga, runner, "", 50).await, Err(Error::Denied(_))));
    }

    async fn a_05_a_service_account_is_listed_with_its_keys(world) {
        let (acme, adam) = (&world.acme, &world.acme.adam);
        let responsible = acme.mia.person().unwrap();
        let robot = world.change(adam, async |write| {
            let new = CreateServiceAccount { name: "Robot".into(), responsible };
            let robot = write.create_service_account(adam.may(new)?).await?;
            let join = SetMembership { organization: acme.ops, person: robot, role: Role::Member };
            write.set_membership(adam.may(join)?).await.map(|_| robot)
        }).await.unwrap();
        let which = ResourceRef::ServiceAccount(robot);
        let found = ask(world, &acme.mia, which, "", 50).await.unwrap();
        assert_eq!(names(&found), ["adam", "audrey", "mia"], "without a key nobody acts as it");
        let key = CreateKey { owner: robot, responsible: Some(responsible), ..new_key(&acme.mia, "nightly", "tasks:submit") };
        world.change(&acme.mia, async |write| write.create_key(acme.mia.may(key)?, "mk_", hash("nightly")).await).await.unwrap();
        for asks in [&acme.mia, adam, &acme.audrey] {
            let found = ask(world, asks, which, "", 50).await.unwrap();
            let listed = |name: &str| {
                let one = found.items.iter().find(|one| one.name.starts_with(name)).unwrap();
                (one.why.clone(), one.can.clone(), one.keys.iter().map(|key| (key.name.as_str(), key.can.clone())).collect::<Vec<_>>())
            };
            assert_eq!(listed("Robot"), (vec![AccessReason::Itself], vec![], vec![("nightly", vec![Ability::Act])]));
            assert_eq!(listed("mia"), (vec![AccessReason::Responsible], vec![Ability::See, Ability::Manage], vec![]));
            assert_eq!(listed("adam"), (vec![AccessReason::TenantRole(TenantRole::Admin)], vec![Ability::See, Ability::Manage], vec![]));
            assert_eq!(listed("audrey"), (vec![AccessReason::TenantRole(TenantRole::Auditor)], vec![Ability::See], vec![]));
            assert_eq!(found.items.len(), 4);
        }
        for asks in [&acme.olga, &acme.ada, &world.bolt.adam] {
            assert!(matches!(ask(world, asks, which, "", 50).await, Err(Error::NotFound)), "{}", asks.name);
        }
    }
}
