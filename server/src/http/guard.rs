//! Request guard: host, origin and size checks before each handler; security headers and request ID after it.

use super::{
    BodyError, BodyOutcome, ClientAddress, Hosts,
    cross_site::{self, CrossSiteError},
    headers,
};
use crate::{api_path::folds_to_api, health, plain_page::wants_page, problem::Problem, problem_type::ProblemType};
use auth::cookie;
use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use futures::FutureExt;
use http::{HeaderMap, HeaderValue, header};
use http_body::Body;
use http_body_util::BodyExt;
use std::{error::Error, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};
use tracing::Instrument;
use url::form_urlencoded;
use uuid::Uuid;

/// How long the body of a rejected request is read and discarded.
const LINGER: Duration = Duration::from_secs(2);

/// Request ID in the log and in the response header `x-request-id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(pub Uuid);

/// Settings of the guard.
#[derive(Debug)]
struct Guard {
    hosts: Hosts,
    body_bytes: u64,
}

fn misdirected() -> Problem {
    Problem::new(
        ProblemType::UnknownHost,
        "Use the address that this server was set up with. To serve this one, set `public_url` to it.",
    )
}

fn cross_site_request() -> Problem {
    Problem::new(ProblemType::CrossSiteRequest, "Nothing was changed. Open Castellan and try again there.")
}

fn unknown_origin() -> Problem {
    Problem::new(
        ProblemType::MissingOrigin,
        "Nothing was changed. API clients must send an API key: `Authorization: Bearer mk_…`.",
    )
}

fn missing_key() -> Problem {
    Problem::unauthorized("Nothing was changed. Send an API key: `Authorization: Bearer mk_…`.")
}

/// 401: which of two credentials is meant is unclear, and the rights of both must not be mixed up.
fn two_credentials() -> Problem {
    Problem::new(
        ProblemType::MultipleCredentials,
        "The request has an API key and a session cookie. Send only one of them.",
    )
}

fn body_timeout() -> Problem {
    Problem::new(
        ProblemType::RequestTimeout,
        "The request was not received in time. Check your connection and submit again.",
    )
}

/// Adds the guard to all routes and the fallback. Must be the last layer.
pub fn guard(router: Router, hosts: Hosts, body_bytes: usize) -> Router {
    let guard = Guard { hosts, body_bytes: u64::try_from(body_bytes).unwrap_or(u64::MAX) };
    router.layer(from_fn_with_state(Arc::new(guard), handle))
}

async fn handle(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let id = RequestId(Uuid::new_v4());
    request.extensions_mut().insert(id);
    // Log the route pattern, not the path: one-time links contain a secret.
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
    let client = request.extensions().get::<ClientAddress>().map(|client| tracing::field::display(client.0));
    let span = tracing::info_span!("request", id = %id.0, method = %request.method(), route, client);
    let started = Instant::now();
    let https = guard.hosts.https();

    let mut response = async move {
        let response = checked(&guard, request, next).await;
        tracing::debug!(status = response.status().as_u16(), ms = started.elapsed().as_millis(), "response");
        response
    }
    .instrument(span)
    .await;

    headers::secure(response.headers_mut(), https);
    if let Ok(id) = HeaderValue::from_str(&id.0.to_string()) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

async fn checked(guard: &Guard, request: Request, next: Next) -> Response {
    let page = wants_page(request.headers(), request.uri());
    let id = request.extensions().get::<RequestId>().map(|id| id.0);
    if let Err(problem) = guard.check(&request) {
        tracing::info!(status = problem.status().as_u16(), "request rejected: {}", problem.title());
        if !request.body().is_end_stream() {
            tokio::spawn(timeout(LINGER, discard(request.into_body())));
        }
        return problem.respond(page, id);
    }
    let outcome = request.extensions().get::<BodyOutcome>().cloned().unwrap_or_default();
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Err(_) => {
            tracing::error!("a handler panicked");
            Problem::broken().respond(page, id)
        }
        Ok(response) => match outcome.error() {
            None => response,
            Some(BodyError::TooLarge) => Problem::too_large().respond(page, id),
            Some(BodyError::Stalled) => body_timeout().respond(page, id),
        },
    }
}

/// Returns whether a request has an API key. Proxies use other `Authorization` headers for themselves.
fn has_api_key(headers: &HeaderMap) -> bool {
    headers.get_all(header::AUTHORIZATION).iter().any(|value| {
        let parts = value.to_str().ok().and_then(|value| value.split_once(' '));
        parts.is_some_and(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && token.trim().starts_with("mk_"))
    })
}

/// Returns the name of a query parameter with a NUL, which PostgreSQL cannot store; `query` for a name that is no word.
fn field_with_nul(query: &str) -> Option<String> {
    if !query.contains("%00") {
        return None;
    }
    let (name, _) =
        form_urlencoded::parse(query.as_bytes()).find(|(name, value)| name.contains('\0') || value.contains('\0'))?;
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    Some(if is_word { name.into_owned() } else { "query".into() })
}

/// Reads and discards the rest of a rejected request: a client whose connection is closed while it sends may never see the
/// response (RFC 9112, section 9.6).
async fn discard(mut body: axum::body::Body) {
    while let Some(piece) = body.frame().await {
        // Keep reading a body that is too large; stop if the client stalls.
        if piece.is_err_and(|error| !is_too_large(&error)) {
            break;
        }
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    error.source().and_then(|cause| cause.downcast_ref()) == Some(&BodyError::TooLarge)
}

impl Guard {
    fn check(&self, request: &Request) -> Result<(), Problem> {
        let path = request.uri().path();
        // Probes of load balancers name no host, or an address of their own. Their answer is the same for everybody.
        if !self.is_for_us(request) && !health::PROBES.contains(&path) {
            return Err(misdirected());
        }
        if folds_to_api(path) && !path.starts_with("/api/") && path != "/api" {
            return Err(Problem::not_found());
        }
        if let Some(field) = field_with_nul(request.uri().query().unwrap_or_default()) {
            return Err(Problem::wrong_field(field, "must not contain the character NUL"));
        }
        if !cross_site::is_safe(request.method()) {
            cross_site::check(request.headers(), &self.hosts).map_err(|error| match error {
                CrossSiteError::CrossSite => cross_site_request(),
                CrossSiteError::MissingOrigin if path.starts_with("/api/") => missing_key(),
                CrossSiteError::MissingOrigin => unknown_origin(),
            })?;
        }
        if cookie::is_in(request.headers()) && has_api_key(request.headers()) {
            return Err(two_credentials());
        }
        if request.body().size_hint().lower() > self.body_bytes {
            return Err(Problem::too_large());
        }
        Ok(())
    }

    /// Returns whether every host in the request target and the `Host` header is an accepted one.
    fn is_for_us(&self, request: &Request) -> bool {
        let mut named = false;
        let hosts = request.headers().get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
        for host in request.uri().authority().map(|authority| authority.as_str()).into_iter().chain(hosts) {
            named = true;
            if !self.hosts.is_our_host(host) {
                return false;
            }
        }
        named
    }
}
