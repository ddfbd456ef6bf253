//! Identity provider endpoints: start a sign-in, start linking an identity, and the callback.
//!
//! All three use GET, because browsers reach them through redirects. Starting changes nothing: the state is stored in a cookie.
//! The callback changes state, so it requires that cookie and accepts it only once.
use super::{
    Web,
    context::{self, Context},
    own_path, page,
};
use crate::auth::{Arrived, Comeback, Purpose};
use app::{
    login::trouble::Trouble,
    outcome::{Answered, Refusal, Said},
};
use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{StatusCode, Uri, header, request::Parts};
use url::form_urlencoded;

/// Paths of the endpoints, for the route inventory.
pub const PATHS: [&str; 3] = ["/sign-in/with/{provider}", "/sign-in/from/{provider}", "/account/link/{provider}"];

/// Settings page of a person's sign-in methods.
const SIGN_IN_SETTINGS: &str = "/account/sign-in";

pub(super) async fn start(State(web): State<Web>, Path(key): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let next = own_path(&query_parameter(&parts, "next")).map_or_else(|| "/".to_owned(), |path| path.to_string());
    let again = parts.extensions.get::<crate::auth::Browser>().is_some();
    let purpose = Purpose::SignIn { next, again };
    match web.providers.set_out(&key, purpose).await {
        Ok(setout) => redirect_to_provider(setout),
        Err(refusal) => error_page(&web, &parts, refusal).await,
    }
}

/// Starts linking an identity. Requires a same-site request and a recent re-authentication.
pub(super) async fn link(State(web): State<Web>, Path(key): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Some(browser) = parts.extensions.get::<crate::auth::Browser>().cloned() else {
        return Redirect::to("/sign-in").into_response();
    };
    let site = parts.headers.get("sec-fetch-site").and_then(|line| line.to_str().ok());
    if !matches!(site, None | Some("same-origin")) {
        return error_page(&web, &parts, Trouble::Lost.refusal("")).await;
    }
    if let Err(refusal) = web.providers.open(&key).await {
        return error_page(&web, &parts, refusal).await;
    }
    let Some(person) = browser.actor.person().filter(|_| browser.actor.fresh) else {
        return Redirect::to(SIGN_IN_SETTINGS).into_response();
    };
    match web.providers.set_out(&key, Purpose::Link { person, session: browser.session }).await {
        Ok(setout) => redirect_to_provider(setout),
        Err(refusal) => error_page(&web, &parts, refusal).await,
    }
}

pub(super) async fn callback(State(web): State<Web>, Path(key): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Some(door) = context::door(&web, &parts.headers, &parts.extensions) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let comeback = Comeback { key: &key, query: &query, headers: &parts.headers };
    let arrived = web.providers.arrive(&door, comeback).await;
    let mut response = match arrived {
        Ok(Arrived::SignedIn(next)) => Redirect::to(&next).into_response(),
        Ok(Arrived::Linked) => Redirect::to(SIGN_IN_SETTINGS).into_response(),
        Err(refusal) => error_page(&web, &parts, refusal).await,
    };
    response.headers_mut().append(header::SET_COOKIE, web.providers.forget_ticket());
    response
}

fn redirect_to_provider(setout: crate::auth::Setout) -> Response {
    let mut response = Redirect::to(setout.to.as_str()).into_response();
    response.headers_mut().append(header::SET_COOKIE, setout.cookie);
    response
}

/// Renders the page on which the person started, with the error. The URL does not contain it.
async fn error_page(web: &Web, parts: &Parts, refusal: Refusal) -> Response {
    let Some(context) = Context::of(web, &parts.headers, &parts.extensions) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let (page, status) =
        (if context.signed_in() { SIGN_IN_SETTINGS } else { "/sign-in" }, app::ui::status::of(refusal.kind));
    let answered = Answered {
        action: app::login::BY_PROVIDER.into(),
        values: vec![],
        result: Err(refusal),
        said: Said::default(),
    };
    let mut response = page::render(web, &context.answering(answered), &Uri::from_static(page)).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    response
}

/// Returns a query parameter, or an empty string.
fn query_parameter(parts: &Parts, name: &str) -> String {
    let query = parts.uri.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}
