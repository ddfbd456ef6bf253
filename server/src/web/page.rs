//! Page rendering, with a content security policy that allows only scripts with the response's nonce.
use super::{Web, context::Context, cookies::with_cookies};
use crate::metrics::RouteTemplate;
use app::document::{self, Document};
use axum::{
    extract::{Request, State},
    response::{Html, IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, Uri, header};

/// Renders the requested page, or the not-found page.
pub(super) async fn handle(State(web): State<Web>, request: Request) -> Response {
    let mut response = match Context::of(&web, request.headers(), request.extensions()) {
        Some(context) => with_cookies(&context, web.https, render(&web, &context, request.uri()).await),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    if let Some(template) = app::routes::template(request.uri().path()) {
        response.extensions_mut().insert(RouteTemplate(template));
    }
    response
}

/// Renders the page at `uri` in this context.
pub(super) async fn render(web: &Web, context: &Context, uri: &Uri) -> Response {
    let document = document::render(uri, web.options.clone(), || context.provide()).await;
    let Document { status, location, nonce, html } = document;
    let mut response = (status, Html(html)).into_response();
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if let Ok(policy) = HeaderValue::from_str(&policy(&nonce)) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Returns the content security policy of a page with this nonce.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; font-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )
}
