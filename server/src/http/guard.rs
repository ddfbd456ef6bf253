//! What every request passes before a handler and every answer after it.

use std::{error::Error, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use futures::FutureExt;
use http::{HeaderValue, StatusCode, header};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout};
use tracing::Instrument;
use uuid::Uuid;

use super::{
    BodyOutcome, ClientAddress, Cut, Names,
    cross_site::{self, Refused},
    headers,
    problem::Problem,
};
use crate::plain::wants_page;

/// How long what a refused request still sends is read.
const LINGER: Duration = Duration::from_secs(2);

/// The number a request is found by in the log; it is in the answer's `x-request-id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(pub Uuid);

/// The guard's own settings.
#[derive(Debug)]
struct Guard {
    names: Names,
    body_bytes: u64,
}

const MISDIRECTED: Problem = Problem {
    status: StatusCode::MISDIRECTED_REQUEST,
    title: "This server has another name",
    detail: "Use the address it was set up with. If it should answer to this one, set `public_url` to it.",
};
const FOREIGN: Problem = Problem {
    status: StatusCode::FORBIDDEN,
    title: "This request did not come from a page of Castellan",
    detail: "Nothing was changed. Open Castellan itself and try again there.",
};
const UNMARKED: Problem = Problem {
    status: StatusCode::FORBIDDEN,
    title: "This request does not say where it comes from",
    detail: "Nothing was changed. Programs send an API key: `Authorization: Bearer mk_…`.",
};
const TOO_LARGE: Problem = Problem {
    status: StatusCode::PAYLOAD_TOO_LARGE,
    title: "The request is too large",
    detail: "Send less at once. The limit is the setting `limits.request_body_bytes`.",
};
const STALLED: Problem = Problem {
    status: StatusCode::REQUEST_TIMEOUT,
    title: "The request did not come in time",
    detail: "Check the connection and send it again.",
};
const BROKEN: Problem = Problem {
    status: StatusCode::INTERNAL_SERVER_ERROR,
    title: "An error of Castellan stopped this request",
    detail: "It was logged. Try again; if it stays, give the administrator the request's number (x-request-id).",
};

/// Puts the guard around all routes, the fallback included. Call it last, when the router is complete.
pub fn guard(router: Router, names: Names, body_bytes: usize) -> Router {
    let guard = Guard { names, body_bytes: u64::try_from(body_bytes).unwrap_or(u64::MAX) };
    router.layer(from_fn_with_state(Arc::new(guard), pass))
}

async fn pass(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let id = RequestId(Uuid::new_v4());
    request.extensions_mut().insert(id);
    // The route's pattern, never the path itself: one-time links carry their secret in the path.
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
    let client = request.extensions().get::<ClientAddress>().map(|client| tracing::field::display(client.0));
    let span = tracing::info_span!("request", id = %id.0, method = %request.method(), route, client);
    let started = Instant::now();
    let https = guard.names.https();

    let mut answer = async move {
        let answer = answer(&guard, request, next).await;
        tracing::debug!(status = answer.status().as_u16(), ms = started.elapsed().as_millis(), "answered");
        answer
    }
    .instrument(span)
    .await;

    headers::secure(answer.headers_mut(), https);
    if let Ok(id) = HeaderValue::from_str(&id.0.to_string()) {
        answer.headers_mut().insert("x-request-id", id);
    }
    answer
}

async fn answer(guard: &Guard, request: Request, next: Next) -> Response {
    let (page, id) = (wants_page(request.headers()), request.extensions().get::<RequestId>().copied());
    if let Err(problem) = guard.admit(&request) {
        tracing::info!(status = problem.status.as_u16(), "refused: {}", problem.title);
        if !request.body().is_end_stream() {
            tokio::spawn(timeout(LINGER, discard(request.into_body())));
        }
        return problem.answer(page, id);
    }
    let outcome = request.extensions().get::<BodyOutcome>().cloned().unwrap_or_default();
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Err(_) => {
            tracing::error!("a handler panicked");
            BROKEN.answer(page, id)
        }
        Ok(answer) => match outcome.cut() {
            None => answer,
            Some(Cut::TooLarge) => TOO_LARGE.answer(page, id),
            Some(Cut::Stalled) => STALLED.answer(page, id),
        },
    }
}

/// Reads and forgets what a client still sends of a request that was refused: who is cut off while they send may never see the
/// answer (RFC 9112, section 9.6).
async fn discard(mut body: axum::body::Body) {
    while let Some(piece) = body.frame().await {
        // What is too large goes on to be read; who stalls is cut off.
        if piece.is_err_and(|error| !is_too_large(&error)) {
            break;
        }
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    error.source().and_then(|cause| cause.downcast_ref()) == Some(&Cut::TooLarge)
}

impl Guard {
    fn admit(&self, request: &Request) -> Result<(), Problem> {
        if !self.is_for_us(request) {
            return Err(MISDIRECTED);
        }
        if !cross_site::is_safe(request.method()) {
            cross_site::judge(request.headers(), &self.names).map_err(|refused| match refused {
                Refused::Foreign => FOREIGN,
                Refused::Unmarked => UNMARKED,
            })?;
        }
        if request.body().size_hint().lower() > self.body_bytes {
            return Err(TOO_LARGE);
        }
        Ok(())
    }

    /// Whether every name the request gives us, in its target and in its `Host`, is one of ours.
    fn is_for_us(&self, request: &Request) -> bool {
        let mut named = false;
        let hosts = request.headers().get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
        for host in request.uri().authority().map(|authority| authority.as_str()).into_iter().chain(hosts) {
            named = true;
            if !self.names.is_our_host(host) {
                return false;
            }
        }
        named
    }
}
