//! Identity provider endpoints: start a sign-in, start linking an identity, and the callback.
//!
//! All three use GET, because browsers reach them through redirects. Starting changes nothing: the state is stored in a cookie.
//! The callback changes state, so it requires that cookie and accepts it only once.
use super::{
    Web,
    context::{self, Context},
    own_path, page,
};
use app::outcome::{Answered, Refusal, RefusalShown};
use auth::{
    Browser,
    providers::{AuthorizationRedirect, Callback, CallbackOutcome, ProviderFailure, Purpose},
};
use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{StatusCode, Uri, header, request::Parts};
use url::form_urlencoded;

/// Paths of the endpoints, for the route inventory.
pub const PATHS: [&str; 3] = ["/sign-in/with/{provider}", "/sign-in/from/{provider}", "/account/link/{provider}"];

/// Maximum length of the path to continue at, in bytes.
const MAX_NEXT: usize = 1024;

/// Settings page of a person's sign-in methods.
const SIGN_IN_SETTINGS: &str = "/account/sign-in";

pub(super) async fn start(State(web): State<Web>, Path(key): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let next = own_path(&query_parameter(&parts, "next")).map(|path| path.to_string());
    // The cookie contains it.
    let next = next.filter(|path| path.len() <= MAX_NEXT).unwrap_or_else(|| "/".to_owned());
    let reauthenticate = parts.extensions.get::<Browser>().is_some();
    let purpose = Purpose::SignIn { next, reauthenticate };
    match web.auth.providers.start(&key, purpose, &parts.headers).await {
        Ok(redirect) => redirect_to_provider(redirect),
        Err(error) => error_page(&web, &parts, error).await,
    }
}

/// Starts linking an identity. Requires a same-site request and a recent re-authentication.
pub(super) async fn link(State(web): State<Web>, Path(key): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Some(browser) = parts.extensions.get::<Browser>().cloned() else {
        return Redirect::to("/sign-in").into_response();
    };
    let site = parts.headers.get("sec-fetch-site").and_then(|line| line.to_str().ok());
    if !matches!(site, None | Some("same-origin")) {
        return error_page(&web, &parts, ProviderFailure::UnknownSignIn.error("")).await;
    }
    if let Err(error) = web.auth.providers.active(&key).await {
        return error_page(&web, &parts, error).await;
    }
    let Some(person) = browser.actor.person().filter(|_| browser.actor.fresh) else {
        return Redirect::to(SIGN_IN_SETTINGS).into_response();
    };
    let purpose = Purpose::Link { person, session: browser.session };
    match web.auth.providers.start(&key, purpose, &parts.headers).await {
        Ok(redirect) => redirect_to_provider(redirect),
        Err(error) => error_page(&web, &parts, error).await,
    }
}

pub(super) async fn callback(State(web): State<Web>, Path(key): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Some(sign_in) = context::sign_in(&web, &parts.headers, &parts.extensions) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let callback = Callback { key: &key, query: &query, headers: &parts.headers };
    match sign_in.finish_provider(callback).await {
        Ok(CallbackOutcome::SignedIn(next)) => Redirect::to(&next).into_response(),
        Ok(CallbackOutcome::Linked) => Redirect::to(SIGN_IN_SETTINGS).into_response(),
        Err(error) => error_page(&web, &parts, error).await,
    }
}

fn redirect_to_provider(redirect: AuthorizationRedirect) -> Response {
    let mut response = Redirect::to(redirect.url.as_str()).into_response();
    for cookie in redirect.cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Renders the page on which the person started, with the error. The URL does not contain it.
async fn error_page(web: &Web, parts: &Parts, error: auth::Error) -> Response {
    let refusal = Refusal::from(error);
    let Some(context) = Context::of(web, &parts.headers, &parts.extensions) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let (page, status) =
        (if context.signed_in() { SIGN_IN_SETTINGS } else { "/sign-in" }, app::ui::status::of(refusal.kind));
    let answered = Answered {
        action: app::login::PROVIDER_REDIRECT_ACTION.into(),
        values: vec![],
        result: Err(refusal),
        refusal_shown: RefusalShown::default(),
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
