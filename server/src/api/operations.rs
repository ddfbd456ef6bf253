//! API operations: one table generates both the routes and the OpenAPI document.
use http::Method;
use utoipa::openapi::OpenApi;

/// Method and path of an API operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// Name of the handler, which is also the `operationId`.
    pub(super) id: String,
    pub(super) method: Method,
    /// Path with parameters in braces.
    pub(super) path: String,
}

/// Error: a handler has no operation in the OpenAPI document, for example because of a custom `operation_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the API handler `{0}` matches no operation of the OpenAPI document")]
pub struct UnroutedHandler(pub(super) &'static str);

/// Returns the operations of an OpenAPI document.
pub(super) fn operations_of(document: &OpenApi) -> Vec<Operation> {
    let mut operations = vec![];
    for (path, item) in &document.paths.paths {
        let methods = [
            (Method::GET, &item.get),
            (Method::PUT, &item.put),
            (Method::POST, &item.post),
            (Method::PATCH, &item.patch),
            (Method::DELETE, &item.delete),
        ];
        for (method, operation) in methods {
            if let Some(id) = operation.as_ref().and_then(|operation| operation.operation_id.clone()) {
                operations.push(Operation { id, method, path: path.clone() });
            }
        }
    }
    operations
}

/// Generates the OpenAPI document and the router from a list of handlers with `#[utoipa::path]`.
macro_rules! operations {
    ($($module:ident::$handler:ident),* $(,)?) => {
        /// OpenAPI document of the handlers.
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($module::$handler),*))]
        struct Handlers;

        /// Operations of the document.
        static OPERATIONS: LazyLock<Vec<Operation>> =
            LazyLock::new(|| operations::operations_of(&<Handlers as utoipa::OpenApi>::openapi()));

        fn documented_routes() -> Result<Router<App>, UnroutedHandler> {
            let router = Router::new();
            $(let router = route(router, stringify!($handler), $module::$handler)?;)*
            Ok(router)
        }
    };
}
pub(super) use operations;
