//! D-02: mail goes out after the commit, and again later until it was taken.
use crate::{
    postbox::Postbox,
    world::{World, on_both},
};
use domain::policy::ResetFactors;
use server::{config, mail::Mailer, state::App};
use std::time::Duration;

async fn post(world: &World, postbox: &Postbox) -> Mailer {
    let settings = [("CASTELLAN_MAIL_SMTP", postbox.url.as_str()), ("CASTELLAN_MAIL_FROM", "castellan@example.org")];
    let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = config::load_from(None, settings).unwrap();
    let app = App { config: config.into(), ..world.app.clone() };
    app.store.queue_mail();
    Mailer::open(&app, "http://localhost").unwrap().unwrap()
}

on_both! {
    async fn d_02_mail_that_is_not_taken_is_tried_again_later(world) {
        let postbox = Postbox::open().await;
        let post = post(world, &postbox).await;
        let (console, person) = (&world.acme.console, world.acme.mia);
        let mut dropped = world.app.store.write(console).await.unwrap();
        dropped.reset_factors(console.may(ResetFactors { person }).unwrap()).await.unwrap();
        drop(dropped);
        post.send_due().await.unwrap();
        assert_eq!(postbox.count(), 0, "what was not committed is not told");

        world.change(console, async |write| write.reset_factors(console.may(ResetFactors { person })?).await).await;
        postbox.be_busy(2);
        post.send_due().await.unwrap();
        assert_eq!((postbox.count(), postbox.is_busy()), (0, 1));
        post.send_due().await.unwrap();
        assert_eq!(postbox.is_busy(), 1, "not at once");
        world.wait(Duration::from_mins(1));
        post.send_due().await.unwrap();
        assert_eq!((postbox.count(), postbox.is_busy()), (0, 0));
        world.wait(Duration::from_mins(4));
        post.send_due().await.unwrap();
        let letter = postbox.letter(0).await;
        assert_eq!(letter.to, "mia@acme.example");
        assert!(letter.text.contains("All second factors were reset by an admin: console"), "{letter:?}");
        world.wait(Duration::from_hours(24));
        post.send_due().await.unwrap();
        assert_eq!(postbox.count(), 1, "once");
    }

    async fn d_02_mail_is_given_up_after_hours(world) {
        let postbox = Postbox::open().await;
        let post = post(world, &postbox).await;
        let (console, person) = (&world.acme.console, world.acme.mia);
        world.change(console, async |write| write.reset_factors(console.may(ResetFactors { person })?).await).await;
        postbox.be_busy(100);
        for _ in 0..20 {
            post.send_due().await.unwrap();
            world.wait(Duration::from_hours(3));
        }
        assert_eq!(postbox.is_busy(), 88, "twelve attempts");
        assert_eq!(world.app.store.system().next_mail().await.unwrap(), None);
    }
}
