//! Session middleware: identifies the person of a browser's request by its session cookie.
use super::admin_networks;
use crate::{http::ClientAddress, rates, state::App};
use auth::{Browser, IncompleteSignIn, Sessions, Stage, cookie};
use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{Extensions, HeaderValue, StatusCode, header, request::Parts};
use std::time::Duration;
use tower_sessions::{Session, SessionManagerLayer};

/// How often a stream checks whether its session is still open, in case it missed an event.
pub const RECHECK: Duration = Duration::from_mins(1);

/// Returns the layer that loads the session of a request.
pub fn session_layer(app: &App, https: bool) -> SessionManagerLayer<Sessions> {
    let config = &app.config.sessions;
    cookie::layer(Sessions::new(app.store.clone(), &app.keys.sessions, config.idle), https, config.absolute)
}

/// Removes ambiguous cookies before the session layer reads them.
pub async fn sanitize_cookies(State(https): State<bool>, mut request: Request, next: Next) -> Response {
    let headers = request.headers_mut();
    let kept = HeaderValue::from_str(&cookie::sanitized(headers, https));
    headers.remove(header::COOKIE);
    if let Some(kept) = kept.ok().filter(|kept| !kept.is_empty()) {
        headers.insert(header::COOKIE, kept);
    }
    next.run(request).await
}

/// Finds who is signed in and puts their [`Browser`] into the request, or an [`IncompleteSignIn`]. A request without a session
/// continues anonymously.
pub async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match find(&app, request.extensions()).await {
        // Only a complete session is a `Browser`, so no handler that requires one accepts an incomplete sign-in.
        Ok(Some(IncompleteSignIn { browser, stage: Stage::Complete })) => {
            if let Err(exceeded) = rates::charge(&app, (&request).into(), &browser.actor, None) {
                return rates::refusal(&exceeded, request.method(), request.uri(), request.headers());
            }
            request.extensions_mut().insert(browser);
        }
        Ok(Some(incomplete)) => {
            request.extensions_mut().insert(incomplete);
        }
        Ok(None) => {}
        Err(error) => {
            tracing::error!(%error, "a session could not be read");
            return (
                StatusCode::SERVICE_UNAVAILABLE,
                [("retry-after", "2")],
                "The database does not answer. Try again in a moment.\n",
            )
                .into_response();
        }
    }
    next.run(request).await
}

async fn find(app: &App, extensions: &Extensions) -> Result<Option<IncompleteSignIn>, tower_sessions::session::Error> {
    let Some(session) = extensions.get::<Session>() else { return Ok(None) };
    let (client, config) = (extensions.get::<ClientAddress>().copied(), &app.config);
    let (second_factor, step_up) = (config.auth.second_factor, config.sessions.step_up);
    let address = client.map(|client| client.0.to_string());
    let Some(mut found) = auth::identify(session, &app.store, second_factor, step_up, address).await? else {
        return Ok(None);
    };
    found.browser.actor = admin_networks::restrict(app, found.browser.actor, client).await;
    Ok(Some(found))
}

/// Returns whether a browser's session is still open and the rights of its person are unchanged, for open streams.
pub async fn still_valid(app: &App, browser: &Browser) -> bool {
    browser.still_valid(&app.store, app.config.sessions.idle, app.config.auth.second_factor).await
}

/// Extracts the signed-in browser of a request. Responds with 401 without one.
#[derive(Clone, Debug)]
pub struct SignedIn(pub Browser);

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let signed_out = || (StatusCode::UNAUTHORIZED, "Sign in first.\n").into_response();
        parts.extensions.get::<Browser>().cloned().map(Self).ok_or_else(signed_out)
    }
}
