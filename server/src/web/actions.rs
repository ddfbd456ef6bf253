//! Server functions, called by islands and by plain forms. A form is answered with a redirect, or with the page that
//! it stands on: with what was typed and what is wrong, never with an error in an address (E16).
use super::{Web, context::Context, page};
use crate::plain::{self, wants_page};
use ::auth::{PROOF_PREFIX, Proof, cookie, device, invitation_cookie};
use app::{
    outcome::{Answered, Done, Kind, PAGE_FIELD, Refusal, Said},
    ui::{Address, status},
};
use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderValue, StatusCode, Uri, header};
use http_body_util::BodyExt;
use leptos_axum::handle_server_fns_with_context;

/// The most that a form may send: a script of 256 KiB, every byte of it written as `%XX`, and the rest of the form.
const LARGEST: usize = 1024 * 1024;

/// The most of somebody who is not signed in. A form is held in memory until it has come whole, and a stranger may let that
/// take minutes on each of many connections; what a session's end interrupts is rarely longer.
const OF_STRANGERS: usize = 128 * 1024;

pub(super) async fn run(State(web): State<Web>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some(context) = Context::of(&web, &parts.headers, &parts.extensions) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let is_form = wants_page(&parts.headers);
    let largest = if context.has_session() { LARGEST } else { OF_STRANGERS };
    let body = match http_body_util::Limited::new(body, largest).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) if is_form => return too_much(),
        Err(_) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    };
    let values = fields(&body);
    parts.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));

    let action = parts.uri.path().to_owned();
    // The page that asks for a fresh proof sends the form that it stands before again, with the proof.
    let (context, proved) = match Proof::from_fields(&values) {
        Some(proof) => match context.clone().proving(proof).await {
            Ok(proved) => (proved, Ok(())),
            Err(refusal) => (context, Err(refusal)),
        },
        None => (context, Ok(())),
    };
    let provide = {
        let context = context.clone();
        move || context.provide()
    };
    let call = Request::from_parts(parts.clone(), Body::from(body.clone()));
    let had_session = context.has_session();
    let unproved = proved.is_err();
    let remember = {
        let context = context.clone();
        let https = web.https;
        move |response: Response| with_cookies(&context, https, response)
    };
    let outcome = match proved {
        Err(refusal) => Err(refusal),
        Ok(()) => match read(handle_server_fns_with_context(provide, call).await.into_response()).await {
            Ok(outcome) => outcome,
            Err(status) => return status.into_response(),
        },
    };

    let wait = outcome.as_ref().err().and_then(|refusal| refusal.wait);
    let later = move |mut response: Response| {
        if let Some(seconds) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    };
    if !is_form {
        let status = outcome.as_ref().map_or_else(|refusal| status::of(refusal.kind), |_| StatusCode::OK);
        let answer = (status, axum::Json(answer_json(&outcome))).into_response();
        return later(remember(with_removal(&web, had_session, &action, answer)));
    }
    let here = values.iter().find(|(name, _)| name == PAGE_FIELD).map_or("/", |(_, page)| page.as_str());
    let here = own_path(here).unwrap_or_else(|| Uri::from_static("/"));
    let (status, result) = match outcome {
        Ok(Done::Stay) => return Redirect::to(&here.to_string()).into_response(),
        Ok(Done::GoTo(path)) => {
            let to = own_path(&path).unwrap_or_else(|| Uri::from_static("/"));
            return remember(with_removal(&web, had_session, &action, Redirect::to(&to.to_string()).into_response()));
        }
        Ok(Done::Secret(shown) | Done::Found(shown)) => (StatusCode::OK, Ok(shown)),
        Err(refusal) => (status::of(refusal.kind), Err(refusal)),
    };
    let stale = unproved || matches!(&result, Err(refusal) if refusal.kind == Kind::Stale);
    // What was typed waits on the page that asks for the proof, and goes on from there.
    let here = if stale { proof_page(&here) } else { here };
    let secret = |name: &str| name.contains("password") || name.contains("secret") || name.starts_with(PROOF_PREFIX);
    let kept = values.into_iter().filter(|(name, _)| !secret(name) && name != PAGE_FIELD).collect();
    let context = context.answering(Answered { action, values: kept, result, said: Said::default() });
    let mut response = page::render(&web, &context, &here).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    later(remember(response))
}

fn too_much() -> Response {
    let detail = "Nothing was changed. Your browser has what you typed: go back, and send less of it.";
    plain::page(StatusCode::PAYLOAD_TOO_LARGE, "This form is too large", detail, None)
}

/// A browser that somebody signed in with keeps a mark of it; one that an invitation was opened with holds that while they
/// sign in.
pub(super) fn with_cookies(context: &Context, https: bool, mut response: Response) -> Response {
    let device = context.new_device().and_then(|token| device::set_cookie(&token, https));
    let invitation = context.new_invitation().and_then(|cookie| invitation_cookie::set_cookie(&cookie, https));
    for line in device.into_iter().chain(invitation) {
        response.headers_mut().append(header::SET_COOKIE, line);
    }
    response
}

/// The page that asks for a fresh proof, and leads back to `here`.
fn proof_page(here: &Uri) -> Uri {
    let back = own_path(&Address::new("/prove").with("next", here.to_string()).to_string());
    back.unwrap_or_else(|| Uri::from_static("/prove"))
}

/// What the server function said. One that does not exist has no such answer.
async fn read(answer: Response) -> Result<Result<Done, Refusal>, StatusCode> {
    let well = answer.status().is_success();
    let missing = answer.status() == StatusCode::BAD_REQUEST;
    let body: Bytes = answer.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    if well {
        return serde_json::from_slice(&body).map(Ok).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR);
    }
    serde_json::from_slice(&body)
        .map(Err)
        .map_err(|_| if missing { StatusCode::NOT_FOUND } else { StatusCode::INTERNAL_SERVER_ERROR })
}

fn answer_json(outcome: &Result<Done, Refusal>) -> serde_json::Value {
    let json = match outcome {
        Ok(done) => serde_json::to_value(done),
        Err(refusal) => serde_json::to_value(refusal),
    };
    json.unwrap_or_default()
}

/// The fields of a form; one that is no text is left out.
fn fields(body: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

/// A path of ours with its query; never another host's, however it is written.
pub fn own_path(text: &str) -> Option<Uri> {
    let plain = text.bytes().all(|b| b.is_ascii_graphic()) && !text.contains('\\');
    let own = text.starts_with('/') && !text.starts_with("//") && plain;
    own.then(|| text.parse::<Uri>().ok()).flatten().filter(|uri| uri.authority().is_none() && uri.scheme().is_none())
}

/// After signing out the browser is told to forget its cookie, in words that it follows (E12).
fn with_removal(web: &Web, was_signed_in: bool, action: &str, mut response: Response) -> Response {
    if was_signed_in && action == "/actions/login/sign-out" {
        response.headers_mut().append(header::SET_COOKIE, cookie::removal(web.https));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trap_e16_only_our_own_paths_are_redirected_to() {
        for own in ["/", "/tasks?state=queued", "/a/b?c=%2F%2Fevil"] {
            assert_eq!(own_path(own).unwrap().to_string(), own);
        }
        for foreign in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "\\\\evil",
            "/\t/evil",
            "evil",
            "/ü",
            "/a\r\nb",
        ] {
            assert!(own_path(foreign).is_none(), "{foreign:?}");
        }
    }
}
