//! One table makes the routes and their description: a route without documentation cannot exist.
use http::Method;
use utoipa::openapi::OpenApi;

/// An operation of the API.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// Its name: the handler's, and `operationId` in the document.
    pub(super) id: String,
    pub(super) method: Method,
    /// Its address, with parameters in braces.
    pub(super) path: String,
}

/// The operations that a document describes.
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

/// Takes the API's handlers, each with its `#[utoipa::path]`, and makes the document and the router of them.
macro_rules! operations {
    ($($module:ident::$handler:ident),* $(,)?) => {
        /// What the handlers say of themselves.
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($module::$handler),*))]
        struct Handlers;

        /// Every operation, as the document has it.
        static OPERATIONS: LazyLock<Vec<Operation>> =
            LazyLock::new(|| table::operations_of(&<Handlers as utoipa::OpenApi>::openapi()));

        fn documented() -> Router<App> {
            let find = |id: &str| OPERATIONS.iter().find(|operation| operation.id == id);
            let router = Router::new();
            $(let router = route(router, find(stringify!($handler)), $module::$handler);)*
            router
        }
    };
}
pub(super) use operations;
