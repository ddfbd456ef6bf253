//! Providers that an admin configures, tests and uses in Settings, without exposing the secret.
use super::{
    fake_provider::{Behavior, Provider, SECRET},
    with_providers,
};
use crate::{client::Credential, html, ports::reserve_port, program::on_both};
use serde_json::json;
use std::net::UdpSocket;
use testkit::ADAM;
use tokio::time::Instant;

on_both! {
    async fn a_02_a_provider_from_settings_can_sign_people_in_at_once(program) {
        let provider = Provider::start().await;
        with_providers(program, &[], "loopback_issuers = true", "").await;
        let ada = program.sign_in("ada@acme.example").await;
        let who = Credential::Browser(&ada);
        let fields = [
            ("kind", "oidc"), ("label", "Acme ID"), ("issuer", provider.issuer.as_str()), ("client_id", "castellan"),
            ("client_secret", SECRET), ("new_accounts", "anybody"),
        ];
        let made = program.act(who, "providers/save", &fields).await.is(200).json();
        let page = made["go_to"].as_str().unwrap().to_owned();
        let id = page.strip_prefix("/settings/authentication/").unwrap();
        assert!(!program.get(who, &page).await.is(200).body.contains(SECRET));

        let found = program.act(who, "providers/test", &[("id", id)]).await.is(200).json();
        assert!(found["found"].as_str().unwrap().contains(&provider.issuer), "{found}");
        let untrue = json!({ "issuer": "https://other.example\u{202e}<script>" });
        provider.behave(Behavior { metadata: untrue, ..Behavior::default() });
        let wrong = program.act(who, "providers/test", &[("id", id)]).await.is(422);
        assert!(wrong.body.contains("The test failed") && !wrong.body.contains('\u{202e}'), "{wrong}");
        provider.behave(Behavior::default());

        let sign_in = program.get(Credential::Anonymous, "/sign-in").await.is(200).body;
        assert!(sign_in.contains(&format!("/sign-in/with/{id}")) && sign_in.contains("Sign in with Acme ID"));
        program.sign_in_with_provider(&provider, id).await;

        // Saving without a secret keeps the old one; a disabled provider cannot be used.
        let mut change = vec![("id", id), ("enabled", "true")];
        change.extend(fields.iter().filter(|(name, _)| *name != "client_secret"));
        program.act(who, "providers/save", &change).await.is(200);
        program.sign_in_with_provider(&provider, id).await;
        change.retain(|(name, _)| *name != "enabled");
        program.act(who, "providers/save", &change).await.is(200);
        program.get(Credential::Anonymous, &format!("/sign-in/with/{id}")).await.is(404);
        assert!(!program.get(Credential::Anonymous, "/sign-in").await.body.contains(id));
        program.act(who, "providers/remove", &[("id", id)]).await.is(200);
        assert!(!program.server_log().contains(SECRET));

        // Another tenant's provider appears only on that tenant's sign-in page.
        program.tenant("bolt");
        program.person_named("bob", ADAM, "bolt");
        let bob = program.sign_in("bob@bolt.example").await;
        let made = program.act(Credential::Browser(&bob), "providers/save", &fields).await.is(200).json();
        let id = made["go_to"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
        assert!(!program.get(Credential::Anonymous, "/sign-in").await.body.contains(&id));
        let settings = program.get(Credential::Browser(&bob), "/settings/authentication").await.body;
        let own = html::text_between(&settings, "/sign-in?tenant=", "<").to_owned();
        assert!(program.get(Credential::Anonymous, &format!("/sign-in?tenant={own}")).await.body.contains(&id));
        program.get(who, &format!("/settings/authentication/{id}")).await.is(404);
    }

    /// Failures of the test take the same time and have the same text, and the server's own addresses are refused.
    async fn a_02_the_provider_test_does_not_explore_the_network(program) {
        with_providers(program, &[], "", "").await;
        let ada = program.sign_in("ada@acme.example").await;
        // No packet is sent; the kernel chooses the source address.
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.connect("10.255.255.1:9").expect("this machine has a network");
        let own = socket.local_addr().unwrap().ip();
        let closed = reserve_port();
        let test = async |issuer: String| {
            let fields = [("kind", "oidc"), ("label", "Acme ID"), ("issuer", &issuer), ("client_id", "us"), ("client_secret", SECRET)];
            let made = program.act(Credential::Browser(&ada), "providers/save", &fields).await.is(200).json();
            let id = made["go_to"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
            let started = Instant::now();
            let body = program.act(Credential::Browser(&ada), "providers/test", &[("id", &id)]).await.is(422).body;
            (body, started.elapsed())
        };
        let (unreachable, unknown, name) = tokio::join!(
            test("https://10.255.255.1:1".into()),
            test("https://does-not-exist.invalid".into()),
            test(format!("https://[fd00:ffff::1]:{closed}")),
        );
        for (body, took) in [&unreachable, &unknown, &name] {
            assert_eq!(*body, unreachable.0);
            assert!(body.contains("no valid response") && (10..14).contains(&took.as_secs()), "{took:?} {body}");
        }
        for port in [closed.to_string(), program.origin.rsplit_once(':').unwrap().1.to_owned()] {
            let (body, _) = test(format!("https://{own}:{port}")).await;
            assert!(body.contains("this address is not allowed"), "{body}");
        }
    }
}
