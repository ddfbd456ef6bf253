//! One-time links for the setup and for passwords (D-02).
use crate::world::{World, email, hash, on_both};
use domain::{
    Actor,
    policy::{ChangeAddress, CreatePerson, IssuePasswordLink},
    role::TenantRole,
};
use futures::join;
use std::time::Duration;
use store::{Error, Mail, MailedLink, Result};

async fn offer(world: &World, to: &Actor, token: &str) -> Result<()> {
    let adam = &world.acme.adam;
    let issue = IssuePasswordLink { person: to.person().unwrap() };
    world.change(adam, async |write| write.issue_password_link(adam.may(issue)?, hash(token)).await).await.map(drop)
}

async fn follow(world: &World, token: &str) -> Result<domain::PersonId> {
    world.change(&world.acme.console, async |write| write.use_password_link(hash(token)).await).await
}

on_both! {
    async fn d_02_a_password_link_works_once_and_for_one_person(world) {
        let acme = &world.acme;
        offer(world, &acme.mia, "l").await.unwrap();
        let place = world.store.system().password_link(hash("l")).await.unwrap().unwrap();
        assert_eq!((place.tenant_id, place.id), (acme.tenant, acme.mia.person().unwrap().0));
        let both = join!(follow(world, "l"), follow(world, "l"));
        assert!(matches!(both, (Ok(_), Err(Error::NotFound)) | (Err(Error::NotFound), Ok(_))), "{both:?}");
        assert!(world.store.system().password_link(hash("l")).await.unwrap().is_none());
    }

    async fn d_02_a_new_password_link_replaces_the_old_one_and_both_expire(world) {
        let acme = &world.acme;
        offer(world, &acme.mia, "first").await.unwrap();
        offer(world, &acme.ada, "hers").await.unwrap();
        offer(world, &acme.mia, "second").await.unwrap();
        assert!(matches!(follow(world, "first").await, Err(Error::NotFound)));
        assert_eq!(follow(world, "hers").await.unwrap(), acme.ada.person().unwrap());
        world.wait(Duration::from_hours(72));
        assert!(matches!(follow(world, "second").await, Err(Error::NotFound)));
        assert!(world.store.system().password_link(hash("second")).await.unwrap().is_none());
    }

    async fn d_02_concurrent_uses_of_the_setup_link_create_one_tenant(world) {
        let system = world.store.system();
        system.create_setup_link(hash("old"), world.now().after(Duration::from_hours(1))).await.unwrap();
        system.create_setup_link(hash("new"), world.now().after(Duration::from_hours(1))).await.unwrap();
        assert!(!system.is_setup_link_valid(hash("old")).await.unwrap() && system.is_setup_link_valid(hash("new")).await.unwrap());
        let before = system.tenants().await.unwrap().len();
        let set_up = async |tenant: &str| {
            let write = system.complete_setup(hash("new"), tenant, None).await?;
            let id = write.actor().tenant;
            write.commit().await.map(|()| id)
        };
        drop(system.complete_setup(hash("new"), "interrupted", None).await.unwrap());
        assert!(system.is_setup_link_valid(hash("new")).await.unwrap(), "it was not used by that");
        let both = join!(set_up("one"), set_up("two"));
        assert!(matches!(both, (Ok(_), Err(Error::NotFound)) | (Err(Error::NotFound), Ok(_))), "{both:?}");
        assert_eq!(system.tenants().await.unwrap().len(), before + 1);
    }

    async fn d_02_the_setup_link_expires_and_survives_an_invalid_name(world) {
        let system = world.store.system();
        system.create_setup_link(hash("l"), world.now().after(Duration::from_hours(1))).await.unwrap();
        assert!(matches!(system.complete_setup(hash("l"), "\u{200b}", None).await, Err(Error::Invalid(_))));
        assert!(system.is_setup_link_valid(hash("l")).await.unwrap(), "a name that was mistyped may be typed again");
        world.wait(Duration::from_hours(1));
        assert!(!system.is_setup_link_valid(hash("l")).await.unwrap());
        assert!(matches!(system.complete_setup(hash("l"), "late", None).await, Err(Error::NotFound)));
    }

    async fn m_11_an_address_belongs_to_one_account_of_each_tenant(world) {
        let mia = || CreatePerson { email: email("mia", "acme"), name: "Mia".into(), tenant_role: TenantRole::Person };
        let create = async |by: &Actor| world.change(by, async |write| write.create_person(by.may(mia())?).await).await;
        let again = create(&world.acme.adam).await;
        assert!(matches!(again, Err(Error::Conflict(store::Conflict::AddressInUse))), "{again:?}");
        let hers = create(&world.bolt.adam).await.unwrap();
        assert!(create(&world.bolt.adam).await.is_err(), "once");
        let system = world.store.system();
        let found = system.credentials(&email("mia", "acme")).await.unwrap();
        let found: Vec<_> = found.iter().map(|known| (known.tenant_id, known.tenant.as_str(), known.id)).collect();
        let first = (world.acme.tenant, "acme", world.acme.mia.person().unwrap());
        assert_eq!(found, [first, (world.bolt.tenant, "bolt", hers)], "oldest first");
        assert!(system.credentials(&email("nobody", "acme")).await.unwrap().is_empty());
    }

    async fn m_11_an_address_changes_to_one_of_another_tenant_and_to_none_of_its_own(world) {
        let (mia, owner) = (&world.acme.mia, world.acme.mia.person().unwrap());
        world.store.enable_mail();
        for (tenant, free) in [("acme", false), ("bolt", true)] {
            let (new, present) = (hash(&format!("new {tenant}")), hash(&format!("present {tenant}")));
            let link = |token_hash| MailedLink { token: "", token_hash };
            let proof = mia.may(ChangeAddress { owner }).unwrap();
            world.change(mia, async |w| w.request_address_change(proof, &email("ada", tenant), link(new), link(present)).await).await.unwrap();
            world.change(mia, async |w| w.confirm_address(present, None).await).await.unwrap();
            let changed = world.change(mia, async |w| w.confirm_address(new, None).await).await;
            match free {
                true => assert_eq!(changed.unwrap(), Some(owner)),
                false => assert!(matches!(changed, Err(Error::Conflict(store::Conflict::AddressInUse))), "{changed:?}"),
            }
        }
    }

    async fn m_11_a_password_link_by_mail_names_the_tenant_of_its_account(world) {
        let mia = world.acme.mia.person().unwrap();
        world.store.enable_mail();
        world.change(&world.acme.console, async |w| w.set_password(mia, "$argon2id$").await).await.unwrap();
        world.change(&world.acme.console, async |w| w.mail_password_link(mia, "secret", hash("secret")).await).await.unwrap();
        let mail = world.store.system().take_mail().await.unwrap().unwrap();
        assert_eq!(mail.to, email("mia", "acme"));
        assert!(mail.mail == Mail::PasswordLink { token: "secret".into(), tenant: "acme".into() });
    }
}
