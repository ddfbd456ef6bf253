//! Pages of lists.
use serde::Serialize;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, Ref, RefOr, Schema,
        schema::{ArrayBuilder, SchemaType, Type},
    },
};

/// One page of a list, newest items first.
#[derive(Debug, Serialize)]
pub(super) struct List<T> {
    /// Items of this page.
    items: Vec<T>,
    /// Value of `after` for the next page; null on the last page.
    next: Option<String>,
}

impl<T> List<T> {
    pub(super) fn from_page<R>(page: store::Page<R>, item: impl FnMut(R) -> T) -> Self {
        Self { items: page.items.into_iter().map(item).collect(), next: page.next }
    }

    pub(super) fn complete(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// Unlike the derived one, it refers to the schema of the items by name, so that clients get one type for them.
impl<T: ToSchema> PartialSchema for List<T> {
    fn schema() -> RefOr<Schema> {
        let items =
            ArrayBuilder::new().items(Ref::from_schema_name(T::name())).description(Some("Items of this page."));
        let next = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("Value of `after` for the next page; null on the last page."));
        ObjectBuilder::new()
            .description(Some("One page of a list, newest items first."))
            .property("items", items)
            .property("next", next)
            .required("items")
            .required("next")
            .into()
    }
}

impl<T: ToSchema> ToSchema for List<T> {
    fn name() -> Cow<'static, str> {
        format!("{}List", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into(), T::schema()));
        T::schemas(schemas);
    }
}
