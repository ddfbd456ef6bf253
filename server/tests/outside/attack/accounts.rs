//! Account recovery and address changes by mail (D-02).
use crate::{
    client::{Credential, Response, form},
    mail_server::MailServer,
    people::{Browser, PASSWORD},
    program::{Program, on_both},
};
use testkit::{ADAM, MAX, MIA};

const NEW: &str = "harbor-lantern-quilt-37";

/// Configures a deployment that sends mail.
async fn with_mail(program: &mut Program) -> MailServer {
    let mail_server = MailServer::open().await;
    program.set("CASTELLAN_MAIL_SMTP", &mail_server.url);
    program.set("CASTELLAN_MAIL_FROM", "castellan@example.org");
    program.tenant("acme");
    mail_server
}

impl Program {
    async fn forgot(&self, email: &str) -> Response {
        Response::of(self.action(
            Credential::Anonymous,
            "login/forgot",
            "text/html",
            &form(&[("_page", "/forgot"), ("email", email)]),
        ))
        .await
    }

    async fn set_by(&self, path: &str, password: &str) -> Response {
        let token = path.split_once("token=").unwrap().1.to_owned();
        let fields = form(&[("token", token.as_str()), ("password", password)]);
        Response::of(self.action(Credential::Anonymous, "setup/set-password", "application/json", &fields)).await
    }
}

on_both! {
    /// The response does not reveal whether the address exists; the link works once and ends open sessions.
    async fn d_02_a_forgotten_password_is_reset_with_a_mailed_link(program) {
        let mail_server = with_mail(program).await;
        let mia = program.person(MIA, "acme");
        program.cli(&["admin", "create-user", "--email", "invited@acme.example"], ""); // has no password
        program.start().await;
        let old = program.sign_in(&mia.email).await;
        let mut responses = vec![];
        for email in ["nobody@acme.example", "invited@acme.example", mia.email.as_str()] {
            let response = program.forgot(email).await.is(303);
            responses.push((response.header("location").to_owned(), response.body));
        }
        assert!(responses.windows(2).all(|pair| pair[0] == pair[1]), "{responses:?}");
        let mail = mail_server.mail(0).await;
        assert_eq!(mail.to, mia.email);
        let link = mail.link(&program.origin);
        program.get(Credential::Anonymous, &link).await.is(200);
        program.set_by(&link, NEW).await.is(200);
        program.set_by(&link, NEW).await.is(404);
        assert!(!program.is_signed_in(&old.cookie()).await, "a session outlived its password");
        assert_eq!(program.try_sign_in(&mia.email, PASSWORD, &[]).await.status, 401);
        let mail = mail_server.mail(1).await;
        assert!(mail.to == mia.email && mail.text.contains("Your password was changed"), "{mail:?}");
        assert_eq!(mail_server.count(), 2, "no other mail was sent");
        let log = program.server_log();
        assert!(!log.contains(link.split_once("token=").unwrap().1), "the log contains the link");
    }

    /// The change requires the old password, ends other sessions and notifies the owner.
    async fn d_02_a_password_change_needs_the_old_password(program) {
        let mail_server = with_mail(program).await;
        let mia = program.person(MIA, "acme");
        program.start().await;
        let (here, there) = (program.sign_in(&mia.email).await, program.sign_in(&mia.email).await);
        let change = async |old: &str, new: &str| {
            program.act(Credential::Browser(&here), "account/password", &[("old_password", old), ("new_password", new)]).await
        };
        assert_eq!(change("not the old one", NEW).await.is(422).json()["fields"][0]["field"], "old_password");
        assert_eq!(change(PASSWORD, "short").await.is(422).json()["fields"][0]["field"], "new_password");
        assert!(program.is_signed_in(&there.cookie()).await, "nothing happened yet");
        change(PASSWORD, NEW).await.is(200);
        assert!(program.is_signed_in(&here.cookie()).await && !program.is_signed_in(&there.cookie()).await);
        assert_eq!(program.try_sign_in(&mia.email, PASSWORD, &[]).await.status, 401);
        assert_eq!(program.try_sign_in(&mia.email, NEW, &[]).await.status, 303);
        assert!(mail_server.mail(0).await.text.contains("Your password was changed"));
    }

    /// N-06: a sign-in from a new browser is reported by mail, at most once an hour.
    async fn n_06_a_sign_in_from_a_new_browser_is_reported_by_mail(program) {
        let mail_server = with_mail(program).await;
        let mia = program.person(MIA, "acme");
        program.start().await;
        program.sign_in(&mia.email).await;
        assert!(mail_server.new_sign_in_mails().is_empty(), "the first sign-in is not reported");
        for _ in 0..3 {
            program.sign_in(&mia.email).await;
        }
        let mail = crate::timeouts::until("the mail", async || mail_server.new_sign_in_mails().first().cloned()).await;
        assert!(mail.to == mia.email && mail.text.contains("/account"), "{mail:?}");
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        assert_eq!(mail_server.new_sign_in_mails().len(), 1);
    }

    /// The change takes effect when both the new and the present address have confirmed it.
    async fn d_02_an_address_change_needs_confirmation_from_both_addresses(program) {
        let mail_server = with_mail(program).await;
        let (mia, max) = (program.person(MIA, "acme"), program.person(MAX, "acme"));
        program.start().await;
        let (here, there) = (program.sign_in(&mia.email).await, program.sign_in(&mia.email).await);
        let ask = async |email: &str| program.act(Credential::Browser(&here), "account/address", &[("email", email)]).await;
        ask("no address").await.is(422);
        ask("taken@acme.example").await.is(200);
        ask(&max.email).await.is(200); // the response does not reveal whether the address is taken
        ask("moved@acme.example").await.is(200);
        let mut mails = vec![];
        for n in 0..6 {
            mails.push(mail_server.mail(n).await);
        }
        assert_eq!(mails.iter().filter(|mail| mail.to == mia.email).count(), 3, "the current address gets a link too");
        let link = |to: &str| mails.iter().find(|mail| mail.to == to).unwrap().link(&program.origin);
        let of_the_present = |new: &str| {
            let mail = mails.iter().find(|mail| mail.to == mia.email && mail.text.contains(new));
            mail.unwrap().link(&program.origin)
        };
        let follow = async |path: &str| {
            let token = path.split_once("token=").unwrap().1.to_owned();
            let fields = form(&[("token", token.as_str())]);
            Response::of(program.action(Credential::Anonymous, "account/confirm-address", "application/json", &fields)).await
        };
        follow(&link("taken@acme.example")).await.is(404); // replaced by a later request
        program.get(Credential::Anonymous, &link("moved@acme.example")).await.is(200); // opening the link changes nothing
        let present = of_the_present("moved@acme.example");
        let page = program.get(Credential::Anonymous, &present).await.is(200);
        assert!(page.body.contains("moved@acme.example"), "the page shows the new address: {page}");
        follow(&of_the_present("taken@acme.example")).await.is(404);
        for _ in 0..2 {
            let waits = follow(&link("moved@acme.example")).await.is(200).json();
            assert_eq!(waits["go_to"], "/address?waits=1");
            assert_eq!(program.try_sign_in("moved@acme.example", PASSWORD, &[]).await.status, 401, "one confirmation is not enough");
        }
        assert!(program.is_signed_in(&there.cookie()).await);
        follow(&present).await.is(200);
        for used in [&present, &link("moved@acme.example")] {
            follow(used).await.is(404);
        }
        assert!(!program.is_signed_in(&there.cookie()).await);
        assert_eq!(program.try_sign_in("moved@acme.example", PASSWORD, &[]).await.status, 303);
        assert_eq!(program.try_sign_in(&mia.email, PASSWORD, &[]).await.status, 401);
        let last = mail_server.mail(6).await;
        assert!(last.to == mia.email && last.text.contains("Your email address was changed"), "{last:?}");
    }

    /// An admin starts the change when the present address is lost; that address is notified but need not confirm.
    async fn d_02_an_admin_replaces_a_lost_address(program) {
        let mail_server = with_mail(program).await;
        let (mia, adam) = (program.person(MIA, "acme"), program.person(ADAM, "acme"));
        program.start().await;
        let (admin, hers) = (program.sign_in(&adam.email).await, program.sign_in(&mia.email).await);
        let page = format!("/people/{}", mia.id);
        assert!(program.get(Credential::Browser(&admin), &page).await.is(200).body.contains("/actions/people/address"));
        let ask = async |who, id: &str, email: &str| program.act(who, "people/address", &[("id", id), ("email", email)]).await;
        ask(Credential::Browser(&hers), &mia.id, "hers@acme.example").await.is(403);
        ask(Credential::Browser(&admin), &adam.id, "his@acme.example").await.is(403); // another admin must do it
        ask(Credential::Browser(&admin), &mia.id, "no address").await.is(422);
        ask(Credential::Browser(&admin), &mia.id, "moved@acme.example").await.is(200);
        let mails = [mail_server.mail(0).await, mail_server.mail(1).await];
        let mail = mails.iter().find(|mail| mail.to == mia.email).unwrap();
        assert!(mail.text.contains("A change of email address was requested: moved@acme.example"), "{mail:?}");
        let link = mails.iter().find(|mail| mail.to == "moved@acme.example").unwrap().link(&program.origin);
        let token = link.split_once("token=").unwrap().1.to_owned();
        assert_eq!(program.try_sign_in("moved@acme.example", PASSWORD, &[]).await.status, 401);
        program.act(Credential::Browser(&admin), "account/confirm-address", &[("token", &token)]).await.is(200);
        assert_eq!(program.try_sign_in("moved@acme.example", PASSWORD, &[]).await.status, 303);
        assert!(!program.is_signed_in(&hers.cookie()).await);
    }
}

/// D-02: guessing does not lock the owner out of a browser in which they have signed in before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_02_a_known_browser_is_not_throttled() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    let mia = program.person(MIA, "acme");
    program.start().await;
    let first = program.try_sign_in(&mia.email, PASSWORD, &[]).await.is(303);
    let lines = first.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let device = lines.filter_map(|line| line.strip_prefix("castellan-device=")).next().unwrap();
    let device = device.split(';').next().unwrap().to_owned();
    while program.try_sign_in(&mia.email, "wrong wrong wrong", &[]).await.status != 429 {}
    program.try_sign_in(&mia.email, PASSWORD, &[]).await.is(429); // an unknown browser in the same network
    let from = async |device: &str, password: &str| {
        let fields = form(&[("email", mia.email.as_str()), ("password", password)]);
        let request = program.action(Credential::Anonymous, "login/sign-in", "application/json", &fields);
        Response::of(request.header("cookie", format!("castellan-device={device}"))).await
    };
    from("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", PASSWORD).await.is(429); // a forged device cookie
    from(&device, "wrong wrong wrong").await.is(401);
    let response = from(&device, PASSWORD).await.is(200);
    assert!(program.is_signed_in(&Browser::with(&response.cookie().unwrap()).cookie()).await);
    // The device cookie alone does not allow unlimited guesses.
    while from(&device, "wrong wrong wrong").await.status != 429 {}
}
