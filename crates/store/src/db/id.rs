//! Identifiers of new rows.
use uuid::Uuid;

/// Returns a new id: a UUID version 7, so that ids sort by the time at which they were created.
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}
