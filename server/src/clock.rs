//! System time, read in one place.
use domain::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the system time. All other code receives time as a value.
#[expect(clippy::disallowed_methods, reason = "the only place where the server reads the system time")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
