//! Rate limiter: a token bucket per subject, with a bounded number of buckets.
use super::Subject;
use crate::config::Quota;
use governor::{
    RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::{NoOpMiddleware, StateInformationMiddleware},
    state::keyed::DashMapStateStore,
};
use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

/// Maximum number of individual subjects; each takes about 100 bytes.
const MAX_SUBJECTS: usize = 50_000;
/// Number of requests between cleanups.
const CLEANUP_INTERVAL: u64 = 1_024;

/// Status of a limit after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitStatus {
    /// Name of the limit.
    pub policy: &'static str,
    /// Capacity of the bucket, in requests.
    pub quota: u32,
    /// Seconds in which an empty bucket refills.
    pub window: u64,
    /// Remaining requests.
    pub remaining: u32,
    /// Seconds until the bucket is full.
    pub reset: u64,
}

/// Error: a rate limit is exceeded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rate limit {} exceeded; retry in {} s", .status.policy, .wait.as_secs())]
pub struct Exceeded {
    /// Status of the limit, for the response headers.
    pub status: LimitStatus,
    /// Time until the next request is accepted; whole seconds, at least one.
    pub wait: Duration,
}

/// Limiter without information about the remaining requests.
type Plain<C> = RateLimiter<Subject, DashMapStateStore<Subject>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// Rate limit with its buckets.
#[derive(Debug)]
pub(super) struct RateLimit<C: Clock = MonotonicClock> {
    policy: &'static str,
    quota: Quota,
    buckets: RateLimiter<Subject, DashMapStateStore<Subject>, C, StateInformationMiddleware>,
    clock: C,
    requests: AtomicU64,
    max_subjects: usize,
    /// Number of buckets at the last cleanup.
    bucket_count: AtomicUsize,
}

impl RateLimit {
    pub(super) fn new(policy: &'static str, quota: Quota) -> Self {
        Self::with(policy, quota, MonotonicClock, MAX_SUBJECTS)
    }
}

impl<C: Clock + Clone> RateLimit<C> {
    fn with(policy: &'static str, quota: Quota, clock: C, max_subjects: usize) -> Self {
        let buckets = Plain::<C>::new(quota.refill(), DashMapStateStore::default(), clock.clone()).with_middleware();
        Self {
            policy,
            quota,
            buckets,
            clock,
            requests: AtomicU64::new(0),
            max_subjects,
            bucket_count: AtomicUsize::new(0),
        }
    }

    pub(super) fn charge(&self, subject: Subject) -> Result<LimitStatus, Exceeded> {
        self.clean_up();
        // With too many subjects, count addresses by network.
        let subject = if self.bucket_count.load(Relaxed) > self.max_subjects { subject.coarse() } else { subject };
        match self.buckets.check_key(&subject) {
            Ok(left) => Ok(self.status(left.remaining_burst_capacity())),
            Err(full) => {
                let wait = full.wait_time_from(self.clock.now());
                Err(Exceeded { status: self.status(0), wait: Duration::from_secs(whole_seconds(wait).max(1)) })
            }
        }
    }

    fn status(&self, remaining: u32) -> LimitStatus {
        let Quota { count, per } = self.quota;
        let used = count.get().saturating_sub(remaining);
        let reset = whole_seconds(per * used / count.get());
        LimitStatus { policy: self.policy, quota: count.get(), window: per.as_secs(), remaining, reset }
    }

    /// Removes full buckets, which equal new ones.
    fn clean_up(&self) {
        if !self.requests.fetch_add(1, Relaxed).is_multiple_of(CLEANUP_INTERVAL) {
            return;
        }
        self.buckets.retain_recent();
        self.buckets.shrink_to_fit();
        self.bucket_count.store(self.buckets.len(), Relaxed);
    }
}

fn whole_seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::PersonId;
    use governor::clock::FakeRelativeClock;
    use std::net::{IpAddr, Ipv4Addr};
    use uuid::Uuid;

    fn meter(count: u32, seconds: u64, most: usize) -> (RateLimit<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let quota = Quota { count: count.try_into().unwrap(), per: Duration::from_secs(seconds) };
        (RateLimit::with("pages", quota, clock.clone(), most), clock)
    }

    fn v4(n: u32) -> Subject {
        Subject::of(IpAddr::V4(Ipv4Addr::from(n)))
    }

    #[test]
    fn k_07_an_empty_bucket_rejects_and_refills_over_time() {
        let (meter, clock) = meter(6, 60, 100);
        let mia = Subject::Person(PersonId(Uuid::from_u128(1)));
        for left in (0..6).rev() {
            let status = meter.charge(mia).unwrap();
            assert_eq!((status.remaining, status.reset), (left, u64::from(6 - left) * 10));
        }
        let refused = meter.charge(mia).unwrap_err();
        assert_eq!((refused.wait, refused.status.remaining), (Duration::from_secs(10), 0));
        clock.advance(Duration::from_secs(9));
        assert_eq!(meter.charge(mia).unwrap_err().wait, Duration::from_secs(1));
        clock.advance(Duration::from_secs(1));
        meter.charge(mia).unwrap();
        meter.charge(mia).unwrap_err();
        meter.charge(v4(1)).unwrap();
    }

    #[test]
    fn k_07_a_slash_64_is_one_subject() {
        let (meter, _) = meter(1, 60, 100);
        let at = |text: &str| Subject::of(text.parse().unwrap());
        meter.charge(at("2001:db8::1")).unwrap();
        meter.charge(at("2001:db8::ffff:2")).unwrap_err();
        meter.charge(at("2001:db8:0:1::1")).unwrap();
        meter.charge(at("192.0.2.1")).unwrap();
        meter.charge(at("::ffff:192.0.2.1")).unwrap_err();
    }

    #[test]
    fn k_07_memory_is_bounded_for_any_number_of_addresses() {
        let (meter, clock) = meter(2, 60, 1_000);
        for n in 0..200_000_u32 {
            let _ = meter.charge(v4(n));
        }
        assert!(meter.buckets.len() < 1_000 + 2_100, "{}", meter.buckets.len());
        clock.advance(Duration::from_mins(10));
        for _ in 0..CLEANUP_INTERVAL {
            let _ = meter.charge(v4(7));
        }
        assert!(meter.buckets.len() <= 2, "what is full again is forgotten: {}", meter.buckets.len());
    }
}
