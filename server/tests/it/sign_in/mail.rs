//! Mail delivery after the commit, with retries (D-02).
use crate::{
    mail_server::MailServer,
    test_env::{TestEnv, on_both},
};
use domain::policy::ResetFactors;
use server::{config, mail::Mailer, state::App};
use std::time::Duration;

async fn open_mailer(env: &TestEnv, mail_server: &MailServer) -> Mailer {
    let settings =
        [("CASTELLAN_MAIL_SMTP", mail_server.url.as_str()), ("CASTELLAN_MAIL_FROM", "castellan@example.org")];
    let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = config::load_from(None, settings).unwrap();
    let app = App { config: config.into(), ..env.app.clone() };
    app.store.enable_mail();
    Mailer::open(&app, "http://localhost").unwrap().unwrap()
}

on_both! {
    async fn d_02_rejected_mail_is_retried_with_backoff(env) {
        let mail_server = MailServer::open().await;
        let mailer = open_mailer(env, &mail_server).await;
        let (console, person) = (&env.acme.console, env.acme.mia);
        let mut dropped = env.app.store.write(console).await.unwrap();
        dropped.reset_factors(console.may(ResetFactors { person }).unwrap()).await.unwrap();
        drop(dropped);
        mailer.send_due().await.unwrap();
        assert_eq!(mail_server.count(), 0, "nothing is sent without a commit");

        env.change(console, async |write| write.reset_factors(console.may(ResetFactors { person })?).await).await;
        mail_server.reject_next(2);
        mailer.send_due().await.unwrap();
        assert_eq!((mail_server.count(), mail_server.rejections_left()), (0, 1));
        mailer.send_due().await.unwrap();
        assert_eq!(mail_server.rejections_left(), 1, "not at once");
        env.advance_clock(Duration::from_mins(1));
        mailer.send_due().await.unwrap();
        assert_eq!((mail_server.count(), mail_server.rejections_left()), (0, 0));
        env.advance_clock(Duration::from_mins(4));
        mailer.send_due().await.unwrap();
        let mail = mail_server.mail(0).await;
        assert_eq!(mail.to, "mia@acme.example");
        assert!(mail.text.contains("All second factors were reset by an admin: console"), "{mail:?}");
        // BC-26: without the first, a strict reader need not decode the text; the second keeps absence notices away.
        for header in ["MIME-Version: 1.0\n", "Auto-Submitted: auto-generated\n", "@example.org>\n"] {
            assert!(mail.text.contains(header), "{header:?} in {mail:?}");
        }
        assert!(mail.text.contains("Message-ID: <"), "{mail:?}");
        env.advance_clock(Duration::from_hours(24));
        mailer.send_due().await.unwrap();
        assert_eq!(mail_server.count(), 1, "once");
    }

    async fn d_02_mail_is_dropped_after_twelve_attempts(env) {
        let mail_server = MailServer::open().await;
        let mailer = open_mailer(env, &mail_server).await;
        let (console, person) = (&env.acme.console, env.acme.mia);
        env.change(console, async |write| write.reset_factors(console.may(ResetFactors { person })?).await).await;
        mail_server.reject_next(100);
        for _ in 0..20 {
            mailer.send_due().await.unwrap();
            env.advance_clock(Duration::from_hours(3));
        }
        assert_eq!(mail_server.rejections_left(), 88, "twelve attempts");
        assert_eq!(env.app.store.system().next_mail().await.unwrap(), None);
    }
}
