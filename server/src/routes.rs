//! Route inventory: every page, API route, server function, stream and runner call, for the tenant isolation tests.
use app::routes::PAGES;
use serde::Serialize;

/// Externally reachable route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Route {
    /// `page`, `action`, `provider`, `api`, `stream`, `file`, `health`, `enrollment` or `runner`.
    pub kind: &'static str,
    pub method: String,
    /// Path with parameters in braces.
    pub path: String,
}

/// Returns all routes, sorted.
pub fn all() -> Vec<Route> {
    let route = |kind, method: &str, path: &str| Route { kind, method: method.into(), path: path.into() };
    let mut all: Vec<_> = PAGES.iter().map(|(path, _)| route("page", "GET", path)).collect();
    all.extend(server_fns().map(|path| route("action", "POST", path)));
    all.extend(crate::api::table().into_iter().map(|(method, path)| route("api", method, path)));
    all.extend(crate::live::PATHS.iter().map(|path| route("stream", "GET", path)));
    all.extend(crate::web::PATHS.iter().map(|path| route("provider", "GET", path)));
    all.push(route("stream", "GET", crate::web::EXPORT));
    all.push(route("file", "GET", "/pkg/{*file}"));
    all.extend(["/healthz", "/readyz", "/metrics"].map(|path| route("health", "GET", path)));
    all.push(route("enrollment", "POST", "/api/v1/runners/enroll"));
    all.push(route("runner", "POST", "/castellan.runner.v1.Runner/Work"));
    all.sort();
    all
}

fn server_fns() -> impl Iterator<Item = &'static str> {
    leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path)
}
