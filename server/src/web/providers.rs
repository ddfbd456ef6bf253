//! The three addresses of signing in by a provider: setting out, setting out to link, and coming back.
//!
//! They are asked by GET, because that is how browsers are sent. Setting out changes nothing here: a ticket goes into a cookie.
//! Coming back changes something, and so only with that ticket, once.
use super::{
    Web,
    context::{self, Context},
    own_path, page,
};
use ::auth::{
    Browser,
    providers::{AuthorizationRedirect, Callback, CallbackOutcome, ProviderFailure, Purpose},
};
use app::outcome::{Answered, Refusal, Said};
use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{StatusCode, Uri, header, request::Parts};
use url::form_urlencoded;

/// The addresses, for the list of routes.
pub const PATHS: [&str; 3] = ["/sign-in/with/{provider}", "/sign-in/from/{provider}", "/account/link/{provider}"];

/// Where one's own ways in are.
const OWN: &str = "/account/sign-in";

pub(super) async fn set_out(State(web): State<Web>, Path(key): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let next = own_path(&said(&parts, "next")).map_or_else(|| "/".to_owned(), |path| path.to_string());
    let reauthenticate = parts.extensions.get::<Browser>().is_some();
    let purpose = Purpose::SignIn { next, reauthenticate };
    match web.auth.providers.start(&key, purpose).await {
        Ok(redirect) => away(redirect),
        Err(error) => refused(&web, &parts, error).await,
    }
}

/// Only from a page of ours, and only for somebody who just proved who they are.
pub(super) async fn link(State(web): State<Web>, Path(key): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Some(browser) = parts.extensions.get::<Browser>().cloned() else {
        return Redirect::to("/sign-in").into_response();
    };
    let site = parts.headers.get("sec-fetch-site").and_then(|line| line.to_str().ok());
    if !matches!(site, None | Some("same-origin")) {
        return refused(&web, &parts, ProviderFailure::UnknownSignIn.error("")).await;
    }
    if let Err(error) = web.auth.providers.active(&key).await {
        return refused(&web, &parts, error).await;
    }
    let Some(person) = browser.actor.person().filter(|_| browser.actor.fresh) else {
        return Redirect::to(OWN).into_response();
    };
    match web.auth.providers.start(&key, Purpose::Link { person, session: browser.session }).await {
        Ok(redirect) => away(redirect),
        Err(error) => refused(&web, &parts, error).await,
    }
}

pub(super) async fn arrive(State(web): State<Web>, Path(key): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Some(sign_in) = context::sign_in(&web, &parts.headers, &parts.extensions) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let callback = Callback { key: &key, query: &query, headers: &parts.headers };
    let mut response = match sign_in.finish_provider(callback).await {
        Ok(CallbackOutcome::SignedIn(next)) => Redirect::to(&next).into_response(),
        Ok(CallbackOutcome::Linked) => Redirect::to(OWN).into_response(),
        Err(error) => refused(&web, &parts, error).await,
    };
    response.headers_mut().append(header::SET_COOKIE, web.auth.providers.ticket_removal());
    response
}

fn away(redirect: AuthorizationRedirect) -> Response {
    let mut response = Redirect::to(redirect.url.as_str()).into_response();
    response.headers_mut().append(header::SET_COOKIE, redirect.cookie);
    response
}

/// The page from which one set out, with what went wrong; its address says nothing of it.
async fn refused(web: &Web, parts: &Parts, error: ::auth::Error) -> Response {
    let refusal = Refusal::from(error);
    let Some(context) = Context::of(web, &parts.headers, &parts.extensions) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let (place, status) = (if context.signed_in() { OWN } else { "/sign-in" }, app::ui::status::of(refusal.kind));
    let answered = Answered {
        action: app::login::BY_PROVIDER.into(),
        values: vec![],
        result: Err(refusal),
        said: Said::default(),
    };
    let mut response = page::render(web, &context.answering(answered), &Uri::from_static(place)).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    response
}

/// A parameter of the address, empty where there is none.
fn said(parts: &Parts, name: &str) -> String {
    let query = parts.uri.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(its, _)| its == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}
