//! Search for people by part of a name, for actors who may see them.
use crate::world::{World, email, on_both};
use domain::{Actor, policy::CreatePerson, role::TenantRole};

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

    /// BC-40: letters are compared in one form, the same on both databases.
    async fn case_bc40_people_are_found_in_every_script_and_case(world) {
        let adam = &world.acme.adam;
        let names = ["Änne Ölçek", "Юлия", "İpek", "ΣΊΣΥΦΟΣ", "Ｗｉｄｅ"];
        for (number, name) in names.into_iter().enumerate() {
            let email = email(&format!("new{number}"), "acme");
            let new = CreatePerson { email, name: name.into(), tenant_role: TenantRole::Person };
            world.change(adam, async |write| write.create_person(adam.may(new)?).await).await.unwrap();
        }
        let searches: [(&str, usize); 12] = [
            ("änne", 0), ("ÄNNE", 0), ("ölçek", 0), ("ÖLÇEK", 0), ("A\u{308}nne", 0), ("юлия", 1), ("ЮЛИЯ", 1), ("ipek", 2),
            ("IPEK", 2), ("σίσυφος", 3), ("Σίσυφοσ", 3), ("wide", 4),
        ];
        for (text, number) in searches {
            let found = addresses(world, adam, text).await;
            assert_eq!(found, [email(&format!("new{number}"), "acme").to_string()], "{text}");
        }
        assert_eq!(addresses(world, adam, "%").await, Vec::<String>::new());
    }
}
