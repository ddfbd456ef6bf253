//! Enum schemas of the API, generated from the `ALL` lists in `domain`.
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

macro_rules! enum_schemas {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                enum_schema([$($doc),*].join(" "), domain_enums::$name::ALL.iter().map(|value| value.as_str()))
            }
        }

        impl ToSchema for $name {}
    )*};
}

mod domain_enums {
    pub(super) use domain::{
        approval::{Answer, ApprovalState},
        network::NetworkPolicy,
        role::{Role, TenantRole},
        scope::Scope,
        task::{Priority, TaskState, Tool},
        visibility::Visibility,
    };
}

enum_schemas! {
    /// State of a task.
    TaskState;
    /// Tool that runs a task.
    Tool;
    /// Who can see a task besides its owner, admins and auditors.
    Visibility;
    /// Network access of a task.
    NetworkPolicy;
    /// Priority among queued tasks.
    Priority;
    /// State of an approval request.
    ApprovalState;
    /// Decision on an approval request.
    Answer;
    /// Role in an organization. Each role includes the permissions of the previous ones.
    Role;
    /// Role in the tenant.
    TenantRole;
    /// Scope of an API key.
    Scope;
}

fn enum_schema(description: String, values: impl Iterator<Item = &'static str>) -> RefOr<Schema> {
    let description = description.trim().to_owned();
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).enum_values(Some(values)).into()
}
