//! Timestamps in microseconds since the Unix epoch, formatted as RFC 3339 in UTC.
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, time::Duration};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A timestamp in microseconds since 1970-01-01T00:00:00Z. This crate never reads a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Returns the timestamp `span` later, saturating.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Returns the timestamp `span` earlier, saturating.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Returns the time since `earlier`; zero if `earlier` is later.
    ///
    /// ```
    /// use domain::Timestamp;
    /// use std::time::Duration;
    /// let start = Timestamp::parse("2026-03-01T14:05:09Z").unwrap();
    /// assert_eq!(start.after(Duration::from_secs(60)).since(start), Duration::from_secs(60));
    /// ```
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns whole seconds since the epoch.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Parses RFC 3339.
    pub fn parse(text: &str) -> Option<Self> {
        let nanos = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos();
        i64::try_from(nanos.div_euclid(1_000)).ok().map(Self)
    }

    /// Formats the time for display: `2026-03-01 14:05:09 UTC`.
    pub fn exact(self) -> String {
        let t = self.utc();
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC",
            t.year(),
            u8::from(t.month()),
            t.day(),
            t.hour(),
            t.minute(),
            t.second()
        )
    }

    fn utc(self) -> OffsetDateTime {
        // RFC 3339 has no years before 0, and a runner can report any number.
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000).ok();
        at.filter(|at| at.year() >= 0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_round_trips() {
        let time = Timestamp(1_772_373_909_123_456);
        assert_eq!(time.to_string(), "2026-03-01T14:05:09.123456Z");
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        assert_eq!(time.exact(), "2026-03-01 14:05:09 UTC");
    }

    #[test]
    fn a_timestamp_out_of_range_is_written_as_the_epoch() {
        for hostile in [i64::MIN, -70_000_000_000_000_000, i64::MAX] {
            assert_eq!(serde_json::to_string(&Timestamp(hostile)).unwrap(), "\"1970-01-01T00:00:00Z\"", "{hostile}");
        }
    }
}
