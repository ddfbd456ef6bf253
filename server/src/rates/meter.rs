//! One limit: a bucket for each subject, and no more buckets than fit.
use super::{Exceeded, Subject};
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

/// So many subjects are remembered one by one; each takes about 100 bytes.
const MOST: usize = 50_000;
/// How often, in requests, it is looked whether there are too many.
const SWEEP: u64 = 1_024;

/// Where a subject stands after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The limit's name.
    pub policy: &'static str,
    /// How many requests there are in a whole bucket.
    pub quota: u32,
    /// In how many seconds an empty bucket is full again.
    pub window: u64,
    /// How many requests are left now.
    pub remaining: u32,
    /// In how many seconds all of them are back.
    pub reset: u64,
}

/// The library's limiter before it says how much is left.
type Plain<C> = RateLimiter<Subject, DashMapStateStore<Subject>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// A limit and its buckets.
#[derive(Debug)]
pub(super) struct Meter<C: Clock = MonotonicClock> {
    policy: &'static str,
    quota: Quota,
    buckets: RateLimiter<Subject, DashMapStateStore<Subject>, C, StateInformationMiddleware>,
    clock: C,
    asked: AtomicU64,
    most: usize,
    /// How many there were when it was looked last.
    found: AtomicUsize,
}

impl Meter {
    pub(super) fn new(policy: &'static str, quota: Quota) -> Self {
        Self::with(policy, quota, MonotonicClock, MOST)
    }
}

impl<C: Clock + Clone> Meter<C> {
    fn with(policy: &'static str, quota: Quota, clock: C, most: usize) -> Self {
        let buckets = Plain::<C>::new(quota.refill(), DashMapStateStore::default(), clock.clone()).with_middleware();
        Self { policy, quota, buckets, clock, asked: AtomicU64::new(0), most, found: AtomicUsize::new(0) }
    }

    pub(super) fn charge(&self, subject: Subject) -> Result<Standing, Exceeded> {
        self.sweep();
        // A flood from more addresses than fit is counted by networks, of which there are few.
        let subject = if self.found.load(Relaxed) > self.most { subject.coarse() } else { subject };
        match self.buckets.check_key(&subject) {
            Ok(left) => Ok(self.standing(left.remaining_burst_capacity())),
            Err(full) => {
                let wait = full.wait_time_from(self.clock.now());
                Err(Exceeded { standing: self.standing(0), wait: Duration::from_secs(whole_seconds(wait).max(1)) })
            }
        }
    }

    fn standing(&self, remaining: u32) -> Standing {
        let Quota { count, per } = self.quota;
        let used = count.get().saturating_sub(remaining);
        let reset = whole_seconds(per * used / count.get());
        Standing { policy: self.policy, quota: count.get(), window: per.as_secs(), remaining, reset }
    }

    /// Forgets whose bucket is full again: they are as if they had never asked.
    fn sweep(&self) {
        if !self.asked.fetch_add(1, Relaxed).is_multiple_of(SWEEP) {
            return;
        }
        self.buckets.retain_recent();
        self.buckets.shrink_to_fit();
        self.found.store(self.buckets.len(), Relaxed);
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

    fn meter(count: u32, seconds: u64, most: usize) -> (Meter<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let quota = Quota { count: count.try_into().unwrap(), per: Duration::from_secs(seconds) };
        (Meter::with("pages", quota, clock.clone(), most), clock)
    }

    fn v4(n: u32) -> Subject {
        Subject::of(IpAddr::V4(Ipv4Addr::from(n)))
    }

    #[test]
    fn k_07_a_bucket_is_emptied_refused_and_filled_again_with_time() {
        let (meter, clock) = meter(6, 60, 100);
        let mia = Subject::Person(PersonId(Uuid::from_u128(1)));
        for left in (0..6).rev() {
            let standing = meter.charge(mia).unwrap();
            assert_eq!((standing.remaining, standing.reset), (left, u64::from(6 - left) * 10));
        }
        let refused = meter.charge(mia).unwrap_err();
        assert_eq!((refused.wait, refused.standing.remaining), (Duration::from_secs(10), 0));
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
    fn k_07_memory_is_bounded_however_many_addresses_ask() {
        let (meter, clock) = meter(2, 60, 1_000);
        for n in 0..200_000_u32 {
            let _ = meter.charge(v4(n));
        }
        assert!(meter.buckets.len() < 1_000 + 2_100, "{}", meter.buckets.len());
        clock.advance(Duration::from_mins(10));
        for _ in 0..SWEEP {
            let _ = meter.charge(v4(7));
        }
        assert!(meter.buckets.len() <= 2, "what is full again is forgotten: {}", meter.buckets.len());
    }
}
