//! Event stream topics of tasks.
use domain::TaskId;

/// Returns the topic of changes to one task.
pub fn topic(id: TaskId) -> String {
    format!("tasks:{id}")
}
