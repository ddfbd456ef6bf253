//! Search for people by part of a name, for actors who may see them.
use crate::world::{World, on_both};
use domain::Actor;

async fn addresses(world: &World, actor: &Actor, text: &str) -> Vec<String> {
    let found = world.store.read(actor).await.unwrap().find_people(text, 10).await.unwrap();
    found.into_iter().map(|person| person.email).collect()
}

on_both! {
    async fn m_11_people_are_found_by_name_and_address_by_actors_who_may_see_them(world) {
        let acme = &world.acme;
        assert_eq!(addresses(world, &acme.adam, "MIA OF").await, addresses(world, &acme.audrey, "mia@").await);
        assert_eq!(addresses(world, &acme.adam, "mia of").await.len(), 1);
        assert!(addresses(world, &acme.adam, "bolt").await.is_empty());
        assert!(addresses(world, &acme.olga, "mia").await.is_empty(), "only those who read everything");
    }
}
