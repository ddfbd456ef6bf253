//! Enum schemas of the API, generated from the `ALL` lists in `domain`.
use domain::network::Network;
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
        audit::Outcome,
        log::Stream,
        network::NetworkPolicy,
        pending_reason::PendingReason,
        role::{Role, TenantRole},
        scope::Scope,
        security::SecurityEvent,
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
    /// Reason why no runner can take a queued task.
    PendingReason;
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
    /// Outcome of an audited action.
    Outcome;
    /// Security event for monitoring.
    SecurityEvent;
    /// Stream that a line was printed to; `runner` has messages of the runner itself.
    Stream;
}

/// How a run ended.
#[derive(Debug)]
pub struct RunOutcome;

impl PartialSchema for RunOutcome {
    fn schema() -> RefOr<Schema> {
        let outcomes = ["exited", "signaled", "timed_out", "cancelled", "out_of_memory", "not_started"];
        enum_schema("How a run ended.".into(), outcomes.into_iter())
    }
}

impl ToSchema for RunOutcome {}

/// Network access that a task can be submitted with: what this version enforces.
#[derive(Debug)]
pub struct EnforcedNetworkPolicy;

impl PartialSchema for EnforcedNetworkPolicy {
    fn schema() -> RefOr<Schema> {
        let is_enforced = |policy: &&domain_enums::NetworkPolicy| Network::new(**policy, vec![]).is_ok();
        let policies = domain_enums::NetworkPolicy::ALL.iter().filter(is_enforced);
        let description = "Network access of a new task. This version enforces no others.";
        enum_schema(description.into(), policies.map(|policy| policy.as_str()))
    }
}

impl ToSchema for EnforcedNetworkPolicy {}

fn enum_schema(description: String, values: impl Iterator<Item = &'static str>) -> RefOr<Schema> {
    let description = description.trim().to_owned();
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).enum_values(Some(values)).into()
}
