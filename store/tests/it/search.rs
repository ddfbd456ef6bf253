//! Search finds by a part of a name, and only what one sees.
use crate::world::{World, on_both, task};
use domain::Actor;
use serde_json::json;

async fn titles(world: &World, actor: &Actor, text: &str) -> Vec<String> {
    let found = world.store.read(actor).await.unwrap().find_tasks(text, 10).await.unwrap();
    found.into_iter().map(|row| row.title).collect()
}

async fn addresses(world: &World, actor: &Actor, text: &str) -> Vec<String> {
    let found = world.store.read(actor).await.unwrap().find_people(text, 10).await.unwrap();
    found.into_iter().map(|person| person.email).collect()
}

on_both! {
    async fn m_11_tasks_are_found_by_a_part_of_their_title_by_who_sees_them(world) {
        let acme = &world.acme;
        for (title, visibility) in [("Rotate keys", "private"), ("rotate 100% of it", "org"), ("Other", "org")] {
            world.submit(&acme.mia, task(acme.ops, json!({ "title": title, "visibility": visibility }))).await;
        }
        assert_eq!(titles(world, &acme.mia, "ROTATE").await, ["rotate 100% of it", "Rotate keys"], "newest first");
        assert_eq!(titles(world, &acme.vera, "rotate").await, ["rotate 100% of it"]);
        assert_eq!(titles(world, &acme.mia, "0%").await, ["rotate 100% of it"], "a wildcard is a character like others");
        for stranger in [&acme.sam, &world.bolt.adam, &world.bolt.mia] {
            assert!(titles(world, stranger, "rotate").await.is_empty());
        }
    }

    async fn m_11_people_are_found_by_name_and_address_by_who_may_see_them(world) {
        let acme = &world.acme;
        assert_eq!(addresses(world, &acme.adam, "MIA OF").await, addresses(world, &acme.audrey, "mia@").await);
        assert_eq!(addresses(world, &acme.adam, "mia of").await.len(), 1);
        assert!(addresses(world, &acme.adam, "bolt").await.is_empty());
        assert!(addresses(world, &acme.olga, "mia").await.is_empty(), "only those who read everything");
    }
}
