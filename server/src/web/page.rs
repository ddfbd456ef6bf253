//! A page: rendered whole, with a policy that lets nothing run but what carries this answer's nonce.
use super::{Web, actions::with_cookies, context::Context};
use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use leptos::{nonce::use_nonce, prelude::use_context};
use leptos_axum::{ResponseOptions, render_app_async_with_context};

/// Any page, or the one that says that there is none.
pub(super) async fn show(State(web): State<Web>, request: Request) -> Response {
    match Context::of(&web, request.headers(), request.extensions()) {
        Some(context) => with_cookies(&context.clone(), web.https, render(&web, context, request).await),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Renders the page at the request's address in this context.
pub(super) async fn render(web: &Web, context: Context, request: Request<Body>) -> Response {
    let options = web.options.clone();
    let provide = move || {
        context.provide();
        let policy = HeaderValue::from_str(&policy(use_nonce().as_deref().unwrap_or_default()));
        if let (Ok(policy), Some(response)) = (policy, use_context::<ResponseOptions>()) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    };
    render_app_async_with_context(provide, move || app::routes::shell(options.clone()))(request).await
}

/// The content security policy of a page with this nonce.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )
}
