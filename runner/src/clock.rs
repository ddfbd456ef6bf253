//! The wall clock, read in one place: for time stamps and a grant's expiry. Spans are measured on the monotonic clock.

use std::time::SystemTime;

use domain::Timestamp;

/// What time it is.
#[expect(clippy::disallowed_methods, reason = "time comes in here, and is passed on as a value")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
