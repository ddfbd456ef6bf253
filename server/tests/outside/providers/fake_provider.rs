//! Fake OpenID Connect provider whose misbehavior the test chooses.
#![expect(clippy::disallowed_methods, reason = "a fake external service with its own port and clock")]

use aws_lc_rs::{
    digest, hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use axum::{
    Form, Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::*};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::net::TcpListener;
use url::Url;

/// The client secret.
pub const SECRET: &str = "a-secret-of-the-client";

/// The key and algorithm that sign a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signing {
    /// The provider's RSA key.
    #[default]
    Rs256,
    /// The provider's EC key.
    Es256,
    /// Another RSA key with the key id of the provider's.
    ForeignKey,
    /// HMAC with the client secret.
    Hs256,
    /// HMAC with the provider's public key.
    PublicKey,
    /// No signature.
    None,
}

/// A misbehavior of an otherwise valid response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misbehavior {
    /// A redirect to the response.
    Redirected,
    /// A response that is a megabyte too long.
    Huge,
    /// A response after two seconds.
    Slow,
    /// A response that never ends.
    Endless,
}

/// The provider's behavior. The given values are merged into those of an honest provider; `null` removes one.
#[derive(Clone, Debug)]
pub struct Behavior {
    pub signing: Signing,
    pub header: Value,
    pub claims: Value,
    pub metadata: Value,
    pub userinfo: Value,
    /// The key that signs the userinfo response; `None` sends it as JSON.
    pub userinfo_signing: Option<Signing>,
    /// The path of an endpoint, and how it misbehaves.
    pub misbehavior: Option<(&'static str, Misbehavior)>,
    /// Parameters of the callback that replace or remove the honest ones.
    pub callback_override: Vec<(&'static str, Option<String>)>,
}

impl Default for Behavior {
    fn default() -> Self {
        let nothing = || json!({});
        Self {
            signing: Signing::default(),
            header: nothing(),
            claims: nothing(),
            metadata: nothing(),
            userinfo: nothing(),
            userinfo_signing: None,
            misbehavior: None,
            callback_override: vec![],
        }
    }
}

/// An issued authorization code.
struct IssuedCode {
    nonce: String,
    challenge: String,
    redirect: String,
    /// Whether the request contained `max_age`.
    max_age: bool,
}

struct ProviderState {
    issuer: String,
    keys: Keys,
    behavior: Mutex<Behavior>,
    issued_codes: Mutex<BTreeMap<String, IssuedCode>>,
    /// The requested paths.
    requests: Mutex<Vec<String>>,
}

/// A running provider.
pub struct Provider {
    pub issuer: String,
    state: Arc<ProviderState>,
}

impl Provider {
    /// Starts a provider that is honest until its behavior is changed.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(ProviderState {
            issuer: issuer.clone(),
            keys: Keys::new(),
            behavior: Mutex::default(),
            issued_codes: Mutex::default(),
            requests: Mutex::default(),
        });
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/foreign-jwks", get(foreign_jwks))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(state.clone());
        let routes = routes.clone().nest("/elsewhere", routes).layer(from_fn_with_state(state.clone(), misbehave));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { issuer, state }
    }

    /// Sets the behavior of all later responses.
    pub fn behave(&self, behavior: Behavior) {
        *self.state.behavior.lock().unwrap() = behavior;
    }

    /// Returns whether this path was requested.
    pub fn was_requested(&self, path: &str) -> bool {
        self.request_count(path) > 0
    }

    /// Returns how often this path was requested.
    pub fn request_count(&self, path: &str) -> usize {
        self.state.requests.lock().unwrap().iter().filter(|requests| *requests == path).count()
    }

    /// Consents to an authorization request and returns the query of the callback.
    pub fn consent(&self, to: &Url) -> String {
        let params: BTreeMap<_, _> = to.query_pairs().into_owned().collect();
        assert_eq!((params["response_type"].as_str(), params["client_id"].as_str()), ("code", "castellan"), "{to}");
        assert_eq!(params["code_challenge_method"], "S256", "{to}");
        assert!(params["scope"].split(' ').any(|scope| scope == "openid"), "{to}");
        let code = BASE64_URL_SAFE_NO_PAD.encode(random());
        let issued = IssuedCode {
            nonce: params["nonce"].clone(),
            challenge: params["code_challenge"].clone(),
            redirect: params["redirect_uri"].clone(),
            max_age: params.contains_key("max_age"),
        };
        self.state.issued_codes.lock().unwrap().insert(code.clone(), issued);
        let mut callback = vec![("code", code), ("state", params["state"].clone())];
        for (name, value) in &self.state.behavior.lock().unwrap().callback_override {
            callback.retain(|(its, _)| its != name);
            callback.extend(value.clone().map(|value| (*name, value)));
        }
        crate::client::form(&callback.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>())
    }
}

/// Merges one object into another; `null` removes a member.
fn merge(mut honest: Value, other: &Value) -> Value {
    let object = honest.as_object_mut().unwrap();
    for (name, value) in other.as_object().unwrap() {
        match value.is_null() {
            true => drop(object.remove(name)),
            false => drop(object.insert(name.clone(), value.clone())),
        }
    }
    honest
}

fn behavior(state: &ProviderState) -> Behavior {
    state.behavior.lock().unwrap().clone()
}

/// Records the request and applies the misbehavior for its path.
async fn misbehave(State(state): State<Arc<ProviderState>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    state.requests.lock().unwrap().push(path.clone());
    let misbehavior = behavior(&state).misbehavior.filter(|(at, _)| *at == path).map(|(_, misbehavior)| misbehavior);
    if misbehavior == Some(Misbehavior::Redirected) {
        return Redirect::temporary(&format!("/elsewhere{path}")).into_response();
    }
    if misbehavior == Some(Misbehavior::Slow) {
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let (mut head, body) = next.run(request).await.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let body = match misbehavior {
        Some(Misbehavior::Huge) => {
            let padding = json!({ "padding": "x".repeat(1024 * 1024) });
            Body::from(merge(serde_json::from_slice(&body).unwrap(), &padding).to_string())
        }
        Some(Misbehavior::Endless) => {
            let space = || async {
                tokio::time::sleep(Duration::from_millis(500)).await;
                Bytes::from_static(b" ")
            };
            let spaces = stream::repeat(()).then(move |()| space());
            Body::from_stream(stream::iter([body]).chain(spaces).map(Ok::<_, Infallible>))
        }
        _ => Body::from(body),
    };
    Response::from_parts(head, body)
}

fn discovery_document(state: &ProviderState, behavior: &Behavior) -> Value {
    let at = |path: &str| format!("{}{path}", state.issuer);
    let honest = json!({
        "issuer": state.issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
        "scopes_supported": ["openid", "email", "profile", "groups"],
    });
    merge(honest, &behavior.metadata)
}

async fn discovery(State(state): State<Arc<ProviderState>>) -> Json<Value> {
    Json(discovery_document(&state, &behavior(&state)))
}

async fn jwks(State(state): State<Arc<ProviderState>>) -> Json<Value> {
    Json(json!({ "keys": [rsa_key(&state.keys.own), state.keys.ec_jwk()] }))
}

async fn foreign_jwks(State(state): State<Arc<ProviderState>>) -> Json<Value> {
    Json(json!({ "keys": [rsa_key(&state.keys.foreign)] }))
}

async fn userinfo(State(state): State<Arc<ProviderState>>) -> Response {
    let mut behavior = behavior(&state);
    let Some(signing) = behavior.userinfo_signing else {
        return Json(merge(json!({ "sub": "1" }), &behavior.userinfo)).into_response();
    };
    behavior.signing = signing;
    let honest = json!({ "iss": state.issuer, "aud": "castellan", "sub": "1" });
    let token = state.keys.sign(&behavior, &merge(honest, &behavior.userinfo));
    ([(header::CONTENT_TYPE, "application/jwt")], token).into_response()
}

/// Exchanges a code (RFC 6749 and RFC 7636): once, for this client, with the matching verifier.
async fn token(
    State(state): State<Arc<ProviderState>>,
    headers: HeaderMap,
    Form(params): Form<BTreeMap<String, String>>,
) -> Response {
    let behavior = behavior(&state);
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("castellan:{SECRET}")));
    let issued = state.issued_codes.lock().unwrap().remove(&params["code"]);
    let verifier = params.get("code_verifier").map(String::as_str).unwrap_or_default();
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
    let Some(issued) = issued.filter(|issued| {
        headers.get(header::AUTHORIZATION).is_some_and(|line| line == basic.as_str())
            && issued.challenge == challenge
            && issued.redirect == params["redirect_uri"]
    }) else {
        let error = json!({ "error": "invalid_grant", "error_description": "<script>alert('token')</script>" });
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    };
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let mut honest = json!({
        "iss": state.issuer,
        "sub": "1",
        "aud": "castellan",
        "iat": now,
        "exp": now + 300,
        "nonce": issued.nonce,
        "email": "nia@acme.example",
        "email_verified": true,
        "name": "Nia",
    });
    if issued.max_age {
        honest["auth_time"] = json!(now);
    }
    let id_token = state.keys.sign(&behavior, &merge(honest, &behavior.claims));
    Json(json!({ "access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": id_token }))
        .into_response()
}

/// Returns the Unix time in `more` seconds.
pub fn in_seconds(more: i64) -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap() + more
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    bytes
}

struct Keys {
    own: RsaKeyPair,
    foreign: RsaKeyPair,
    ec: EcdsaKeyPair,
}

fn rsa_key(key: &RsaKeyPair) -> Value {
    // RSAPublicKey (RFC 8017, A.1.1) of 2048 bits: the modulus follows nine bytes of DER header, and the exponent is
    // 65537.
    let modulus = &key.public_key().as_ref()[9..265];
    json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "rsa", "n": BASE64_URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB" })
}

impl Keys {
    fn new() -> Self {
        Self {
            own: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            foreign: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
        }
    }

    fn ec_jwk(&self) -> Value {
        let (x, y) = self.ec.public_key().as_ref()[1..].split_at(32);
        let text = |bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        json!({ "kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "kid": "ec", "x": text(x), "y": text(y) })
    }

    fn sign(&self, behavior: &Behavior, claims: &Value) -> String {
        let (algorithm, kid) = match behavior.signing {
            Signing::Rs256 | Signing::ForeignKey => ("RS256", "rsa"),
            Signing::Es256 => ("ES256", "ec"),
            Signing::Hs256 | Signing::PublicKey => ("HS256", "rsa"),
            Signing::None => ("none", "rsa"),
        };
        let header = merge(json!({ "alg": algorithm, "typ": "JWT", "kid": kid }), &behavior.header);
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let rsa = |key: &RsaKeyPair| {
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
            signature
        };
        let shared = |secret: &[u8]| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
        };
        let signature = match behavior.signing {
            Signing::Rs256 => rsa(&self.own),
            Signing::ForeignKey => rsa(&self.foreign),
            Signing::Es256 => self.ec.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec(),
            Signing::Hs256 => shared(SECRET.as_bytes()),
            Signing::PublicKey => shared(self.own.public_key().as_ref()),
            Signing::None => vec![],
        };
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}
