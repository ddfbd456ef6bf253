//! Task filter of lists and counts.
use domain::{OrganizationId, task::TaskState};

/// Filter for the task list.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// Only these states; all if empty.
    pub states: Vec<TaskState>,
    pub organization: Option<OrganizationId>,
    pub mine: bool,
    pub label: Option<(String, String)>,
    /// Only titles that have, for each word of this text, a word with that prefix ([`domain::search_terms`]).
    pub text: Option<String>,
}
