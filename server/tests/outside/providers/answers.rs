//! What a provider and a browser may bring, and what is made of it: only a whole, fresh, own answer opens a session.
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    DOMAIN,
    hostile::{Manner, Odd, Provider, Signing, in_seconds},
    with_providers,
};
use crate::{
    ask::{Answer, Who},
    program::{Program, on_both},
};

fn claims(claims: Value) -> Manner {
    Manner { claims, ..Manner::default() }
}

fn signed(signing: Signing, header: Value) -> Manner {
    Manner { signing, header, ..Manner::default() }
}

fn metadata(metadata: Value) -> Manner {
    Manner { metadata, ..Manner::default() }
}

fn back(name: &'static str, value: Option<&str>) -> Manner {
    Manner { back: vec![(name, value.map(str::to_owned))], ..Manner::default() }
}

/// That nobody was signed in, and that nothing of what the provider said is on the page.
#[track_caller]
fn is_refused(answer: Answer, status: u16, what: &str) {
    assert_eq!(answer.status, status, "{what}: {answer}");
    assert!(answer.cookie().is_none(), "{what}: {answer}");
    assert!(!answer.body.contains("alert("), "{what}: {answer}");
}

/// A-02: a token that is not signed by the issuer's own key, for us, for this sign-in, just now, opens nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_every_lie_in_a_token_is_refused_and_its_honest_twin_is_not() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", DOMAIN).await;
    let other = "https://other.example";
    let strangers = format!("{}/strangers", provider.issuer);
    let lies = [
        ("another issuer", claims(json!({ "iss": other }))),
        ("an issuer with a slash more", claims(json!({ "iss": format!("{}/", provider.issuer) }))),
        ("no issuer", claims(json!({ "iss": null }))),
        ("another audience", claims(json!({ "aud": "other" }))),
        ("an audience beside us", claims(json!({ "aud": ["castellan", "other"], "azp": "castellan" }))),
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
        ("signed by somebody else", signed(Signing::Stranger, json!({}))),
        ("signed by whom jku names", signed(Signing::Stranger, json!({ "jku": strangers, "kid": "rsa" }))),
        ("signed by whom x5u names", signed(Signing::Stranger, json!({ "x5u": strangers, "kid": null }))),
        ("a key of another kind", signed(Signing::Rs256, json!({ "kid": "ec" }))),
        ("something critical", signed(Signing::Rs256, json!({ "crit": ["b64"], "b64": true }))),
    ];
    for (what, manner) in lies.clone() {
        provider.behave(manner);
        is_refused(program.visit(&provider, "acme").await, 401, what);
    }
    assert!(!provider.was_asked("/strangers"), "no token says where its key is");
    let records = program.refusals("browser_session.open").await;
    assert_eq!(records.len(), lies.len(), "each is in the audit log");
    for record in &records {
        assert_eq!((&record["target_kind"], &record["target_id"]), (&"provider".into(), &"acme".into()), "{record}");
        assert_eq!(record["detail"]["reason"], "the answer is not believed", "{record}");
        assert_eq!(record["event"], "authentication_failure", "{record}");
    }
    for manner in [
        Manner::default(),
        claims(json!({ "aud": ["castellan"], "azp": "castellan" })),
        claims(json!({ "iat": in_seconds(-60) })),
        claims(json!({ "at_hash": at_hash("access") })),
        signed(Signing::Es256, json!({})),
        signed(Signing::Rs256, json!({ "kid": null })),
    ] {
        provider.behave(manner.clone());
        assert!(program.visit(&provider, "acme").await.is(303).cookie().is_some(), "{manner:?}");
    }
}

impl Program {
    /// What the audit log says of refusals of an action, newest first.
    async fn refusals(&self, action: &str) -> Vec<Value> {
        let key = self.key("ada@acme.example", "audit:read");
        let list = format!("/api/v1/audit?action={action}&outcome=refused&limit=200");
        let records = self.get(Who::Key(&key), &list).await.is(200).json();
        records["items"].as_array().unwrap().clone()
    }
}

/// The left half of the hash (OpenID Connect Core, 3.1.3.6).
fn at_hash(token: &str) -> String {
    use aws_lc_rs::digest::{SHA256, digest};
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    BASE64_URL_SAFE_NO_PAD.encode(&digest(&SHA256, token.as_bytes()).as_ref()[..16])
}

/// A-02: what a browser brings counts once, in that browser, at that provider.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_an_answer_counts_once_and_only_in_the_browser_that_asked() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    let second = Provider::start().await;
    with_providers(&mut program, &[("acme", &provider), ("bolt", &second)], "", DOMAIN).await;
    let lost = |answer: Answer, what: &str| {
        is_refused(answer.clone(), 409, what);
        assert!(answer.body.contains("was not started in this browser"), "{answer}");
    };
    let (mine, theirs) =
        (program.sent(Who::Nobody, "/sign-in/with/acme").await, program.sent(Who::Nobody, "/sign-in/with/acme").await);
    let query = provider.consent(&mine.to);
    lost(program.come_back("acme", &[], &query).await, "without the cookie");
    lost(program.come_back("acme", &[&theirs.ticket], &query).await, "in another browser");
    lost(program.come_back("bolt", &[&mine.ticket], &query).await, "at another provider's address");
    lost(program.come_back("acme", &[&mine.ticket, &theirs.ticket], &query).await, "with two cookies");
    let (rest, last) = mine.ticket.split_at(mine.ticket.len() - 1);
    let changed = format!("{rest}{}", if last == "A" { "Q" } else { "A" });
    lost(program.come_back("acme", &[&changed], &query).await, "with a cookie that was changed");
    for (what, manner) in [("another state", back("state", Some("other"))), ("no state", back("state", None))] {
        provider.behave(manner);
        lost(program.come_back("acme", &[&mine.ticket], &provider.consent(&mine.to)).await, what);
    }
    lost(program.come_back("acme", &[&mine.ticket], &format!("{query}&state=other")).await, "two states");
    let first = program.come_back("acme", &[&mine.ticket], &query).await.is(303);
    assert!(first.cookie().is_some(), "as it must be, it leads in: {first}");
    assert!(super::visit::ticket(&first).is_none() && first.headers.get_all("set-cookie").iter().count() >= 2);
    lost(program.come_back("acme", &[&mine.ticket], &query).await, "a second time");
    assert_eq!(
        program.refusals("browser_session.open").await,
        Vec::<Value>::new(),
        "nobody's answer says nothing about anybody"
    );
    // A code of one browser is of no use in another's, whatever it says of its state: PKCE and nonce are the other's.
    let (mine, theirs) =
        (program.sent(Who::Nobody, "/sign-in/with/acme").await, program.sent(Who::Nobody, "/sign-in/with/acme").await);
    provider.behave(Manner::default());
    let stolen = provider.consent(&theirs.to);
    let code = stolen.split('&').find(|part| part.starts_with("code=")).unwrap();
    let state = mine.to.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let answer = program.come_back("acme", &[&mine.ticket], &format!("{code}&state={state}")).await;
    is_refused(answer, 401, "another browser's code");
}

/// A-02, OpenID Connect Core 3.1.2.1: who proves themselves again must have done so there, and just now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_who_proves_themselves_again_did_so_at_the_provider_just_now() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", DOMAIN).await;
    let old = json!({ "auth_time": in_seconds(-86_400) });
    provider.behave(claims(old.clone()));
    let nia = program.come_in(&provider, "acme").await;
    // A session of yesterday there is no fresh proof here.
    let link = async |browser| {
        super::visit::ticket(&program.set_out(Who::Browser(browser), "/account/link/acme").await.is(303))
    };
    assert!(link(&nia).await.is_none());
    let again = async || {
        let sent = program.sent(Who::Browser(&nia), "/sign-in/with/acme?next=%2Fkeys").await;
        let asks = |name: &str, what: &str| sent.to.query_pairs().any(|(its, value)| its == name && value == what);
        assert!(asks("prompt", "login") && asks("max_age", "0"), "{}", sent.to);
        program.come_back("acme", &[&sent.ticket, &nia.cookie_line()], &provider.consent(&sent.to)).await
    };
    for (what, lie) in [
        ("by a session of yesterday", old),
        ("from before they set out", json!({ "auth_time": in_seconds(-120) })),
        ("without a word of when", json!({ "auth_time": null })),
        ("in the future", json!({ "auth_time": in_seconds(300) })),
        ("at no time at all", json!({ "auth_time": "now" })),
    ] {
        provider.behave(claims(lie));
        let answer = again().await;
        let stale = answer.body.contains("did not confirm a recent sign-in");
        assert!(stale || what == "at no time at all", "{what}: {answer}");
        is_refused(answer, 401, what);
        assert!(program.is_signed_in(nia.cookie_line().split_once('=').unwrap().1).await, "{what}: nothing changed");
    }
    // It may have been somebody else at her open browser: the record names her, and counts as a failure of hers.
    let (stale, untrusted) = (program.refusals("factor.show").await, program.refusals("browser_session.open").await);
    assert_eq!((stale.len(), untrusted.len()), (4, 1), "{stale:?} {untrusted:?}");
    for record in &stale {
        assert!(record["person"].is_string() && record["person"] == record["target_id"], "{record}");
        assert_eq!(record["detail"]["reason"], "the provider does not say that they proved themselves anew");
    }
    provider.behave(Manner::default());
    let answer = again().await.is(303);
    assert_eq!(answer.header("location"), "/keys");
    let fresh = crate::people::Browser::with(&answer.cookie().unwrap());
    assert!(link(&fresh).await.is_some(), "what asks for a fresh proof is open again");
    // Who only signs in is not asked to be there: the provider's own session is what it is for.
    let sent = program.sent(Who::Nobody, "/sign-in/with/acme").await;
    assert!(sent.to.query_pairs().all(|(name, _)| name != "max_age" && name != "prompt"), "{}", sent.to);
}

/// A-02, RFC 9207: who answers must be who was asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_an_answer_says_whose_it_is() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", DOMAIN).await;
    let own = provider.issuer.clone();
    provider.behave(back("iss", Some("https://other.example")));
    is_refused(program.visit(&provider, "acme").await, 401, "another iss");
    provider.behave(back("iss", Some("")));
    is_refused(program.visit(&provider, "acme").await, 401, "an empty iss");
    provider.behave(back("iss", Some(&own)));
    program.come_in(&provider, "acme").await;
    // What is said twice is not said (RFC 6749, 3.1), though it be the same.
    for said in ["iss", "code"] {
        let sent = program.sent(Who::Nobody, "/sign-in/with/acme").await;
        let query = provider.consent(&sent.to);
        let again = query.split('&').find(|part| part.starts_with(&format!("{said}="))).unwrap();
        let answer = program.come_back("acme", &[&sent.ticket], &format!("{query}&{again}")).await;
        is_refused(answer, 401, &format!("{said} twice"));
    }
    program.come_in(&provider, "acme").await;
    let names_itself = json!({ "authorization_response_iss_parameter_supported": true });
    provider.behave(metadata(names_itself.clone()));
    is_refused(program.visit(&provider, "acme").await, 401, "none, of one that names itself");
    provider.behave(Manner { back: vec![("iss", Some(own))], ..metadata(names_itself) });
    program.come_in(&provider, "acme").await;
}

/// A-02: errors are told in our own words, whatever the provider's are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_nothing_that_a_provider_says_of_an_error_is_repeated() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", DOMAIN).await;
    let script = || Some("<script>alert('x')</script>".to_owned());
    for error in ["access_denied", "server_error", "<script>alert('x')</script>"] {
        let back = vec![
            ("error", Some(error.to_owned())),
            ("error_description", script()),
            ("error_uri", script()),
            ("code", None),
        ];
        provider.behave(Manner { back, ..Manner::default() });
        let answer = program.visit(&provider, "acme").await;
        assert!(answer.body.contains("acme ID did not sign you in"), "{answer}");
        is_refused(answer, 401, error);
    }
    let sent = program.sent(Who::Nobody, "/sign-in/with/acme").await;
    let state = sent.to.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let answer = program.come_back("acme", &[&sent.ticket], &format!("code=unknown&state={state}")).await;
    is_refused(answer, 401, "a code that is not taken, with a script in the error");
    assert!(!program.logged().contains('\u{1b}'), "nor does it reach the log as it is");
}

/// A-02: what cannot be discovered as it must be is not gone to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_discovery_is_the_issuers_own_short_and_leads_nowhere_it_must_not() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", DOMAIN).await;
    let discovered = |odd| Manner { odd: Some(("/.well-known/openid-configuration", odd)), ..Manner::default() };
    let endpoint = |name: &str, at: &str| metadata(json!({ name: at }));
    for (what, manner) in [
        ("another issuer", metadata(json!({ "issuer": "https://other.example" }))),
        ("a redirect", discovered(Odd::Redirected)),
        ("a huge document", discovered(Odd::Huge)),
        ("keys on the link", endpoint("jwks_uri", "http://169.254.169.254/jwks")),
        ("keys in the cloud's metadata", endpoint("jwks_uri", "http://[fd00:ec2::254]/jwks")),
        ("people sent to the link", endpoint("authorization_endpoint", "http://169.254.169.254/")),
        ("people sent without TLS", endpoint("authorization_endpoint", "http://id.acme.example/")),
        ("people sent to a script", endpoint("authorization_endpoint", "javascript:alert('x')")),
    ] {
        provider.behave(manner);
        let answer = program.set_out(Who::Nobody, "/sign-in/with/acme").await;
        assert!(super::visit::ticket(&answer).is_none(), "{what}: {answer}");
        is_refused(answer, 503, what);
    }
    assert!(!provider.was_asked("/elsewhere/.well-known/openid-configuration"), "redirects are not followed");
    for (what, manner) in [
        ("codes traded on the link", endpoint("token_endpoint", "http://169.254.169.254/token")),
        ("codes traded nowhere", metadata(json!({ "token_endpoint": null }))),
    ] {
        provider.behave(manner);
        is_refused(program.visit(&provider, "acme").await, 401, what);
    }
    provider.behave(Manner::default());
    program.come_in(&provider, "acme").await;
}

/// Where a provider is asked for something, and what becomes of somebody whose sign-in it does not answer as it must.
const ASKED: [(&str, u16); 4] =
    [("/.well-known/openid-configuration", 503), ("/jwks", 503), ("/token", 401), ("/userinfo", 401)];

/// Somebody of whom only the userinfo tells the address, so that all four are asked; and how one of them answers.
fn told_at_userinfo(email: &str, odd: Option<(&'static str, Odd)>) -> Manner {
    let told = json!({ "email": email, "email_verified": true });
    let quiet = json!({ "email": null, "email_verified": null });
    Manner { claims: quiet, userinfo: told, odd, ..Manner::default() }
}

/// A-02: no endpoint of a provider sends us elsewhere or has us read without end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_no_endpoint_leads_away_or_answers_at_any_length() {
    let (mut program, provider) = (Program::sqlite(), Provider::start().await);
    with_providers(&mut program, &[("acme", &provider)], "", DOMAIN).await;
    let email = "nia@acme.example";
    provider.behave(told_at_userinfo(email, None));
    program.come_in(&provider, "acme").await; // what it says of itself is known now, for setting out
    for (path, status) in ASKED {
        for odd in [Odd::Redirected, Odd::Huge] {
            let before = provider.times_asked(path);
            provider.behave(told_at_userinfo(email, Some((path, odd))));
            is_refused(program.visit(&provider, "acme").await, status, &format!("{path}: {odd:?}"));
            assert_eq!(provider.times_asked(path), before + 1, "{path}: {odd:?}");
        }
        assert!(!provider.was_asked(&format!("/elsewhere{path}")), "{path}");
        provider.behave(told_at_userinfo(email, None));
        program.come_in(&provider, "acme").await;
    }
}

/// A-02: who is not answered is told so after ten seconds; an answer that takes its time is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_no_endpoint_is_waited_for_without_end() {
    let mut program = Program::sqlite();
    let providers = [(); 4].map(|()| Provider::start());
    let providers = futures::future::join_all(providers).await;
    let keys = ["discovery", "keys", "codes", "people"];
    let known: Vec<_> = keys.into_iter().zip(&providers).collect();
    with_providers(&mut program, &known, "", DOMAIN).await;
    let program = &program;
    let visits = known.iter().zip(ASKED).map(|((key, provider), (path, status))| async move {
        let email = format!("{key}@acme.example");
        provider.behave(told_at_userinfo(&email, Some((path, Odd::Slow))));
        let begun = Instant::now();
        program.come_in(provider, key).await;
        assert!(begun.elapsed() > Duration::from_secs(2), "{path}");
        provider.behave(told_at_userinfo(&email, Some((path, Odd::Endless))));
        let begun = Instant::now();
        is_refused(program.visit(provider, key).await, status, path);
        let waited = begun.elapsed();
        assert!(Duration::from_secs(9) < waited && waited < Duration::from_secs(15), "{path}: {waited:?}");
    });
    futures::future::join_all(visits).await;
}

on_both! {
    /// A-02: with either database, a browser goes there and back and is somebody; signing out ends it.
    async fn a_02_signing_in_by_a_provider_opens_a_session(program) {
        let provider = Provider::start().await;
        with_providers(program, &[("acme", &provider)], "", DOMAIN).await;
        let page = program.get(Who::Nobody, "/sign-in?next=%2Fkeys").await.is(200);
        assert!(page.body.contains(r#"href="/sign-in/with/acme?next=%2Fkeys""#) && page.body.contains("Sign in with acme ID"));
        let sent = program.sent(Who::Nobody, "/sign-in/with/acme?next=%2Fkeys").await;
        let redirect = sent.to.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
        assert_eq!(redirect, format!("{}/sign-in/from/acme", program.origin));
        let answer = program.come_back("acme", &[&sent.ticket], &provider.consent(&sent.to)).await.is(303);
        assert_eq!(answer.header("location"), "/keys");
        let cookie = answer.cookie().unwrap();
        assert!(program.is_signed_in(&cookie).await);
        let nia = crate::people::Browser::with(&cookie);
        assert!(program.get(Who::Browser(&nia), "/account/sign-in").await.is(200).body.contains("nia@acme.example"));
        program.act(Who::Browser(&nia), "login/sign-out", &[]).await.is(200);
        assert!(!program.is_signed_in(&cookie).await);
        for foreign in ["//evil.example", "https://evil.example", "/\\evil.example"] {
            let path = format!("/sign-in/with/acme?next={}", url::form_urlencoded::byte_serialize(foreign.as_bytes()).collect::<String>());
            let sent = program.sent(Who::Nobody, &path).await;
            let answer = program.come_back("acme", &[&sent.ticket], &provider.consent(&sent.to)).await.is(303);
            assert_eq!(answer.header("location"), "/", "{foreign}");
        }
    }
}
