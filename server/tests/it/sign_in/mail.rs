//! Mail delivery after the commit, with retries (D-02).
use super::browser::person;
use crate::{
    mail_server::MailServer,
    test_env::{TestEnv, on_both},
};
use auth::Token;
use domain::{
    Email, InvitationId,
    policy::{Invite, ResendInvitation, ResetFactors, RevokeInvitation},
    role::{Role, TenantRole},
};
use server::{config, mail::Mailer, state::App};
use std::time::Duration;
use store::NewInvitation;

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
        env.advance_clock(Duration::from_hours(24));
        mailer.send_due().await.unwrap();
        assert_eq!(mail_server.count(), 1, "once");
    }

    /// Without `MIME-Version`, a strict reader need not decode the text; `Auto-Submitted` keeps absence notices away.
    async fn case_bc26_mail_has_the_headers_and_the_greeting_that_strict_servers_need(env) {
        let mail_server = MailServer::open().await;
        let mailer = open_mailer(env, &mail_server).await;
        let (console, person) = (&env.acme.console, env.acme.mia);
        env.change(console, async |write| write.reset_factors(console.may(ResetFactors { person })?).await).await;
        mailer.send_due().await.unwrap();
        let mail = mail_server.mail(0).await;
        assert_eq!(mail.greeting, "localhost");
        let headers = mail.text.split("\n\n").next().unwrap();
        let value = |name: &str| {
            let values: Vec<_> = headers.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect();
            assert_eq!(values.len(), 1, "{name} in {headers}");
            values[0]
        };
        assert_eq!((value("MIME-Version"), value("Auto-Submitted")), ("1.0", "auto-generated"));
        assert!(value("Message-ID").starts_with('<') && value("Message-ID").ends_with("@example.org>"), "{headers}");
        assert!(!value("Date").is_empty());
    }

    /// The mail of an invitation that was sent again with another link, or revoked, before it left is not sent.
    async fn case_bc27_the_mail_of_an_outdated_invitation_is_skipped(env) {
        let mail_server = MailServer::open().await;
        let mailer = open_mailer(env, &mail_server).await;
        let organization = env.acme.ops;
        let olga = person(env, &env.acme, "olga", TenantRole::Admin).await;
        let olga = testkit::person(&env.app.store, env.acme.id, olga).await;
        let invite = async |name: &str| {
            let (invitation, link) = (InvitationId(store::new_id()), Token::new("").unwrap());
            let email = Email::parse(&format!("{name}@x.example")).unwrap();
            let invite = Invite { invitation, organization, role: Role::Viewer, email: Some(email), uses: 1, days: 7 };
            let link = NewInvitation { token: link.text, token_hash: link.hash };
            env.change(&olga, async |write| write.invite(olga.may(invite)?, link).await).await;
            invitation
        };
        let (again, revoked) = (invite("again").await, invite("revoked").await);
        let link = Token::new("").unwrap();
        let text = link.text.clone();
        let link = NewInvitation { token: link.text, token_hash: link.hash };
        let resend = ResendInvitation { invitation: again, organization };
        env.change(&olga, async |write| write.resend_invitation(olga.may(resend)?, link).await).await;
        let revoke = RevokeInvitation { invitation: revoked, organization };
        env.change(&olga, async |write| write.revoke_invitation(olga.may(revoke)?).await).await;
        mailer.send_due().await.unwrap();
        assert_eq!(mail_server.count(), 1);
        let mail = mail_server.mail(0).await;
        assert!(mail.to == "again@x.example" && mail.text.contains(&text), "{mail:?}");
        assert_eq!(env.app.store.system().next_mail().await.unwrap(), None);
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
