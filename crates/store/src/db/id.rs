//! Identifiers of new rows.
use uuid::Uuid;

/// Returns a new id: a UUID version 7, so that ids sort by the time at which they were created.
#[expect(clippy::disallowed_methods, reason = "the only place where an id is generated")]
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}
