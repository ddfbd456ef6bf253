//! The closed vocabularies of the API, described from the lists in `domain`.
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

macro_rules! vocabulary {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                one_of([$($doc),*].join(" "), domain_words::$name::ALL.iter().map(|word| word.as_str()))
            }
        }

        impl ToSchema for $name {}
    )*};
}

mod domain_words {
    pub(super) use domain::{
        approval::{Answer, ApprovalState},
        network::NetworkPolicy,
        role::{Role, TenantRole},
        scope::Scope,
        task::{Priority, TaskState, Tool},
        visibility::Visibility,
    };
}

vocabulary! {
    /// Where a task stands.
    TaskState;
    /// What a task runs in.
    Tool;
    /// Who sees a task beside its owner, the tenant's admins and its auditors.
    Visibility;
    /// What a task reaches over the network.
    NetworkPolicy;
    /// Which of the waiting tasks goes first.
    Priority;
    /// Where a question stands.
    ApprovalState;
    /// What a person says to a question.
    Answer;
    /// A person's role in one organization. Each may do what those before it may.
    Role;
    /// What a person is in the whole tenant.
    TenantRole;
    /// One thing that a key may be allowed to do.
    Scope;
}

fn one_of(description: String, words: impl Iterator<Item = &'static str>) -> RefOr<Schema> {
    let description = description.trim().to_owned();
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).enum_values(Some(words)).into()
}
