//! Quotas per day (UTC) on submitted tasks and on stored bytes of scripts and output, for a person and for a tenant (K-07).
use std::{fmt, time::Duration};

/// The quotas of a deployment; `None` is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    pub person: Quota,
    pub tenant: Quota,
}

/// The quota of a person or a tenant for a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    pub tasks: Option<i64>,
    /// Bytes of scripts, canonical requests and output, as stored.
    pub bytes: Option<i64>,
}

/// What a quota limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    Tasks,
    Bytes,
}

/// Error: a quota is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaExceeded {
    pub limited: Limited,
    /// Whether it is the quota of the whole tenant.
    pub of_tenant: bool,
    pub limit: i64,
    /// Time until the next day begins.
    pub wait: Duration,
}

impl fmt::Display for QuotaExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.of_tenant { "tenant" } else { "person" };
        write!(f, "the quota of {} {:?} a day of the {whose}", self.limit, self.limited)
    }
}

impl Quota {
    /// Returns what of the quota is exceeded, and its limit.
    pub(crate) fn exceeded(self, tasks: i64, bytes: i64) -> Option<(Limited, i64)> {
        let exceeded = self.tasks.filter(|limit| tasks > *limit).map(|limit| (Limited::Tasks, limit));
        exceeded.or_else(|| self.bytes.filter(|limit| bytes > *limit).map(|limit| (Limited::Bytes, limit)))
    }
}
