//! Sources of time and of new IDs.
use domain::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Returns the system time. All other code receives time as a value.
#[expect(clippy::disallowed_methods, reason = "the only place where the server reads the system time")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Returns a new ID (UUID version 7), which sorts by creation time.
pub(crate) fn new_id() -> Uuid {
    Uuid::now_v7()
}
