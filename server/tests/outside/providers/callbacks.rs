//! Validation of provider responses and callbacks: tokens, state, discovery and timeouts.
use super::{
    DOMAIN,
    fake_provider::{Behavior, Misbehavior, Provider, Signing, in_seconds},
    with_providers,
};
use crate::{
    client::{Credential, Response},
    program::{Program, on_both},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

fn claims(claims: Value) -> Behavior {
    Behavior { claims, ..Behavior::default() }
}

fn signed(signing: Signing, header: Value) -> Behavior {
    Behavior { signing, header, ..Behavior::default() }
}

fn metadata(metadata: Value) -> Behavior {
    Behavior { metadata, ..Behavior::default() }
}

fn callback_override(name: &'static str, value: Option<&str>) -> Behavior {
    Behavior { callback_override: vec![(name, value.map(str::to_owned))], ..Behavior::default() }
}

/// Checks that nobody was signed in and that the page repeats nothing from the provider.
#[track_caller]
fn is_refused(response: Response, status: u16, what: &str) {
    assert_eq!(response.status, status, "{what}: {response}");
    assert!(response.cookie().is_none(), "{what}: {response}");
    assert!(!response.body.contains("alert("), "{what}: {response}");
}

/// A-02: a token is accepted only with the issuer's signature, our audience, the nonce of this sign-in and a fresh
/// time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_every_invalid_token_is_refused_and_valid_ones_are_accepted() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", DOMAIN).await;
    let other = "https://other.example";
    let foreign_jwks = format!("{}/foreign-jwks", provider.issuer);
    let lies = [
        ("another issuer", claims(json!({ "iss": other }))),
        ("an issuer with a slash more", claims(json!({ "iss": format!("{}/", provider.issuer) }))),
        ("no issuer", claims(json!({ "iss": null }))),
        ("another audience", claims(json!({ "aud": "other" }))),
        ("a second audience", claims(json!({ "aud": ["castellan", "other"], "azp": "castellan" }))),
        ("no audience", claims(json!({ "aud": null }))),
        ("made for another party", claims(json!({ "azp": "other" }))),
        ("another nonce", claims(json!({ "nonce": "other" }))),
        ("no nonce", claims(json!({ "nonce": null }))),
        ("over", claims(json!({ "exp": in_seconds(-1) }))),
        ("without an end", claims(json!({ "exp": null }))),
        ("made in the future", claims(json!({ "iat": in_seconds(300) }))),
        ("made long ago", claims(json!({ "iat": in_seconds(-3_600) }))),
        ("another access token's", claims(json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" }))),
        ("no subject", claims(json!({ "sub": null }))),
        ("unsigned", signed(Signing::None, json!({}))),
        ("signed with the client's secret", signed(Signing::Hs256, json!({}))),
        ("signed with the public key as a secret", signed(Signing::PublicKey, json!({}))),
        ("signed by somebody else", signed(Signing::ForeignKey, json!({}))),
        ("signed by whom jku names", signed(Signing::ForeignKey, json!({ "jku": foreign_jwks, "kid": "rsa" }))),
        ("signed by whom x5u names", signed(Signing::ForeignKey, json!({ "x5u": foreign_jwks, "kid": null }))),
        ("a key of another kind", signed(Signing::Rs256, json!({ "kid": "ec" }))),
        ("something critical", signed(Signing::Rs256, json!({ "crit": ["b64"], "b64": true }))),
    ];
    for (what, behavior) in lies.clone() {
        provider.behave(behavior);
        is_refused(program.complete_provider_sign_in(&provider, "acme").await, 401, what);
    }
    assert!(!provider.was_requested("/foreign-jwks"), "the server fetches no key that a token names");
    let records = program.refusals("browser_session.open").await;
    assert_eq!(records.len(), lies.len(), "each is in the audit log");
    for record in &records {
        assert_eq!((&record["target_kind"], &record["target_id"]), (&"provider".into(), &"acme".into()), "{record}");
        assert_eq!(record["detail"]["reason"], "the response could not be verified", "{record}");
        assert_eq!(record["event"], "authentication_failure", "{record}");
    }
    for behavior in [
        Behavior::default(),
        claims(json!({ "aud": ["castellan"], "azp": "castellan" })),
        claims(json!({ "iat": in_seconds(-60) })),
        // BC-30 and X-05: odd types where nobody looks.
        claims(json!({
            "updated_at": "2026-03-01T10:00:00Z", "address": "x", "locale": 5, "phone_number": 49_123, "birthdate": 1,
            "phone_number_verified": "false", "amr": "pwd", "acr": 1, "email_verified": "true",
        })),
        metadata(json!({ "claims_parameter_supported": "true", "scopes_supported": null })),
        claims(json!({ "at_hash": at_hash("access") })),
        signed(Signing::Es256, json!({})),
        signed(Signing::Rs256, json!({ "kid": null })),
    ] {
        provider.behave(behavior.clone());
        assert!(program.complete_provider_sign_in(&provider, "acme").await.is(303).cookie().is_some(), "{behavior:?}");
    }
}

impl Program {
    /// Returns the refusals of an action in the audit log, newest first.
    async fn refusals(&self, action: &str) -> Vec<Value> {
        let key = self.key("ada@acme.example", "audit:read");
        let list = format!("/api/v1/audit?action={action}&outcome=refused&limit=200");
        let records = self.get(Credential::Key(&key), &list).await.is(200).json();
        records["items"].as_array().unwrap().clone()
    }
}

/// Returns the left half of the hash (OpenID Connect Core, 3.1.3.6).
fn at_hash(token: &str) -> String {
    use aws_lc_rs::digest::{SHA256, digest};
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    BASE64_URL_SAFE_NO_PAD.encode(&digest(&SHA256, token.as_bytes()).as_ref()[..16])
}

/// BC-32: sign-ins in several tabs do not disturb each other, and a browser that returns to a finished one continues.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_bc32_sign_ins_in_several_tabs_all_succeed() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", DOMAIN).await;
    let mut tabs = vec![];
    for next in ["/tasks", "/runners", "/audit"] {
        let path = format!("/sign-in/with/acme?next={next}");
        tabs.push((next, program.redirect_to_provider(Credential::Anonymous, &path).await));
    }
    let cookies: Vec<_> = tabs.iter().map(|(_, tab)| tab.flow_cookie.clone()).collect();
    let cookies: Vec<_> = cookies.iter().map(String::as_str).collect();
    for (next, tab) in &tabs {
        let query = provider.consent(&tab.to);
        let response = program.provider_callback("acme", &cookies, &query).await.is(303);
        assert_eq!(response.header("location"), *next);
        let session = format!("castellan={}", response.cookie().expect("it signs in"));
        let returned = program.provider_callback("acme", &[&cookies[..], &[&session]].concat(), &query).await.is(303);
        assert_eq!(returned.header("location"), *next);
        program.provider_callback("acme", &cookies, &query).await.is(409); // not signed in
    }
}

/// A-02: a callback is accepted once, in the same browser, for the same provider.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_a_callback_is_accepted_once_and_only_in_the_same_browser() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    let second = Provider::start().await;
    with_providers(&mut program, &[("acme", &provider), ("bolt", &second)], "", DOMAIN).await;
    let lost = |response: Response, what: &str| {
        is_refused(response.clone(), 409, what);
        assert!(response.body.contains("was not started in this browser"), "{response}");
    };
    let (mine, theirs) = (
        program.redirect_to_provider(Credential::Anonymous, "/sign-in/with/acme").await,
        program.redirect_to_provider(Credential::Anonymous, "/sign-in/with/acme").await,
    );
    let query = provider.consent(&mine.to);
    lost(program.provider_callback("acme", &[], &query).await, "without the cookie");
    lost(program.provider_callback("acme", &[&theirs.flow_cookie], &query).await, "in another browser");
    lost(program.provider_callback("bolt", &[&mine.flow_cookie], &query).await, "at another provider's address");
    lost(program.provider_callback("acme", &[&mine.flow_cookie, &mine.flow_cookie], &query).await, "with two cookies");
    let (rest, last) = mine.flow_cookie.split_at(mine.flow_cookie.len() - 1);
    let changed = format!("{rest}{}", if last == "A" { "Q" } else { "A" });
    lost(program.provider_callback("acme", &[&changed], &query).await, "with a cookie that was changed");
    for (what, behavior) in
        [("another state", callback_override("state", Some("other"))), ("no state", callback_override("state", None))]
    {
        provider.behave(behavior);
        lost(program.provider_callback("acme", &[&mine.flow_cookie], &provider.consent(&mine.to)).await, what);
    }
    lost(program.provider_callback("acme", &[&mine.flow_cookie], &format!("{query}&state=other")).await, "two states");
    let first = program.provider_callback("acme", &[&mine.flow_cookie], &query).await.is(303);
    assert!(first.cookie().is_some(), "a valid response signs in: {first}");
    lost(program.provider_callback("acme", &[&mine.flow_cookie], &query).await, "a second time");
    assert_eq!(
        program.refusals("browser_session.open").await,
        Vec::<Value>::new(),
        "an unknown response reveals nothing about accounts"
    );
    // A stolen code is useless in another browser, because PKCE verifier and nonce differ.
    let (mine, theirs) = (
        program.redirect_to_provider(Credential::Anonymous, "/sign-in/with/acme").await,
        program.redirect_to_provider(Credential::Anonymous, "/sign-in/with/acme").await,
    );
    provider.behave(Behavior::default());
    let stolen = provider.consent(&theirs.to);
    let code = stolen.split('&').find(|part| part.starts_with("code=")).unwrap();
    let state = mine.to.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let response = program.provider_callback("acme", &[&mine.flow_cookie], &format!("{code}&state={state}")).await;
    is_refused(response, 401, "another browser's code");
}

/// A-02, OpenID Connect Core 3.1.2.1: step-up with a provider requires a fresh `auth_time`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_step_up_needs_a_fresh_auth_time() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", DOMAIN).await;
    let old = json!({ "auth_time": in_seconds(-86_400) });
    provider.behave(claims(old.clone()));
    let nia = program.sign_in_with_provider(&provider, "acme").await;
    // An old session at the provider is not a fresh proof.
    let link = async |browser| {
        super::flow::flow_cookie(
            &program.start_provider_sign_in(Credential::Browser(browser), "/account/link/acme").await.is(303),
        )
    };
    assert!(link(&nia).await.is_none());
    let again = async || {
        let redirect = program.redirect_to_provider(Credential::Browser(&nia), "/sign-in/with/acme?next=%2Fkeys").await;
        let asks = |name: &str, what: &str| redirect.to.query_pairs().any(|(its, value)| its == name && value == what);
        assert!(asks("prompt", "login") && asks("max_age", "0"), "{}", redirect.to);
        program
            .provider_callback("acme", &[&redirect.flow_cookie, &nia.cookie_line()], &provider.consent(&redirect.to))
            .await
    };
    for (what, lie) in [
        ("by a session of yesterday", old),
        ("before the sign-in was started", json!({ "auth_time": in_seconds(-120) })),
        ("without auth_time", json!({ "auth_time": null })),
        ("in the future", json!({ "auth_time": in_seconds(300) })),
        ("at no time at all", json!({ "auth_time": "now" })),
    ] {
        provider.behave(claims(lie));
        let response = again().await;
        let stale = response.body.contains("did not confirm a recent sign-in");
        assert!(stale, "{what}: {response}");
        is_refused(response, 401, what);
        assert!(program.is_signed_in(nia.cookie_line().split_once('=').unwrap().1).await, "{what}: nothing changed");
    }
    // Another person may have used her open browser, so the refusal counts as a failure of her account.
    let (stale, untrusted) = (program.refusals("factor.show").await, program.refusals("browser_session.open").await);
    assert_eq!((stale.len(), untrusted.len()), (5, 0), "{stale:?} {untrusted:?}");
    for record in &stale {
        assert!(record["person"].is_string() && record["person"] == record["target_id"], "{record}");
        assert_eq!(record["detail"]["reason"], "the provider did not confirm the re-authentication");
    }
    provider.behave(Behavior::default());
    let response = again().await.is(303);
    assert_eq!(response.header("location"), "/keys");
    let fresh = crate::people::Browser::with(&response.cookie().unwrap());
    assert!(link(&fresh).await.is_some(), "step-up is complete");
    // An ordinary sign-in may use an existing session at the provider.
    let redirect = program.redirect_to_provider(Credential::Anonymous, "/sign-in/with/acme").await;
    assert!(redirect.to.query_pairs().all(|(name, _)| name != "max_age" && name != "prompt"), "{}", redirect.to);
}

/// A-02, RFC 9207: the issuer in the callback must be the one of the request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_the_issuer_in_a_callback_must_match() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", DOMAIN).await;
    let own = provider.issuer.clone();
    provider.behave(callback_override("iss", Some("https://other.example")));
    is_refused(program.complete_provider_sign_in(&provider, "acme").await, 401, "another iss");
    provider.behave(callback_override("iss", Some("")));
    is_refused(program.complete_provider_sign_in(&provider, "acme").await, 401, "an empty iss");
    provider.behave(callback_override("iss", Some(&own)));
    program.sign_in_with_provider(&provider, "acme").await;
    // A repeated parameter is invalid (RFC 6749, 3.1), even with the same value.
    for message in ["iss", "code"] {
        let redirect = program.redirect_to_provider(Credential::Anonymous, "/sign-in/with/acme").await;
        let query = provider.consent(&redirect.to);
        let again = query.split('&').find(|part| part.starts_with(&format!("{message}="))).unwrap();
        let response = program.provider_callback("acme", &[&redirect.flow_cookie], &format!("{query}&{again}")).await;
        is_refused(response, 401, &format!("{message} twice"));
    }
    program.sign_in_with_provider(&provider, "acme").await;
    let names_itself = json!({ "authorization_response_iss_parameter_supported": true });
    provider.behave(metadata(names_itself.clone()));
    is_refused(program.complete_provider_sign_in(&provider, "acme").await, 401, "none, of one that names itself");
    provider.behave(Behavior { callback_override: vec![("iss", Some(own))], ..metadata(names_itself) });
    program.sign_in_with_provider(&provider, "acme").await;
}

/// A-02: error pages use our own texts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_error_texts_of_a_provider_are_not_displayed() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", DOMAIN).await;
    let script = || Some("<script>alert('x')</script>".to_owned());
    for error in ["access_denied", "server_error", "<script>alert('x')</script>"] {
        let callback_override = vec![
            ("error", Some(error.to_owned())),
            ("error_description", script()),
            ("error_uri", script()),
            ("code", None),
        ];
        provider.behave(Behavior { callback_override, ..Behavior::default() });
        let response = program.complete_provider_sign_in(&provider, "acme").await;
        assert!(response.body.contains("acme ID did not sign you in"), "{response}");
        is_refused(response, 401, error);
    }
    let redirect = program.redirect_to_provider(Credential::Anonymous, "/sign-in/with/acme").await;
    let state = redirect.to.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let response =
        program.provider_callback("acme", &[&redirect.flow_cookie], &format!("code=unknown&state={state}")).await;
    is_refused(response, 401, "a code that is not taken, with a script in the error");
    assert!(!program.server_log().contains('\u{1b}'), "control characters are escaped in the log");
}

/// A-02: invalid discovery documents are refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_invalid_discovery_documents_are_refused() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", DOMAIN).await;
    let discovered = |misbehavior| Behavior {
        misbehavior: Some(("/.well-known/openid-configuration", misbehavior)),
        ..Behavior::default()
    };
    let endpoint = |name: &str, at: &str| metadata(json!({ name: at }));
    for (what, behavior) in [
        ("another issuer", metadata(json!({ "issuer": "https://other.example" }))),
        ("a redirect", discovered(Misbehavior::Redirected)),
        ("a huge document", discovered(Misbehavior::Huge)),
        ("keys on the link", endpoint("jwks_uri", "http://169.254.169.254/jwks")),
        ("keys in the cloud's metadata", endpoint("jwks_uri", "http://[fd00:ec2::254]/jwks")),
        ("people sent to the link", endpoint("authorization_endpoint", "http://169.254.169.254/")),
        ("people sent without TLS", endpoint("authorization_endpoint", "http://id.acme.example/")),
        ("codes traded nowhere", metadata(json!({ "token_endpoint": null }))),
        ("people sent to a script", endpoint("authorization_endpoint", "javascript:alert('x')")),
    ] {
        provider.behave(behavior);
        let response = program.start_provider_sign_in(Credential::Anonymous, "/sign-in/with/acme").await;
        assert!(super::flow::flow_cookie(&response).is_none(), "{what}: {response}");
        is_refused(response, 503, what);
    }
    assert!(!provider.was_requested("/elsewhere/.well-known/openid-configuration"), "redirects are not followed");
    for (what, behavior) in [("codes traded on the link", endpoint("token_endpoint", "http://169.254.169.254/token"))] {
        provider.behave(behavior);
        is_refused(program.complete_provider_sign_in(&provider, "acme").await, 401, what);
    }
    provider.behave(Behavior::default());
    program.sign_in_with_provider(&provider, "acme").await;
}

/// The endpoints of a provider, and the status of a sign-in when one of them misbehaves.
const ENDPOINTS: [(&str, u16); 4] =
    [("/.well-known/openid-configuration", 503), ("/jwks", 503), ("/token", 401), ("/userinfo", 401)];

/// Returns a behavior that sends the address only in the userinfo response, so that all four endpoints are used.
fn email_from_userinfo(email: &str, misbehavior: Option<(&'static str, Misbehavior)>) -> Behavior {
    let events = json!({ "email": email, "email_verified": true });
    let quiet = json!({ "email": null, "email_verified": null });
    Behavior { claims: quiet, userinfo: events, misbehavior, ..Behavior::default() }
}

/// A-02: redirects and oversized responses of every endpoint are refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_redirects_and_oversized_responses_are_refused() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", DOMAIN).await;
    let email = "nia@acme.example";
    provider.behave(email_from_userinfo(email, None));
    program.sign_in_with_provider(&provider, "acme").await; // its metadata is cached now
    for (path, status) in ENDPOINTS {
        for misbehavior in [Misbehavior::Redirected, Misbehavior::Huge] {
            let before = provider.request_count(path);
            provider.behave(email_from_userinfo(email, Some((path, misbehavior))));
            is_refused(
                program.complete_provider_sign_in(&provider, "acme").await,
                status,
                &format!("{path}: {misbehavior:?}"),
            );
            assert_eq!(provider.request_count(path), before + 1, "{path}: {misbehavior:?}");
        }
        assert!(!provider.was_requested(&format!("/elsewhere{path}")), "{path}");
        provider.behave(email_from_userinfo(email, None));
        program.sign_in_with_provider(&provider, "acme").await;
    }
}

/// A-02: requests to a provider time out after ten seconds; slower responses within that time are accepted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_requests_to_every_endpoint_time_out() {
    let mut program = Program::sqlite();
    let providers = [(); 4].map(|()| Provider::start());
    let providers = futures::future::join_all(providers).await;
    let keys = ["discovery", "keys", "codes", "people"];
    let known: Vec<_> = keys.into_iter().zip(&providers).collect();
    with_providers(&mut program, &known, "", DOMAIN).await;
    let program = &program;
    let visits = known.iter().zip(ENDPOINTS).map(|((key, provider), (path, status))| async move {
        let email = format!("{key}@acme.example");
        provider.behave(email_from_userinfo(&email, Some((path, Misbehavior::Slow))));
        let begun = Instant::now();
        program.sign_in_with_provider(provider, key).await;
        assert!(begun.elapsed() > Duration::from_secs(2), "{path}");
        provider.behave(email_from_userinfo(&email, Some((path, Misbehavior::Endless))));
        let begun = Instant::now();
        is_refused(program.complete_provider_sign_in(provider, key).await, status, path);
        let waited = begun.elapsed();
        assert!(Duration::from_secs(9) < waited && waited < Duration::from_secs(15), "{path}: {waited:?}");
    });
    futures::future::join_all(visits).await;
}

on_both! {
    /// A-02: the sign-in flow works on either database, and signing out ends the session.
    async fn a_02_sign_in_with_a_provider_opens_a_session(program) {
        let provider = Provider::start().await;
        with_providers(program, &[("acme", &provider)], "", DOMAIN).await;
        let page = program.get(Credential::Anonymous, "/sign-in?next=%2Fkeys").await.is(200);
        assert!(page.body.contains(r#"href="/sign-in/with/acme?next=%2Fkeys""#) && page.body.contains("Sign in with acme ID"));
        let redirect = program.redirect_to_provider(Credential::Anonymous, "/sign-in/with/acme?next=%2Fkeys").await;
        let redirect_uri = redirect.to.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
        assert_eq!(redirect_uri, format!("{}/sign-in/from/acme", program.origin));
        let response = program.provider_callback("acme", &[&redirect.flow_cookie], &provider.consent(&redirect.to)).await.is(303);
        assert_eq!(response.header("location"), "/keys");
        let cookie = response.cookie().unwrap();
        assert!(program.is_signed_in(&cookie).await);
        let nia = crate::people::Browser::with(&cookie);
        assert!(program.get(Credential::Browser(&nia), "/account/sign-in").await.is(200).body.contains("nia@acme.example"));
        program.act(Credential::Browser(&nia), "login/sign-out", &[]).await.is(200);
        assert!(!program.is_signed_in(&cookie).await);
        for foreign in ["//evil.example", "https://evil.example", "/\\evil.example"] {
            let path = format!("/sign-in/with/acme?next={}", url::form_urlencoded::byte_serialize(foreign.as_bytes()).collect::<String>());
            let redirect = program.redirect_to_provider(Credential::Anonymous, &path).await;
            let response = program.provider_callback("acme", &[&redirect.flow_cookie], &provider.consent(&redirect.to)).await.is(303);
            assert_eq!(response.header("location"), "/", "{foreign}");
        }
    }
}
