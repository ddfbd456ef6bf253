//! Resources that access reports are about.
use crate::{OrganizationId, PersonId, RunnerId, TaskId, approval::Requesters, visibility::AccessAttributes};

/// A resource that an access report is about.
#[derive(Clone, Copy, Debug)]
pub enum Resource {
    /// A task with its output and receipt, the people whose request it is, and whether they can decide it nevertheless.
    Task(TaskId, AccessAttributes, Requesters, bool),
    Organization(OrganizationId),
    /// A runner; it belongs to the tenant, not to an organization.
    Runner(RunnerId),
    /// A service account and its responsible person.
    ServiceAccount(PersonId, PersonId),
}

impl Resource {
    pub fn organization(&self) -> Option<OrganizationId> {
        match self {
            Self::Task(_, sight, ..) => Some(sight.organization),
            Self::Organization(id) => Some(*id),
            Self::Runner(_) | Self::ServiceAccount(..) => None,
        }
    }

    /// Returns the kind and id, as in the audit log.
    pub fn name(&self) -> (&'static str, String) {
        match self {
            Self::Task(id, ..) => ("task", id.to_string()),
            Self::Organization(id) => ("organization", id.to_string()),
            Self::Runner(id) => ("runner", id.to_string()),
            Self::ServiceAccount(id, _) => ("service_account", id.to_string()),
        }
    }
}
