//! Rate limits (K-07) per person, API key and address, by request class. Each node counts separately, in bounded memory.

mod class;
mod layer;
mod meter;
mod recent_reports;
mod report;
pub(crate) mod subject;

pub use class::Class;
pub use layer::{AddedHeaders, limited};
pub(crate) use layer::{charge, refusal};
pub use meter::Exceeded;
pub use recent_reports::ReportKind;
pub(crate) use report::target;
pub use subject::Subject;

use crate::config::Limits;
use meter::{LimitStatus, RateLimit};
use recent_reports::RecentReports;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// Factor between the limits of an address and a person, because several people can share an address.
const ADDRESS_FACTOR: u32 = 10;

/// Factor between the limits of an IPv6 /48 network and of a /64 network, which counts as an address.
const SITE_FACTOR: u32 = 4;

/// Rate limits of this node.
#[derive(Debug)]
pub struct Rates {
    by_identity: BTreeMap<Class, RateLimit>,
    by_address: BTreeMap<Class, RateLimit>,
    by_site: BTreeMap<Class, RateLimit>,
    refused: BTreeMap<Class, AtomicU64>,
    reports: RecentReports,
}

impl Rates {
    /// Creates the configured limits; a class with the rate `off` is not limited.
    pub fn new(limits: &Limits) -> Self {
        let meters = |name: fn(Class) -> &'static str, times: fn(Class) -> u32, which: &[Class]| {
            let metered = which.iter().filter_map(|class| {
                Some((*class, RateLimit::new(name(*class), class.rate(limits).quota()?.times(times(*class)))))
            });
            metered.collect::<BTreeMap<_, _>>()
        };
        let known = [Class::Pages, Class::ApiReads, Class::Changes];
        let per_address: fn(Class) -> u32 = |class| if class.is_anonymous() { 1 } else { ADDRESS_FACTOR };
        let per_site: fn(Class) -> u32 = |class| if class.is_anonymous() { 1 } else { ADDRESS_FACTOR } * SITE_FACTOR;
        Self {
            by_identity: meters(Class::as_str, |_| 1, &known),
            by_address: meters(Class::address_policy, per_address, Class::ALL),
            by_site: meters(Class::site_policy, per_site, Class::ALL),
            refused: Class::ALL.iter().map(|class| (*class, AtomicU64::new(0))).collect(),
            reports: RecentReports::default(),
        }
    }

    /// Counts a request of `subject`. Returns `None` if its class is not limited.
    ///
    /// # Errors
    /// Fails if the limit is exceeded.
    pub fn charge(&self, class: Class, subject: Subject) -> Result<Option<LimitStatus>, Exceeded> {
        let meters = match subject {
            Subject::Address(_) => &self.by_address,
            Subject::Site(_) => &self.by_site,
            Subject::Person(_) | Subject::Key(_) => &self.by_identity,
        };
        let Some(meter) = meters.get(&class) else { return Ok(None) };
        let charged = meter.charge(subject);
        if charged.is_err()
            && let Some(refused) = self.refused.get(&class)
        {
            refused.fetch_add(1, Relaxed);
        }
        charged.map(Some)
    }

    /// Returns whether the event should be audited now, which is once a minute per subject.
    pub fn is_report_due(&self, kind: ReportKind, subject: Subject) -> bool {
        self.reports.is_report_due(kind, subject, std::time::Instant::now())
    }

    /// Returns the number of rejected requests by class.
    pub fn refused(&self) -> impl Iterator<Item = (Class, u64)> + '_ {
        self.refused.iter().map(|(class, refused)| (*class, refused.load(Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k_07_a_slash_48_network_has_four_times_the_limit_of_a_slash_64_network() {
        let variables = [("CASTELLAN_LIMITS_SIGN_IN".to_owned(), "2/h".to_owned())];
        let rates = Rates::new(&crate::config::load_from(None, variables.into_iter()).unwrap().limits);
        let from = |site: u16, subnet: u16| {
            let address = format!("2001:db8:{site:x}:{subnet:x}::1").parse().unwrap();
            let subjects = [Some(Subject::of(address)), Subject::site_of(address)];
            subjects.into_iter().flatten().all(|subject| rates.charge(Class::SignIn, subject).is_ok())
        };
        assert!(from(1, 0) && from(1, 0) && !from(1, 0), "the limit of a /64 network");
        assert_eq!((1..100).filter(|subnet| from(1, *subnet)).count(), 6, "eight in the /48 network");
        assert!(from(2, 0), "another /48 network");
        assert_eq!(Subject::site_of("192.0.2.1".parse().unwrap()), None);
    }
}
