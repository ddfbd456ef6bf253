//! How often somebody may ask: a setting such as `600/m`.
use std::{num::NonZeroU32, time::Duration};

use figment::value::Value;

use super::setting::{Setting, text};

/// A limit, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// Nothing is counted.
    Off,
    /// So many in a time.
    Quota(Quota),
}

/// So many requests in a time; as many may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many.
    pub count: NonZeroU32,
    /// In how long an empty bucket is full again.
    pub per: Duration,
}

impl Rate {
    /// The limit, if there is one.
    pub const fn quota(self) -> Option<Quota> {
        match self {
            Self::Off => None,
            Self::Quota(quota) => Some(quota),
        }
    }
}

impl Quota {
    /// So many times as many.
    #[must_use]
    pub const fn times(self, factor: u32) -> Self {
        match NonZeroU32::new(factor) {
            Some(factor) => Self { count: self.count.saturating_mul(factor), per: self.per },
            None => self,
        }
    }

    /// The same as a bucket that is filled evenly.
    pub fn refill(self) -> governor::Quota {
        let each = (self.per / self.count.get()).max(Duration::from_nanos(1));
        governor::Quota::with_period(each).unwrap_or(governor::Quota::per_second(self.count)).allow_burst(self.count)
    }
}

impl Setting for Rate {
    fn allowed() -> String {
        "a whole number from 1 to 10000000 and /s, /m or /h, such as 600/m; or off".into()
    }

    fn read(value: &Value) -> Option<Self> {
        let text = text(value)?;
        if text == "off" {
            return Some(Self::Off);
        }
        let (count, unit) = text.split_once('/')?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            _ => return None,
        };
        let count = count.parse::<NonZeroU32>().ok().filter(|count| count.get() <= 10_000_000)?;
        Some(Self::Quota(Quota { count, per: Duration::from_secs(seconds) }))
    }
}
