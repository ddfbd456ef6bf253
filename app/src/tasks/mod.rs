//! Tasks: submission, list, details and live output.

pub mod actions;
pub mod details;
mod filter;
pub mod labels;
mod log;
mod log_toolbar;
pub mod new_task;
pub mod pages;
mod receipt;
mod sidebar;
mod submission;
mod timeline;
mod topic;

use domain::Timestamp;

/// Returns the sentence for a task whose output retention deleted.
pub fn output_deleted(at: Timestamp) -> String {
    t!("task-output-deleted", at = at.exact())
}
