//! Invitations and join links, used by invited and by other people (D-03).
use crate::{
    client::{Credential, Response, form},
    html,
    mail_server::MailServer,
    people::{Browser, PASSWORD, Person},
    program::{Program, on_both},
    timeouts::until,
};
use reqwest::Method;
use serde_json::Value;
use testkit::{ADAM, MIA, OLGA};

/// Returns the `Set-Cookie` headers.
fn cookies(response: &Response) -> Vec<String> {
    let lines = response.headers.get_all("set-cookie").iter();
    lines.map(|line| line.to_str().unwrap().to_owned()).collect()
}

/// Starts a deployment with a signed-in owner; returns their browser, their organization's id and a member.
async fn start_with_owner(program: &mut Program) -> (Browser, String, Person) {
    program.tenant("acme");
    program.tenant("bolt");
    let (olga, mia) = (program.person(OLGA, "acme"), program.person(MIA, "acme"));
    program.person_named("bob", ADAM, "bolt");
    program.start().await;
    let me = program.get(Credential::Key(&olga.key), "/api/v1/me").await.is(200).json();
    let organization = me["organizations"][0]["id"].as_str().unwrap().to_owned();
    (program.sign_in(&olga.email).await, organization, mia)
}

impl Program {
    /// Creates an invitation and returns its token.
    async fn invite(&self, by: &Browser, organization: &str, more: &[(&str, &str)]) -> String {
        let fields = [
            ("organization", organization),
            ("role", domain::role::Role::Viewer.as_str()),
            ("uses", "1"),
            ("days", "1"),
        ];
        let usual = fields.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        let fields: Vec<_> = more.iter().chain(usual).copied().collect();
        let link = self.act(Credential::Browser(by), "organizations/invite", &fields).await.is(200).secret();
        assert!(link.starts_with(&format!("{}/invitation?token=", self.origin)), "{link}");
        link.split_once("token=").unwrap().1.to_owned()
    }

    /// Opens an invitation link and returns the status and main content of the page.
    async fn follow(&self, who: Credential<'_>, token: &str) -> (u16, String) {
        let response = self.get(who, &format!("/invitation?token={token}")).await;
        (response.status, html::main_element(&response.body).to_owned())
    }

    /// Returns the newest audit event of an action, which must be a refusal.
    async fn last_refused(&self, reader: &Person, action: &str) -> Value {
        let records =
            self.get(Credential::Key(&reader.key), &format!("/api/v1/audit?action={action}")).await.is(200).json();
        let record = records["items"][0].clone();
        assert_eq!(record["outcome"], "refused", "{records}");
        record
    }

    async fn join(&self, token: &str, email: &str, password: &str) -> Response {
        let fields = form(&[("token", token), ("name", "Nia"), ("email", email), ("password", password)]);
        Response::of(self.action(Credential::Anonymous, "setup/join", "application/json", &fields)).await
    }
}

on_both! {
    async fn d_03_every_invalid_link_shows_the_same_page(program) {
        let (olga, organization, mia) = start_with_owner(program).await;
        let (nobody, wrong) = (Credential::Anonymous, program.follow(Credential::Anonymous, "nothing").await);
        assert_eq!(wrong.0, 404);
        let used = program.invite(&olga, &organization, &[]).await;
        assert_eq!(program.follow(nobody, &used).await.0, 200);
        program.join(&used, "nia@acme.example", PASSWORD).await.is(200);
        let revoked = program.invite(&olga, &organization, &[]).await;
        let page = program.get(Credential::Browser(&olga), &format!("/organizations/{organization}")).await.is(200).body;
        let id = html::field(&page, "invitation");
        let fields = [("organization", organization.as_str()), ("invitation", id.as_str())];
        program.act(Credential::Browser(&olga), "organizations/revoke-invitation", &fields).await.is(200);
        let inviters = program.invite(&olga, &organization, &[]).await;
        for dead in [&used, &revoked] {
            assert_eq!(program.follow(nobody, dead).await, wrong);
            program.join(dead, "eve@evil.example", PASSWORD).await.is(404);
        }
        // Bob of another tenant holds a valid link.
        let bob = program.sign_in("bob@bolt.example").await;
        assert_eq!(program.follow(Credential::Browser(&bob), &inviters).await, wrong);
        program.act(Credential::Browser(&bob), "invitations/accept", &[("token", &inviters)]).await.is(404);
        // A locked inviter invalidates the invitation.
        program.cli(&["admin", "lock-user", "--user", "olga@acme.example"], "");
        assert_eq!(program.follow(nobody, &inviters).await, wrong);
        let signed_in = program.sign_in(&mia.email).await;
        program.act(Credential::Browser(&signed_in), "invitations/accept", &[("token", &inviters)]).await.is(404);
        assert!(!program.server_log().contains(&inviters), "the log contains the link");
    }

    /// Signing in from the invitation's page leads back to it without putting the token in a URL.
    async fn d_03_signing_in_returns_to_the_invitation(program) {
        let (olga, organization, _) = start_with_owner(program).await;
        let sam = program.person_named("sam", MIA, "acme");
        program.cli(&["admin", "remove-member", "--organization", "acme", "--user", &sam.email], "");
        let token = program.invite(&olga, &organization, &[]).await;
        program.get(Credential::Anonymous, "/invitation").await.is(404);
        let opened = program.get(Credential::Anonymous, &format!("/invitation?token={token}")).await.is(200);
        let held = cookies(&opened).into_iter().find(|line| line.starts_with("castellan-invitation=")).unwrap();
        assert!(held.contains("; HttpOnly; SameSite=Lax") && held.contains("; Max-Age=3600;"), "{held}");
        assert!(opened.body.contains("href=\"/sign-in?next=%2Finvitation\""), "{opened}");
        let wrong = program.try_sign_in(&sam.email, "wrong", &[("next", "/invitation")]).await.is(401);
        assert!(!wrong.body.contains(&token));
        let signed_in = program.try_sign_in(&sam.email, PASSWORD, &[("next", "/invitation")]).await.is(303);
        assert_eq!(signed_in.header("location"), "/invitation");

        let carries = format!("castellan={}; castellan-invitation={token}", signed_in.cookie().unwrap());
        let back = Response::of(program.bare(Method::GET, "/invitation").header("cookie", &carries)).await.is(200);
        assert!(back.body.contains("Accept and join") && back.body.contains("acme"), "{back}");
        let fields = form(&[("token", &token), ("_page", "/invitation")]);
        let accept = program.action(Credential::Anonymous, "invitations/accept", "text/html", &fields).header("cookie", &carries);
        let accepted = Response::of(accept).await.is(303);
        assert_eq!(accepted.header("location"), format!("/organizations/{organization}"));
        let forgets = "castellan-invitation=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax";
        assert!(cookies(&accepted).iter().any(|line| line == forgets), "{accepted}");
        let page = format!("/organizations/{organization}");
        Response::of(program.bare(Method::GET, &page).header("cookie", &carries)).await.is(200);
        assert!(!program.server_log().contains(&token), "the log contains the link");
    }

    /// BC-27: a mail that the recipient's server refuses for good is on the invitation's line, is not sent again by itself, and the
    /// invitation can be sent again.
    async fn case_bc27_an_invitation_whose_mail_was_refused_says_so(program) {
        let mails = MailServer::open().await;
        program.set("CASTELLAN_MAIL_SMTP", &mails.url);
        program.set("CASTELLAN_MAIL_FROM", "castellan@example.org");
        let (olga, organization, _) = start_with_owner(program).await;
        let page = format!("/organizations/{organization}");
        let line = async |text: &str| {
            until(text, async || {
                let body = program.get(Credential::Browser(&olga), &page).await.is(200).body;
                body.contains(text).then_some(body)
            })
            .await
        };
        mails.refuse_recipients(Some("nowhere.example"));
        let fields = [("organization", organization.as_str()), ("role", "viewer"), ("email", "nia@nowhere.example"), ("days", "1")];
        program.act(Credential::Browser(&olga), "organizations/invite", &fields).await.is(200);
        let body = line("The email was not delivered: ").await;
        assert!(body.contains("5.1.1 &lt;script&gt;no such") && !body.contains('\u{1b}'), "{body}");
        assert!(program.server_log().contains("giving up"), "{}", program.server_log());

        mails.refuse_recipients(None);
        let invitation = html::field(&body, "invitation");
        let fields = [("organization", organization.as_str()), ("invitation", &invitation)];
        program.act(Credential::Browser(&olga), "organizations/resend-invitation", &fields).await.is(200);
        let mail = mails.mail(0).await;
        assert_eq!(mail.to, "nia@nowhere.example");
        let body = program.get(Credential::Browser(&olga), &page).await.is(200).body;
        assert!(body.contains("nia@nowhere.example") && !body.contains("The email was not delivered"), "{body}");
        let token = mail.link(&program.origin).split_once("token=").unwrap().1.to_owned();
        assert_eq!(program.follow(Credential::Anonymous, &token).await.0, 200);
        program.act(Credential::Browser(&olga), "organizations/resend-invitation", &fields).await.is(200);
        mails.mail(1).await;
        assert_eq!(program.follow(Credential::Anonymous, &token).await.0, 404, "the earlier link stopped working");
    }

    /// A refused acceptance is audited although its transaction is rolled back.
    async fn d_03_a_refused_invitation_is_audited(program) {
        let (olga, organization, mia) = start_with_owner(program).await;
        let token = program.invite(&olga, &organization, &[("email", "nia@acme.example")]).await;
        let signed_in = program.sign_in(&mia.email).await;
        program.act(Credential::Browser(&signed_in), "invitations/accept", &[("token", &token)]).await.is(409);
        let ada = program.person_named("ada", ADAM, "acme");
        let records = program.get(Credential::Key(&ada.key), "/api/v1/audit?action=invitation.accept").await.is(200).json();
        let record = &records["items"][0];
        assert_eq!((&record["outcome"], &record["person"]), (&"refused".into(), &mia.id.as_str().into()), "{records}");
        assert_eq!(program.follow(Credential::Anonymous, &token).await.0, 200, "the invited person can accept it");
        // For an invited person without an account, the event contains only the invitation.
        let open = program.invite(&olga, &organization, &[]).await;
        program.join(&open, &mia.email, PASSWORD).await.is(409);
        let record = program.last_refused(&ada, "invitation.admit").await;
        assert_eq!((&record["person"], &record["target_id"]), (&Value::Null, &organization.as_str().into()), "{record}");
        assert_eq!(record["detail"]["reason"], "account_exists_for_invitation", "{record}");
        program.join(&open, "nia@acme.example", PASSWORD).await.is(200);
    }

    /// Somebody with an account in another tenant joins like somebody without one, and the audit log has the same events.
    async fn m_11_an_invitation_does_not_reveal_accounts_of_another_tenant(program) {
        let (olga, organization, mia) = start_with_owner(program).await;
        let ada = program.person_named("ada", ADAM, "acme");
        let open = program.invite(&olga, &organization, &[("uses", "3")]).await;
        let events = async || {
            let events = program.get(Credential::Key(&ada.key), "/api/v1/audit").await.is(200).json();
            let events = events["items"].as_array().unwrap().iter();
            events.map(|event| (event["action"].clone(), event["outcome"].clone())).take(2).collect::<Vec<_>>()
        };
        program.join(&open, &mia.email, PASSWORD).await.is(409);
        let mut seen = vec![];
        for email in ["nia@acme.example", "bob@bolt.example"] {
            let joined = program.join(&open, email, PASSWORD).await.is(200);
            let names: Vec<_> = joined.headers.keys().map(ToString::to_string).collect();
            seen.push((names, joined.body, events().await));
        }
        assert_eq!(seen[0], seen[1]);
        let choice = program.try_sign_in("bob@bolt.example", PASSWORD, &[]).await.is(303);
        assert_eq!(choice.header("location"), "/sign-in/tenant?next=%2F", "he has the same password in both");
    }

    /// A refused confirmation is audited as well, here because the tenant is frozen.
    async fn d_03_a_refused_confirmation_is_audited(program) {
        let mail_server = MailServer::open().await;
        program.set("CASTELLAN_MAIL_SMTP", &mail_server.url);
        program.set("CASTELLAN_MAIL_FROM", "castellan@example.org");
        let (olga, organization, _) = start_with_owner(program).await;
        let (token, ada) = (program.invite(&olga, &organization, &[]).await, program.person_named("ada", ADAM, "acme"));
        program.cli(&["admin", "freeze"], "");
        program.join(&token, "nia@acme.example", PASSWORD).await.is(409);
        let record = program.last_refused(&ada, "invitation.confirm").await;
        assert_eq!((&record["person"], &record["target_id"]), (&Value::Null, &organization.as_str().into()), "{record}");
        program.cli(&["admin", "unfreeze"], "");
        program.join(&token, "nia@acme.example", PASSWORD).await.is(200);
        // Earlier mails are about the promotions of the others.
        let mut mails = vec![];
        while !mails.contains(&"nia@acme.example".to_owned()) {
            mails.push(mail_server.mail(mails.len()).await.to);
        }
    }

    async fn d_03_an_invitation_does_not_open_an_existing_account(program) {
        let (olga, organization, mia) = start_with_owner(program).await;
        let token = program.invite(&olga, &organization, &[("uses", "9")]).await;
        let response = program.join(&token, &mia.email, PASSWORD).await.is(409);
        assert_eq!(response.cookie(), None, "{response}");
        let weak = program.join(&token, "nia@acme.example", "short").await.is(422);
        assert_eq!(weak.json()["fields"][0]["field"], "password");
        let made = program.join(&token, "nia@acme.example", PASSWORD).await.is(200);
        assert_eq!(made.json()["go_to"], format!("/organizations/{organization}"));
        let nia = Browser::with(&made.cookie().expect("she is signed in to the account that she created"));
        program.get(Credential::Browser(&nia), &format!("/organizations/{organization}")).await.is(200);
        program.get(Credential::Browser(&nia), &format!("/organizations/{organization}/settings")).await.is(403);
        program.act(Credential::Browser(&nia), "invitations/accept", &[("token", &token)]).await.is(409); // she is a member
        let fields = [("token", token.as_str()), ("name", "X"), ("email", "x@acme.example"), ("password", PASSWORD)];
        program.act(Credential::Browser(&nia), "setup/join", &fields).await.is(409); // a signed-in person cannot create an account
        assert_eq!(program.try_sign_in("nia@acme.example", PASSWORD, &[]).await.status, 303);
    }

    async fn d_03_an_invitation_for_an_address_accepts_no_other(program) {
        let (olga, organization, mia) = start_with_owner(program).await;
        let token = program.invite(&olga, &organization, &[("email", "nia@acme.example")]).await;
        let signed_in = program.sign_in(&mia.email).await;
        program.act(Credential::Browser(&signed_in), "invitations/accept", &[("token", &token)]).await.is(409);
        program.join(&token, "eve@evil.example", PASSWORD).await.is(200); // the typed address is ignored
        assert_eq!(program.try_sign_in("eve@evil.example", PASSWORD, &[]).await.status, 401);
        assert_eq!(program.try_sign_in("nia@acme.example", PASSWORD, &[]).await.status, 303);
    }

    /// With mail configured, an account is created only by a link that was sent to its address.
    async fn d_03_an_account_is_created_only_after_its_address_is_confirmed(program) {
        let mail_server = MailServer::open().await;
        program.set("CASTELLAN_MAIL_SMTP", &mail_server.url);
        program.set("CASTELLAN_MAIL_FROM", "castellan@example.org");
        let (olga, organization, mia) = start_with_owner(program).await;
        let token = program.invite(&olga, &organization, &[("uses", "2")]).await;
        let mut responses = vec![];
        for email in ["nia@acme.example", mia.email.as_str()] {
            let response = program.join(&token, email, PASSWORD).await.is(200);
            assert_eq!(response.cookie(), None);
            responses.push(response.body);
        }
        assert_eq!(responses[0], responses[1], "the response does not reveal whether an address is taken");
        assert_eq!(program.try_sign_in("nia@acme.example", PASSWORD, &[]).await.status, 401, "there is no account yet");
        let mails = [mail_server.mail(0).await, mail_server.mail(1).await];
        let mail = mails.iter().find(|mail| mail.to == "nia@acme.example").unwrap();
        assert!(mail.text.contains("olga"), "{mail:?}");
        let link = mail.link(&program.origin);
        let mailed = link.split_once("token=").unwrap().1;
        program.join(mailed, "", PASSWORD).await.is(200);
        assert_eq!(program.try_sign_in("nia@acme.example", PASSWORD, &[]).await.status, 303);
        assert_eq!(program.follow(Credential::Anonymous, &token).await.0, 404, "each mail was a use");
        // An invitation for an address is sent there and not displayed.
        let fields = [("organization", organization.as_str()), ("role", domain::role::Role::Viewer.as_str()), ("days", "1"), ("email", "ivy@acme.example")];
        let made = program.act(Credential::Browser(&olga), "organizations/invite", &fields).await.is(200);
        assert!(!made.body.contains("token"), "{made}");
        assert_eq!(mail_server.mail(2).await.to, "ivy@acme.example");
    }
}
