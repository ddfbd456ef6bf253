//! Wall clock, read in one place for timestamps and grant expiry; durations use the monotonic clock.

use domain::Timestamp;
use std::time::SystemTime;

/// Returns the current time.
#[expect(clippy::disallowed_methods, reason = "the only read of the wall clock; it is passed on as a value")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
