//! HTTP API, version 1, for clients with an API key (D-11).

mod approvals;
mod audit;
mod enums;
mod extract;
mod fields;
mod log;
mod log_events;
mod me;
mod openapi;
mod operations;
mod problems;
mod responses;
mod runners;
mod task;
mod tasks;
mod text;

pub(crate) use extract::{Body, JsonBody, QueryParameters};
pub use openapi::openapi;
pub use operations::UnroutedHandler;

use crate::{live::Streams, metrics::StreamKind, problem::Problem, state::App};
use axum::{
    Extension, Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    routing::{MethodFilter, any, on},
};
use operations::Operation;
use std::sync::LazyLock;

operations::operations! {
    tasks::submit_task,
    tasks::list_tasks,
    tasks::get_task,
    tasks::cancel_task,
    log::get_task_log,
    approvals::list_approvals,
    approvals::get_approval,
    approvals::approve,
    approvals::deny,
    audit::list_audit_events,
    runners::list_runners,
    me::get_me,
    openapi::get_openapi,
}

/// Builds the routes of all documented operations.
///
/// # Errors
/// Fails if a handler does not match an operation of the OpenAPI document, which would make it unreachable.
pub fn routes(app: App) -> Result<Router, UnroutedHandler> {
    let not_found = any(|| async { Problem::not_found() });
    Ok(documented_routes()?
        .method_not_allowed_fallback(|| async { Problem::wrong_method() })
        .route("/api", not_found.clone())
        .route("/api/", not_found.clone())
        .route("/api/{*rest}", not_found)
        .layer(DefaultBodyLimit::max(app.config.limits.request_body_bytes.get()))
        .layer(Extension(Streams::of(StreamKind::Api)))
        .with_state(app))
}

/// Lists the method and path of every operation.
pub fn table() -> Vec<(&'static str, &'static str)> {
    OPERATIONS.iter().map(|operation| (operation.method.as_str(), operation.path.as_str())).collect()
}

/// Adds a handler at the method and path that its `#[utoipa::path]` declares.
fn route<H, T>(router: Router<App>, id: &'static str, handler: H) -> Result<Router<App>, UnroutedHandler>
where
    H: Handler<T, App>,
    T: 'static,
{
    let operation = OPERATIONS.iter().find(|operation| operation.id == id).ok_or(UnroutedHandler(id))?;
    let method = MethodFilter::try_from(operation.method.clone()).map_err(|_| UnroutedHandler(id))?;
    Ok(router.route(&operation.path, on(method, handler)))
}
