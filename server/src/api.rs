//! The HTTP API, version 1: what programs with a key may ask for and do (D-11).

mod approvals;
mod audit;
mod document;
mod log;
mod me;
mod received;
mod runners;
mod specification;
mod submission;
mod table;
mod task;
mod tasks;
mod words;

pub(crate) use received::Parameters;
pub use specification::openapi;

use crate::{live::Streams, problem::Problem, state::App};
use axum::{
    Extension, Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    routing::{MethodFilter, any, on},
};
use std::sync::LazyLock;
use table::Operation;

table::operations! {
    tasks::submit_task,
    tasks::list_tasks,
    tasks::get_task,
    tasks::cancel_task,
    log::get_task_log,
    approvals::list_approvals,
    approvals::get_approval,
    approvals::approve,
    approvals::deny,
    audit::list_audit_records,
    runners::list_runners,
    me::get_me,
    specification::get_openapi,
}

/// The API's routes: those of the document and nothing else.
pub fn routes(app: App) -> Router {
    let nothing = any(|| async { Problem::not_found() });
    documented()
        .method_not_allowed_fallback(|| async { Problem::wrong_method() })
        .route("/api", nothing.clone())
        .route("/api/", nothing.clone())
        .route("/api/{*rest}", nothing)
        .layer(DefaultBodyLimit::max(app.config.limits.request_body_bytes.get()))
        .layer(Extension(Streams::default()))
        .with_state(app)
}

/// Method and address of every operation.
pub fn table() -> Vec<(&'static str, &'static str)> {
    OPERATIONS.iter().map(|operation| (operation.method.as_str(), operation.path.as_str())).collect()
}

/// Puts a handler where the document says that it is.
fn route<H, T>(router: Router<App>, operation: Option<&Operation>, handler: H) -> Router<App>
where
    H: Handler<T, App>,
    T: 'static,
{
    let found = operation.and_then(|it| Some((it, MethodFilter::try_from(it.method.clone()).ok()?)));
    match found {
        Some((operation, method)) => router.route(&operation.path, on(method, handler)),
        None => router, // a test compares the routes with the table
    }
}
