//! Rate limit layer: counts requests per address first, and per person or key after authentication.
use super::{Class, Exceeded, Subject, meter::LimitStatus, report};
use crate::{
    http::{ClientAddress, ClientConnection},
    plain_page,
    problem::Problem,
    state::App,
};
use app::outcome::{Kind, Refusal};
use axum::{
    Json, Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use domain::Actor;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header, request::Parts};
use parking_lot::Mutex;
use std::sync::Arc;

// Header fields of draft-ietf-httpapi-ratelimit-headers: unlike X-RateLimit-*, they have one meaning (seconds, never a date)
// and can describe several limits.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Response headers that handlers and extractors add, whichever code builds the response.
#[derive(Clone, Debug, Default)]
pub struct AddedHeaders(Arc<Mutex<HeaderMap>>);

impl AddedHeaders {
    pub fn add(&self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.lock().append(name, value);
        }
    }

    fn add_limit(&self, status: LimitStatus) {
        let LimitStatus { policy, quota, window, remaining, reset } = status;
        self.add(POLICY, &format!("\"{policy}\";q={quota};w={window}"));
        self.add(LIMIT, &format!("\"{policy}\";r={remaining};t={reset}"));
    }
}

/// Adds the limits to all routes. Call it when the router is complete.
pub fn limited(router: Router, app: App) -> Router {
    router.layer(from_fn_with_state(app, by_address))
}

async fn by_address(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some(class) = Class::of(request.method(), request.uri().path()) else { return next.run(request).await };
    let added_headers = AddedHeaders::default();
    request.extensions_mut().insert(added_headers.clone());
    let mut answer = match charge_address(&app, class, &request, &added_headers) {
        Ok(()) => next.run(request).await,
        Err(exceeded) => refusal(&exceeded, request.method(), request.uri(), request.headers()),
    };
    let headers = std::mem::take(&mut *added_headers.0.lock());
    for (name, value) in headers.iter() {
        answer.headers_mut().append(name, value.clone());
    }
    answer
}

fn charge_address(app: &App, class: Class, request: &Request, added_headers: &AddedHeaders) -> Result<(), Exceeded> {
    let Some(address) = request.extensions().get::<ClientAddress>().map(|client| client.0) else { return Ok(()) };
    // The address first: requests that it is refused must not use up what its neighbors have.
    for subject in std::iter::once(Subject::of(address)).chain(Subject::site_of(address)) {
        match app.rates.charge(class, subject) {
            Ok(status) => {
                // Authenticated requests report the limit of the person or key instead.
                if let Some(status) = status.filter(|_| class.is_anonymous()) {
                    added_headers.add_limit(status);
                }
            }
            Err(exceeded) => {
                added_headers.add_limit(exceeded.status);
                let target = report::target(request.method(), request.uri());
                report::report(app, class, subject, &exceeded, target, Some(address), None);
                return Err(exceeded);
            }
        }
    }
    Ok(())
}

/// Request data that rate limits need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestInfo<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) extensions: &'a Extensions,
}

impl<'a> From<&'a Parts> for RequestInfo<'a> {
    fn from(parts: &'a Parts) -> Self {
        Self { method: &parts.method, uri: &parts.uri, extensions: &parts.extensions }
    }
}

impl<'a> From<&'a Request> for RequestInfo<'a> {
    fn from(request: &'a Request) -> Self {
        Self { method: request.method(), uri: request.uri(), extensions: request.extensions() }
    }
}

/// Counts an authenticated request.
pub(crate) fn charge(
    app: &App,
    request: RequestInfo<'_>,
    actor: &Actor,
    key_prefix: Option<&str>,
) -> Result<(), Exceeded> {
    if let Some(connection) = request.extensions.get::<ClientConnection>() {
        connection.mark_authenticated();
    }
    let class = Class::of(request.method, request.uri.path()).filter(|class| !class.is_anonymous());
    let subject = match (actor.key(), actor.person()) {
        (Some(key), _) => Some(Subject::Key(key)),
        (None, Some(person)) => Some(Subject::Person(person)),
        (None, None) => None,
    };
    let (Some(class), Some(subject)) = (class, subject) else { return Ok(()) };
    let added_headers = request.extensions.get::<AddedHeaders>().cloned().unwrap_or_default();
    match app.rates.charge(class, subject) {
        Ok(status) => {
            if let Some(status) = status {
                added_headers.add_limit(status);
            }
            Ok(())
        }
        Err(exceeded) => {
            added_headers.add_limit(exceeded.status);
            let address = request.extensions.get::<ClientAddress>().map(|client| client.0);
            let target = report::target(request.method, request.uri);
            report::report(app, class, subject, &exceeded, target, address, Some((actor, key_prefix)));
            Err(exceeded)
        }
    }
}

impl Exceeded {
    /// Returns the explanation for the user.
    pub(crate) fn detail(&self, method: &Method) -> String {
        let nothing = if method.is_safe() { "" } else { " Nothing was changed." };
        format!("You have sent too many requests.{nothing} Wait {} s and try again.", self.wait.as_secs())
    }
}

/// Returns 429 in the format of the client: a page for browsers, a refusal for islands, a problem for API clients.
pub(crate) fn refusal(exceeded: &Exceeded, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    let (wait, text) = (exceeded.wait.as_secs(), exceeded.detail(method));
    let mut answer = if plain_page::wants_page(headers, uri) {
        plain_page::page(StatusCode::TOO_MANY_REQUESTS, "Too many requests", &text, None)
    } else if uri.path().starts_with("/actions/") {
        (StatusCode::TOO_MANY_REQUESTS, Json(Refusal::new(Kind::TooMany, text))).into_response()
    } else {
        Problem::too_often(text, wait).into_response()
    };
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
    answer
}
