//! Where requests are counted: by address before anything else is done, by person or key as soon as it is known.
use super::{Class, Exceeded, Subject, meter::Standing, report};
use crate::{http::ClientAddress, plain, problem::Problem, state::App};
use app::outcome::{Kind, Refusal};
use axum::{
    Json, Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use domain::Actor;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header, request::Parts};
use std::sync::{Arc, Mutex, PoisonError};

// The header fields of draft-ietf-httpapi-ratelimit-headers: unlike X-RateLimit-* they have one meaning (seconds, never a
// date), and can tell of several limits at once.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// What those who handle a request have to say in the answer's headers, whoever writes the answer.
#[derive(Clone, Debug, Default)]
pub struct Remarks(Arc<Mutex<HeaderMap>>);

impl Remarks {
    /// Adds a line.
    pub fn add(&self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).append(name, value);
        }
    }

    fn of(&self, standing: Standing) {
        let Standing { policy, quota, window, remaining, reset } = standing;
        self.add(POLICY, &format!("\"{policy}\";q={quota};w={window}"));
        self.add(LIMIT, &format!("\"{policy}\";r={remaining};t={reset}"));
    }
}

/// Puts the limits around all routes. Call it when the router is complete.
pub fn limited(router: Router, app: App) -> Router {
    router.layer(from_fn_with_state(app, by_address))
}

async fn by_address(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some(class) = Class::of(request.method(), request.uri().path()) else { return next.run(request).await };
    let remarks = Remarks::default();
    request.extensions_mut().insert(remarks.clone());
    let mut answer = match charge_address(&app, class, &request, &remarks) {
        Ok(()) => next.run(request).await,
        Err(exceeded) => refusal(&exceeded, request.method(), request.uri(), request.headers()),
    };
    let said = std::mem::take(&mut *remarks.0.lock().unwrap_or_else(PoisonError::into_inner));
    for (name, value) in said.iter() {
        answer.headers_mut().append(name, value.clone());
    }
    answer
}

fn charge_address(app: &App, class: Class, request: &Request, remarks: &Remarks) -> Result<(), Exceeded> {
    let Some(address) = request.extensions().get::<ClientAddress>().map(|client| client.0) else { return Ok(()) };
    let subject = Subject::of(address);
    match app.rates.charge(class, subject) {
        Ok(standing) => {
            // To whom a limit of their own is told, the address's is noise; those who are not known have only this one.
            if let Some(standing) = standing.filter(|_| class.is_anybodys()) {
                remarks.of(standing);
            }
            Ok(())
        }
        Err(exceeded) => {
            remarks.of(exceeded.standing);
            let target = report::target(request.method(), request.uri());
            report::report(app, class, subject, &exceeded, target, Some(address), None);
            Err(exceeded)
        }
    }
}

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) extensions: &'a Extensions,
}

impl<'a> From<&'a Parts> for Asked<'a> {
    fn from(parts: &'a Parts) -> Self {
        Self { method: &parts.method, uri: &parts.uri, extensions: &parts.extensions }
    }
}

impl<'a> From<&'a Request> for Asked<'a> {
    fn from(request: &'a Request) -> Self {
        Self { method: request.method(), uri: request.uri(), extensions: request.extensions() }
    }
}

/// Counts a request of somebody who is known by now.
pub(crate) fn charge(app: &App, asked: Asked<'_>, actor: &Actor, key_prefix: Option<&str>) -> Result<(), Exceeded> {
    let class = Class::of(asked.method, asked.uri.path()).filter(|class| !class.is_anybodys());
    let subject = match (actor.key(), actor.person()) {
        (Some(key), _) => Some(Subject::Key(key)),
        (None, Some(person)) => Some(Subject::Person(person)),
        (None, None) => None,
    };
    let (Some(class), Some(subject)) = (class, subject) else { return Ok(()) };
    let remarks = asked.extensions.get::<Remarks>().cloned().unwrap_or_default();
    match app.rates.charge(class, subject) {
        Ok(standing) => {
            if let Some(standing) = standing {
                remarks.of(standing);
            }
            Ok(())
        }
        Err(exceeded) => {
            remarks.of(exceeded.standing);
            let address = asked.extensions.get::<ClientAddress>().map(|client| client.0);
            let target = report::target(asked.method, asked.uri);
            report::report(app, class, subject, &exceeded, target, address, Some((actor, key_prefix)));
            Err(exceeded)
        }
    }
}

impl Exceeded {
    /// What happened and what to do about it.
    pub(crate) fn detail(&self, method: &Method) -> String {
        let nothing = if method.is_safe() { "" } else { " Nothing was changed." };
        format!("Too many requests came at once.{nothing} Wait {} s and try again.", self.wait.as_secs())
    }
}

/// 429, as its reader wants it: a page for a browser, a form's refusal for an island, a problem for a program.
pub(crate) fn refusal(exceeded: &Exceeded, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    let (wait, text) = (exceeded.wait.as_secs(), exceeded.detail(method));
    let mut answer = if plain::wants_page(headers) {
        plain::page(StatusCode::TOO_MANY_REQUESTS, "Too many requests", &text, None)
    } else if uri.path().starts_with("/actions/") {
        (StatusCode::TOO_MANY_REQUESTS, Json(Refusal::new(Kind::TooMany, text))).into_response()
    } else {
        Problem::too_often(text, wait).into_response()
    };
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
    answer
}
