//! Fake GitHub with OAuth 2 and the user API.
#![expect(clippy::disallowed_methods, reason = "a fake external service with its own port")]

use crate::{client::Credential, people::Browser, program::Program};
use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;
use url::Url;

/// The verified addresses of the account, and the PKCE challenge of the code `right`.
#[derive(Clone, Default)]
struct ProviderState {
    emails: Arc<Mutex<Value>>,
    challenge: Arc<Mutex<String>>,
}

async fn token(State(state): State<ProviderState>, Form(params): Form<BTreeMap<String, String>>) -> Response {
    let verifier = params.get("code_verifier").map(String::as_str).unwrap_or_default();
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    // GitHub reports errors with status 200.
    match params["code"].as_str() {
        "right" if *state.challenge.lock().unwrap() == challenge => {
            Json(json!({ "access_token": "gho_1", "token_type": "bearer", "scope": "read:user,user:email" }))
                .into_response()
        }
        _ => Json(json!({ "error": "bad_verification_code", "error_description": "<script>alert('x')</script>" }))
            .into_response(),
    }
}

fn is_its_token(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|line| line == "Bearer gho_1")
}

async fn user(headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    is_its_token(&headers)
        .then(|| Json(json!({ "id": 583_231, "login": "octo", "name": null })))
        .ok_or(StatusCode::UNAUTHORIZED)
}

async fn emails(State(state): State<ProviderState>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    is_its_token(&headers).then(|| Json(state.emails.lock().unwrap().clone())).ok_or(StatusCode::UNAUTHORIZED)
}

/// Returns a query parameter of the URL.
fn query_param(to: &Url, name: &str) -> String {
    to.query_pairs().find(|(its, _)| its == name).unwrap_or_else(|| panic!("no {name}: {to}")).1.into_owned()
}

/// the numeric id identifies the account, and only verified addresses count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_02_sign_in_with_github() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let state = ProviderState::default();
    let addresses = state.emails.clone();
    let routes = Router::new()
        .route("/login/oauth/access_token", post(token))
        .route("/api/v3/user", get(user))
        .route("/api/v3/user/emails", get(emails))
        .with_state(state.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let mut program = Program::sqlite();
    program.configure(&format!(
        "[[auth.provider]]\nid = \"hub\"\nkind = \"github\"\nissuer = \"{base}\"\nclient_id = \"c\"\nclient_secret = \"s\"\n\
         new_accounts = \"domains\"\ndomains = [\"acme.example\"]\n"
    ));
    program.tenant("acme");
    program.start().await;
    let visit = async |code: &str| {
        let redirect = program.redirect_to_provider(Credential::Anonymous, "/sign-in/with/hub").await;
        let to: &Url = &redirect.to;
        assert!(
            to.as_str().starts_with(&format!("{base}/login/oauth/authorize")) && to.as_str().contains("S256"),
            "{to}"
        );
        *state.challenge.lock().unwrap() = query_param(to, "code_challenge");
        program
            .provider_callback(
                "hub",
                &[&redirect.flow_cookie],
                &format!("code={code}&state={}", query_param(to, "state")),
            )
            .await
    };
    let address = |email: &str, assert_audit_chain_intact| json!({ "email": email, "primary": true, "verified": assert_audit_chain_intact, "visibility": null });
    *addresses.lock().unwrap() = json!([address("octo@acme.example", false)]);
    assert!(visit("right").await.is(403).cookie().is_none(), "it is not verified");
    *addresses.lock().unwrap() = json!([address("octo@elsewhere.example", true)]);
    assert!(visit("right").await.is(403).cookie().is_none(), "it is of another domain");
    *addresses.lock().unwrap() = json!([address("octo@acme.example", true)]);
    let wrong = visit("wrong").await.is(401);
    assert!(wrong.cookie().is_none() && !wrong.body.contains("alert("), "{wrong}");
    assert!(visit("right").await.is(303).cookie().is_some());
    *addresses.lock().unwrap() = json!([address("octo@elsewhere.example", true), { "email": "o@acme.example", "primary": false, "verified": true }]);
    assert!(visit("right").await.is(303).cookie().is_some(), "the same number is the same person");

    // A code for another browser's challenge is refused with this one's verifier.
    let (mine, theirs) = (
        program.redirect_to_provider(Credential::Anonymous, "/sign-in/with/hub").await,
        program.redirect_to_provider(Credential::Anonymous, "/sign-in/with/hub").await,
    );
    *state.challenge.lock().unwrap() = query_param(&theirs.to, "code_challenge");
    let query = format!("code=right&state={}", query_param(&mine.to, "state"));
    assert!(program.provider_callback("hub", &[&mine.flow_cookie], &query).await.is(401).cookie().is_none());

    // Step-up and linking ask for account selection, the strongest prompt that GitHub supports.
    let octo = Browser::with(&visit("right").await.is(303).cookie().unwrap());
    assert!(
        program
            .redirect_to_provider(Credential::Anonymous, "/sign-in/with/hub")
            .await
            .to
            .query_pairs()
            .all(|(name, _)| name != "prompt")
    );
    for path in ["/sign-in/with/hub", "/account/link/hub"] {
        assert_eq!(
            query_param(&program.redirect_to_provider(Credential::Browser(&octo), path).await.to, "prompt"),
            "select_account",
            "{path}"
        );
    }
}
