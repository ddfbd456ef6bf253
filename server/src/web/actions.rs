//! Server functions, called by islands and by plain forms. A form gets a redirect, or its page with the submitted values and
//! the error; errors are never put in a URL (E16).
use super::{Web, context::Context, cookies::with_cookies, form_deduplication::Slot, page};
use crate::{
    http::ClientAddress,
    plain_page::{self, wants_page},
};
use app::{
    outcome::{Answered, Done, Kind, PAGE_FIELD, Refusal, RefusalShown},
    ui::{Address, ONCE_FIELD, status},
};
use auth::{PROOF_PREFIX, Proof, cookie};
use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    response::{IntoResponse, Redirect, Response},
};
use domain::Invalid;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts};
use http_body_util::BodyExt;
use leptos_axum::handle_server_fns_with_context;

/// Maximum form size: a script of 256 KiB in which every byte is written as `%XX`, and the other fields.
const MAX_FORM_BYTES: usize = 1024 * 1024;

/// Maximum form size without a session. Forms are buffered in memory, and an anonymous client may send slowly over many
/// connections; forms that a session's end interrupts are rarely larger.
const MAX_ANONYMOUS_FORM_BYTES: usize = 128 * 1024;

/// Runs a server function in four steps: read the form, confirm the identity if the form contains a proof, call the function,
/// and respond in the format of the client.
pub(super) async fn run(State(web): State<Web>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(context) = Context::of(&web, &parts.headers, &parts.extensions) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let is_form = wants_page(&parts.headers, &parts.uri);
    let max_bytes = if context.has_session() { MAX_FORM_BYTES } else { MAX_ANONYMOUS_FORM_BYTES };
    let body = match http_body_util::Limited::new(body, max_bytes).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) if is_form => return form_too_large(),
        Err(_) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    };
    let (fields, body) = form_fields(body);
    let address = parts.extensions.get::<ClientAddress>().map(|client| client.0);
    let slot = parts.extensions.get::<Slot>();
    if is_form && slot.is_some_and(|slot| !slot.claim(parts.uri.path(), &fields, context.session_holder(), address)) {
        return StatusCode::NO_CONTENT.into_response(); // replaced by the first response
    }
    let nul = fields.iter().find(|(_, value)| value.contains('\0')).map(|(name, _)| name.clone());

    let (context, confirmed) = confirm_identity(context, &fields).await;
    let action = Action {
        path: parts.uri.path().to_owned(),
        fields,
        had_session: context.has_session(),
        has_valid_passkey: confirmed.is_ok(),
    };
    let outcome = match (confirmed, nul) {
        (Err(refusal), _) => Err(refusal),
        (Ok(()), Some(name)) => Err(Invalid::new(&name, "must not contain the character NUL").into()),
        (Ok(()), None) => match call(&context, parts, body).await {
            Ok(outcome) => outcome,
            Err(status) => return status.into_response(),
        },
    };
    match is_form {
        true => action.respond_with_page(&web, context, outcome).await,
        false => action.respond_with_json(&web, &context, &outcome),
    }
}

/// Responds to GET on the action URL of a form, which browsers keep in their history: redirects browsers to `/`, and answers programs with 405.
pub(super) async fn opened(headers: HeaderMap, uri: Uri) -> Response {
    match wants_page(&headers, &uri) {
        true => Redirect::to("/").into_response(),
        false => (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]).into_response(),
    }
}

/// Confirms the identity of the person if the form contains a proof: the confirmation page submits the original form again,
/// with the proof.
async fn confirm_identity(context: Context, fields: &[(String, String)]) -> (Context, Result<(), Refusal>) {
    let Some(proof) = Proof::from_fields(fields) else { return (context, Ok(())) };
    match context.clone().proving(proof).await {
        Ok(confirmed) => (confirmed, Ok(())),
        Err(refusal) => (context, Err(refusal)),
    }
}

/// Calls the server function and parses its JSON response.
async fn call(context: &Context, mut parts: Parts, body: Bytes) -> Result<Result<Done, Refusal>, StatusCode> {
    parts.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let context = context.clone();
    let request = Request::from_parts(parts, Body::from(body));
    let response = handle_server_fns_with_context(move || context.provide(), request).await;
    parse_outcome(response.into_response()).await
}

/// Submitted action, as far as the response depends on it.
struct Action {
    path: String,
    fields: Vec<(String, String)>,
    had_session: bool,
    /// Whether the proof of identity was correct or not needed.
    has_valid_passkey: bool,
}

impl Action {
    fn respond_with_json(&self, web: &Web, context: &Context, outcome: &Result<Done, Refusal>) -> Response {
        let status = outcome.as_ref().map_or_else(|refusal| status::of(refusal.kind), |_| StatusCode::OK);
        let response = (status, axum::Json(outcome_json(outcome))).into_response();
        let response = with_cookies(context, web.https, self.with_cookie_removal(web, response));
        with_retry_after(outcome.as_ref().err().and_then(|refusal| refusal.wait), response)
    }

    /// Redirects, or renders the page of the form again with its values and the result.
    async fn respond_with_page(self, web: &Web, context: Context, outcome: Result<Done, Refusal>) -> Response {
        let page = self.fields.iter().find(|(name, _)| name == PAGE_FIELD).map_or("/", |(_, page)| page.as_str());
        let page = own_path(page).unwrap_or_else(|| Uri::from_static("/"));
        let retry_after = outcome.as_ref().err().and_then(|refusal| refusal.wait);
        let (status, result) = match outcome {
            Ok(Done::Stay) => return Redirect::to(&page.to_string()).into_response(),
            Ok(Done::GoTo(path)) => {
                let target = own_path(&path).unwrap_or_else(|| Uri::from_static("/"));
                let redirect = Redirect::to(&target.to_string()).into_response();
                return with_cookies(&context, web.https, self.with_cookie_removal(web, redirect));
            }
            Ok(Done::Secret(shown) | Done::Found(shown)) => (StatusCode::OK, Ok(shown)),
            Err(refusal) => (status::of(refusal.kind), Err(refusal)),
        };
        let is_stale = matches!(&result, Err(refusal) if refusal.kind == Kind::Stale);
        // The confirmation page keeps the values and submits the form again.
        let page = if is_stale || !self.has_valid_passkey { confirmation_page(&page) } else { page };
        let is_secret =
            |name: &str| name.contains("password") || name.contains("secret") || name.starts_with(PROOF_PREFIX);
        let values = self
            .fields
            .into_iter()
            .filter(|(name, _)| !is_secret(name) && name != PAGE_FIELD && name != ONCE_FIELD)
            .collect();
        let context =
            context.answering(Answered { action: self.path, values, result, refusal_shown: RefusalShown::default() });
        let mut response = page::render(web, &context, &page).await;
        if response.status() == StatusCode::OK {
            *response.status_mut() = status;
        }
        with_retry_after(retry_after, with_cookies(&context, web.https, response))
    }

    /// Removes the session cookie after sign-out, in a form that browsers accept (E12).
    fn with_cookie_removal(&self, web: &Web, mut response: Response) -> Response {
        if self.had_session && self.path == "/actions/login/sign-out" {
            response.headers_mut().append(header::SET_COOKIE, cookie::removal(web.https));
        }
        response
    }
}

fn form_too_large() -> Response {
    let detail = "Nothing was changed. Your browser keeps what you typed: go back and submit a smaller form.";
    plain_page::page(StatusCode::PAYLOAD_TOO_LARGE, "This form is too large", detail, None)
}

/// Returns the page that asks to confirm the identity and then returns to `page`.
fn confirmation_page(page: &Uri) -> Uri {
    let back = own_path(&Address::new("/prove").with("next", page.to_string()).to_string());
    back.unwrap_or_else(|| Uri::from_static("/prove"))
}

/// Parses the response of a server function; an unknown function gives 404.
async fn parse_outcome(response: Response) -> Result<Result<Done, Refusal>, StatusCode> {
    let succeeded = response.status().is_success();
    let missing = response.status() == StatusCode::BAD_REQUEST;
    let body: Bytes = response.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    if succeeded {
        return serde_json::from_slice(&body).map(Ok).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR);
    }
    serde_json::from_slice(&body)
        .map(Err)
        .map_err(|_| if missing { StatusCode::NOT_FOUND } else { StatusCode::INTERNAL_SERVER_ERROR })
}

fn outcome_json(outcome: &Result<Done, Refusal>) -> serde_json::Value {
    let json = match outcome {
        Ok(done) => serde_json::to_value(done),
        Err(refusal) => serde_json::to_value(refusal),
    };
    json.unwrap_or_default()
}

/// Parses the fields of a URL-encoded form. Browsers send each line break as CR LF, and they are one character here; the form is
/// returned with that.
fn form_fields(body: Bytes) -> (Vec<(String, String)>, Bytes) {
    let fields =
        url::form_urlencoded::parse(&body).map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n")));
    let fields: Vec<_> = fields.collect();
    let folds = body.windows(3).any(|piece| piece.eq_ignore_ascii_case(b"%0D"));
    let body = if folds {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish().into()
    } else {
        body
    };
    (fields, body)
}

/// Parses a path with query on this server; returns `None` for anything that could lead to another host.
pub fn own_path(text: &str) -> Option<Uri> {
    let plain = text.bytes().all(|b| b.is_ascii_graphic()) && !text.contains('\\');
    let own = text.starts_with('/') && !text.starts_with("//") && plain;
    own.then(|| text.parse::<Uri>().ok()).flatten().filter(|uri| uri.authority().is_none() && uri.scheme().is_none())
}

fn with_retry_after(seconds: Option<u64>, mut response: Response) -> Response {
    if let Some(seconds) = seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_bc20_a_line_break_is_one_character_in_every_field() {
        let (fields, body) = form_fields("a=one%0D%0Atwo%0d%0Athree&b=x%0Ay&c=%0D".into());
        let expected = [("a", "one\ntwo\nthree"), ("b", "x\ny"), ("c", "\r")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(fields, expected);
        assert_eq!(form_fields(body.clone()), (expected.to_vec(), body));
        let plain = Bytes::from_static(b"a=b+c&d=%C3%A9");
        assert_eq!(form_fields(plain.clone()).1, plain, "as it was sent");
    }

    #[test]
    fn trap_e16_redirects_lead_only_to_our_own_paths() {
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
