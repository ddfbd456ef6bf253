//! Request counter: every response by route template, method and status class. Paths never become labels: they contain ids and
//! secrets, and clients choose them.
use super::process::process;
use axum::{
    Router,
    extract::{MatchedPath, Request},
    middleware::{Next, from_fn},
    response::Response,
};
use http::Method;

/// The template of the page that a response shows, for pages that axum does not route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RouteTemplate(pub &'static str);

/// The label of requests that match no route, and of methods that HTTP does not define.
const OTHER: &str = "other";
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Counts every response of `router`. Call it when the router is complete.
pub fn counted(router: Router) -> Router {
    router.layer(from_fn(count))
}

async fn count(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let method = method_label(request.method());
    let response = next.run(request).await;
    let page = response.extensions().get::<RouteTemplate>().map(|template| template.0);
    let route = path.as_ref().map(MatchedPath::as_str).or(page).unwrap_or(OTHER);
    let class = format!("{}xx", response.status().as_u16() / 100);
    let labels = [("route", route.to_owned()), ("method", method.to_owned()), ("status", class)];
    process().requests.get_or_create(&labels).inc();
    response
}

/// Returns the label of a method. Clients can send any word as one.
fn method_label(method: &Method) -> &'static str {
    METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or(OTHER)
}
