//! OpenAPI document of the API, assembled from the handlers.
use super::{
    Handlers,
    extract::{NoParameters, QueryParameters},
    problems,
};
use axum::response::IntoResponse;
use http::header;
use std::sync::LazyLock;
use utoipa::{
    OpenApi,
    openapi::{
        Info, License, ServerBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

/// Returns the document (OpenAPI 3.1).
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Handlers::openapi();
    let mut info = Info::new("Castellan", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "Submit and follow tasks, decide approval requests and read the audit log. Errors are problem+json (RFC 9457). \
         Times are RFC 3339 in UTC. Lists are sorted newest first; pass `next` of one page as `after` to get the next page."
            .into(),
    );
    info.license = Some(License::new("Apache-2.0"));
    document.info = info;
    document.servers = Some(vec![ServerBuilder::new().url("/").description(Some("This server.")).build()]);
    let mut components = document.components.take().unwrap_or_default();
    problems::declare(&mut document.paths, &mut components);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("mk_…")
        .description(Some("An API key, created on the Keys page or with `castellan admin create-key`."));
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
    document.components = Some(components);
    document.security = Some(vec![SecurityRequirement::new("bearer", Vec::<String>::new())]);
    document
}

static DOCUMENT_JSON: LazyLock<String> = LazyLock::new(|| openapi().to_json().unwrap_or_default());

/// Get the OpenAPI document
///
/// Requires no API key.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "OpenAPI", security(()),
    responses((status = 200, description = "The document (OpenAPI 3.1).", body = Object))
)]
pub(super) async fn get_openapi(_: QueryParameters<NoParameters>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT_JSON.as_str())
}
