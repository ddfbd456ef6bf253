//! A primary provider that disables all other sign-in methods, and break-glass access at the console.
use super::{
    DOMAIN, configure,
    fake_provider::{Behavior, Provider},
    flow::flow_cookie,
    with_providers,
};
use crate::{
    authenticator::{PasskeyCeremony, PasskeyDevice},
    client::{Credential, Response, form},
    people::{Browser, PASSWORD},
    program::{Program, on_both},
};
use reqwest::Method;
use serde_json::json;
use testkit::{MAX, OLGA};

impl Program {
    pub async fn ask_passkey(&self, who: Credential<'_>, purpose: &str) -> PasskeyCeremony {
        PasskeyCeremony::of(&self.act(who, "factors/ask-passkey", &[("purpose", purpose)]).await.is(200).secret())
    }

    /// Adds a passkey to the account.
    pub async fn make_passkey(&self, browser: &Browser) -> PasskeyDevice {
        let requests = self.ask_passkey(Credential::Browser(browser), "register").await;
        let (device, response) = PasskeyDevice::make(&requests, &self.origin.replace("127.0.0.1", "localhost"));
        let fields = [("name", "Phone"), ("ceremony", requests.token.as_str()), ("passkey", response.as_str())];
        self.act(Credential::Browser(browser), "factors/add-passkey", &fields).await.is(200);
        device
    }

    /// Signs in with a passkey only.
    async fn sign_in_with_passkey(&self, device: &PasskeyDevice) -> Response {
        let requests = self.ask_passkey(Credential::Anonymous, "sign-in").await;
        let fields = form(&[("ceremony", &requests.token), ("passkey", &device.show(&requests))]);
        Response::of(self.action(Credential::Anonymous, "login/passkey", "application/json", &fields)).await
    }

    /// Creates an account with an invitation.
    async fn join_with_invitation(&self, token: &str, email: &str) -> Response {
        let fields = form(&[("token", token), ("name", "Noa"), ("email", email), ("password", PASSWORD)]);
        Response::of(self.action(Credential::Anonymous, "setup/join", "application/json", &fields)).await
    }
}

on_both! {
    /// Passkeys and invitation passwords are refused while a primary provider is set, and work again afterwards.
    async fn a_03_passkeys_and_invitations_do_not_bypass_the_primary_provider(program) {
        let provider = Provider::start().await;
        let providers = [("acme", &provider)];
        program.use_fixed_ports();
        with_providers(program, &providers, "", DOMAIN).await;
        let olga = program.person(OLGA, "acme");
        let browser = program.sign_in(&olga.email).await;
        let device = program.make_passkey(&browser).await;
        let me = program.get(Credential::Key(&olga.key), "/api/v1/me").await.is(200).json();
        let organization = me["organizations"][0]["id"].as_str().unwrap();
        let fields = [("organization", organization), ("role", domain::role::Role::Viewer.as_str()), ("uses", "2"), ("days", "1")];
        let link = program.act(Credential::Browser(&browser), "organizations/invite", &fields).await.is(200).secret();
        let token = link.split_once("token=").unwrap().1;
        assert!(program.sign_in_with_passkey(&device).await.is(200).cookie().is_some());
        assert!(program.join_with_invitation(token, "noa@acme.example").await.is(200).cookie().is_some());

        program.kill();
        configure(program, "oidc", &providers, "primary_provider = \"acme\"", DOMAIN);
        program.start().await;
        for response in [program.sign_in_with_passkey(&device).await, program.join_with_invitation(token, "nea@acme.example").await] {
            assert!(response.status == 403 && response.cookie().is_none(), "{response}");
            assert!(response.body.contains("Password sign-in is disabled"), "{response}");
        }
        program.sign_in_with_provider(&provider, "acme").await;

        program.kill();
        configure(program, "oidc", &providers, "", DOMAIN);
        program.start().await;
        assert!(program.sign_in_with_passkey(&device).await.is(200).cookie().is_some(), "the passkey still works");
        assert!(program.join_with_invitation(token, "nea@acme.example").await.is(200).cookie().is_some(), "the invitation can still be used");
    }

    async fn a_03_a_primary_provider_disables_all_other_sign_in_methods(program) {
        let (provider, second) = (Provider::start().await, Provider::start().await);
        let auth = "primary_provider = \"acme\"";
        with_providers(program, &[("acme", &provider), ("bolt", &second)], auth, DOMAIN).await;
        let page = program.get(Credential::Anonymous, "/sign-in").await.is(200).body;
        assert!(page.contains("/sign-in/with/acme") && !page.contains("/sign-in/with/bolt"), "{page}");

        // The response is the same for a right password, a wrong one and an unknown address.
        let right = program.try_sign_in("ada@acme.example", PASSWORD, &[("next", "/")]).await.is(401);
        let wrong = program.try_sign_in("ada@acme.example", "another one entirely", &[("next", "/")]).await.is(401);
        let nobody = program.try_sign_in("nobody@acme.example", PASSWORD, &[("next", "/")]).await.is(401);
        for response in [&right, &wrong, &nobody] {
            assert!(response.cookie().is_none() && response.body.contains("Password sign-in is disabled"), "{response}");
        }
        program.get(Credential::Anonymous, "/sign-in/with/bolt").await.is(404);
        let redirect = program.redirect_to_provider(Credential::Anonymous, "/sign-in/with/acme").await;
        let callback_override = program.provider_callback("bolt", &[&redirect.flow_cookie], &provider.consent(&redirect.to)).await.is(404);
        assert!(callback_override.cookie().is_none());
        program.sign_in_with_provider(&provider, "acme").await;
    }

    async fn a_03_emergency_access_is_limited_to_named_admins_expires_and_is_audited(program) {
        let provider = Provider::start().await;
        with_providers(program, &[("acme", &provider)], "primary_provider = \"acme\"", DOMAIN).await;
        program.person(MAX, "acme");
        let on = ["admin", "break-glass", "--on", "--user", "ada@acme.example", "--reason", "the provider is down"];
        let failed = |arguments: &[&str]| !program.run(arguments, "").status.success();
        assert!(failed(&["admin", "break-glass", "--on", "--user", "max@acme.example", "--reason", "x"]), "max is not an admin");
        assert!(failed(&["admin", "break-glass", "--on", "--user", "ada@acme.example"]), "a reason is required");
        assert!(failed(&[on.as_slice(), &["--for", "25h"]].concat()));
        assert!(program.cli(&on, "").starts_with("Break-glass access enabled until "));
        assert!(program.cli(&["admin", "break-glass"], "").contains("the provider is down"));

        program.try_sign_in("ada@acme.example", "another one entirely", &[]).await.is(401);
        program.try_sign_in("max@acme.example", PASSWORD, &[]).await.is(401);
        let ada = program.sign_in("ada@acme.example").await;
        let page = program.get(Credential::Browser(&ada), "/settings/authentication").await.is(200).body;
        assert!(page.contains("Break-glass access is enabled") && page.contains("the provider is down"), "{page}");
        assert!(program.get(Credential::Browser(&ada), "/").await.is(200).body.contains("Break-glass access is enabled"));
        let audit = program.get(Credential::Browser(&ada), "/audit").await.is(200).body;
        assert!(audit.contains("break_glass.open"), "{audit}");

        assert_eq!(program.cli(&["admin", "break-glass", "--off"], ""), "Break-glass access disabled for 1 admin.");
        assert!(!program.is_signed_in(&ada.cookie()).await, "her session ends with it");
        program.try_sign_in("ada@acme.example", PASSWORD, &[]).await.is(401);
    }
}

/// a password link would bypass the primary provider.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_03_a_password_link_is_refused_while_passwords_are_closed() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    let auth = "primary_provider = \"acme\"\nadmin_emails = [\"nia@acme.example\"]";
    with_providers(&mut program, &[("acme", &provider)], auth, DOMAIN).await;
    let max = program.person(MAX, "acme");
    let nia = program.sign_in_with_provider(&provider, "acme").await;
    let link = program.act(Credential::Browser(&nia), "people/link", &[("id", &max.id)]).await.is(200).secret();
    let token = link.split_once("token=").unwrap().1;
    let fields = [("token", token), ("password", "harbor lantern 45 quilt")];
    let set = program.act(Credential::Anonymous, "setup/set-password", &fields).await;
    assert!(set.status == 403 && set.cookie().is_none(), "{set}");
}

/// a primary provider that does not exist is refused at startup, because nobody could sign in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_03_invalid_provider_settings_are_refused_at_startup() {
    let program = Program::sqlite();
    let table = "[[auth.provider]]\nid = \"acme\"\nkind = \"google\"\nclient_id = \"x\"\nclient_secret = \"hunter2\"\n";
    for (toml, says) in [
        ("[auth]\nprimary_provider = \"acme\"\n".to_owned(), "auth.primary_provider"),
        ("[auth]\nadmin_emails = [\"nobody\"]\n".to_owned(), "auth.admin_emails"),
        (format!("{table}{table}"), "two [[auth.provider]]"),
        (format!("{table}color = \"red\"\n"), "`color`"),
        (table.replace("google", "saml"), "`kind`"),
        (table.replace("client_secret = \"hunter2\"\n", ""), "`client_secret`"),
        (format!("{table}issuer = \"https://evil.example\"\n"), "`issuer`"),
        (format!("{table}new_accounts = \"domains\"\n"), "`domains`"),
        (format!("{table}client_secret_file = \"/nowhere\"\n"), "`client_secret`"),
    ] {
        program.configure(&toml);
        let refusal = program.startup_error().await;
        assert!(refusal.contains(says) && !refusal.contains("hunter2"), "{toml}\n{refusal}");
    }
}

/// the flow's endpoints accept GET only, and starting a flow does not fetch the discovery document again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_the_flow_accepts_get_requests_only() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", DOMAIN).await;
    for path in ["/sign-in/with/acme", "/sign-in/from/acme", "/account/link/acme"] {
        let request = program
            .request(Credential::Anonymous, Method::POST, path)
            .header("content-type", "application/x-www-form-urlencoded");
        Response::of(request.body(form(&[("code", "x")]))).await.is(405);
    }
    provider.behave(Behavior { metadata: json!({ "response_modes_supported": ["form_post"] }), ..Behavior::default() });
    let redirect = program.redirect_to_provider(Credential::Anonymous, "/sign-in/with/acme").await;
    assert!(redirect.to.query_pairs().all(|(name, _)| name != "response_mode"));
    program.redirect_to_provider(Credential::Anonymous, "/sign-in/with/acme").await;
    let requests = provider.request_count("/.well-known/openid-configuration");
    assert_eq!(requests, 1, "the discovery document is cached");
    for unknown in ["/sign-in/with/other", "/sign-in/with/a%2fb", "/sign-in/with/00000000-0000-0000-0000-000000000000"]
    {
        let response = program.get(Credential::Anonymous, unknown).await.is(404);
        assert!(flow_cookie(&response).is_none());
    }
}
