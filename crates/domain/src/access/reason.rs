//! Access reasons: why a person can reach a resource.
use crate::role::{Role, TenantRole};

/// The reason why a person has access to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessReason {
    /// The owner submitted the task.
    Own,
    /// A role in the resource's organization.
    Role(Role),
    /// The task required approval, and they are an approver of its organization.
    Approver,
    /// Every person of the tenant has access.
    Everybody,
    TenantRole(TenantRole),
    /// The responsible person of a service account.
    Responsible,
    /// The service account itself.
    Itself,
}
