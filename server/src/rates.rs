//! Rate limits (K-07): how often one person, one key or one address may ask, by class of route; counted by each node for
//! itself, in bounded memory.

mod class;
mod layer;
mod meter;
mod report;

pub use class::Class;
pub use layer::{Remarks, limited};
pub(crate) use layer::{charge, refusal};
pub use report::News;
pub(crate) use report::target;

use crate::config::Limits;
use domain::{KeyId, PersonId, anomalies::host_of};
use meter::{Meter, Standing};
use report::Reports;
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// How many times as much as one person an address may ask: several people share one.
const SHARED_BY: u32 = 10;

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// Somebody signed in, over all sessions.
    Person(PersonId),
    /// A program's key.
    Key(KeyId),
    /// What one subscriber has.
    Address(IpAddr),
}

impl Subject {
    /// Where a request comes from.
    pub fn of(address: IpAddr) -> Self {
        Self::Address(host_of(address))
    }

    /// The network around an address, for when there are more addresses than are remembered one by one.
    fn coarse(self) -> Self {
        match self {
            Self::Address(IpAddr::V4(v4)) => Self::Address(std::net::Ipv4Addr::from(v4.to_bits() & 0xFFFF_0000).into()),
            Self::Address(IpAddr::V6(v6)) => {
                Self::Address(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 96)).into())
            }
            known => known,
        }
    }
}

/// That a limit is reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests of the class {}; the next is served in {} s", .standing.policy, .wait.as_secs())]
pub struct Exceeded {
    /// What the limit is, for the answer's headers.
    pub standing: Standing,
    /// After so long the next request is served; whole seconds, at least one.
    pub wait: Duration,
}

/// All counters of this node.
#[derive(Debug)]
pub struct Rates {
    by_identity: BTreeMap<Class, Meter>,
    by_address: BTreeMap<Class, Meter>,
    refused: BTreeMap<Class, AtomicU64>,
    reports: Reports,
}

impl Rates {
    /// The limits as configured; a class whose rate is `off` is not counted.
    pub fn new(limits: &Limits) -> Self {
        let meters = |name: fn(Class) -> &'static str, times: fn(Class) -> u32, which: &[Class]| {
            let metered = which.iter().filter_map(|class| {
                Some((*class, Meter::new(name(*class), class.rate(limits).quota()?.times(times(*class)))))
            });
            metered.collect::<BTreeMap<_, _>>()
        };
        let known = [Class::Pages, Class::ApiReads, Class::Changes];
        Self {
            by_identity: meters(Class::as_str, |_| 1, &known),
            by_address: meters(Class::of_address, |class| if class.is_anybodys() { 1 } else { SHARED_BY }, Class::ALL),
            refused: Class::ALL.iter().map(|class| (*class, AtomicU64::new(0))).collect(),
            reports: Reports::default(),
        }
    }

    /// Counts a request of `subject`. `None` where its class is not limited.
    ///
    /// # Errors
    /// That it was one too many.
    pub fn charge(&self, class: Class, subject: Subject) -> Result<Option<Standing>, Exceeded> {
        let meters = if matches!(subject, Subject::Address(_)) { &self.by_address } else { &self.by_identity };
        let Some(meter) = meters.get(&class) else { return Ok(None) };
        let charged = meter.charge(subject);
        if charged.is_err()
            && let Some(refused) = self.refused.get(&class)
        {
            refused.fetch_add(1, Relaxed);
        }
        charged.map(Some)
    }

    /// Whether this of `subject` is worth a record now: once a minute.
    pub fn is_news(&self, news: News, subject: Subject) -> bool {
        self.reports.is_news(news, subject, std::time::Instant::now())
    }

    /// How many requests were refused so far, by class.
    pub fn refused(&self) -> impl Iterator<Item = (Class, u64)> + '_ {
        self.refused.iter().map(|(class, refused)| (*class, refused.load(Relaxed)))
    }
}
