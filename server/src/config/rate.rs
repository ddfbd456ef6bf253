//! Rate limit settings such as `600/m`.
use super::setting::{Setting, text};
use figment::value::Value;
use std::{num::NonZeroU32, time::Duration};

/// Rate limit, or no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    Off,
    Quota(Quota),
}

/// Number of requests per period; bursts of the same size are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    pub count: NonZeroU32,
    /// Time in which an empty bucket refills completely.
    pub per: Duration,
}

impl Rate {
    pub const fn quota(self) -> Option<Quota> {
        match self {
            Self::Off => None,
            Self::Quota(quota) => Some(quota),
        }
    }
}

impl Quota {
    /// Returns the quota with its count multiplied by `factor`.
    #[must_use]
    pub const fn times(self, factor: u32) -> Self {
        match NonZeroU32::new(factor) {
            Some(factor) => Self { count: self.count.saturating_mul(factor), per: self.per },
            None => self,
        }
    }

    /// Returns the equivalent token bucket, which refills evenly.
    pub fn refill(self) -> governor::Quota {
        let each = (self.per / self.count.get()).max(Duration::from_nanos(1));
        governor::Quota::with_period(each).unwrap_or(governor::Quota::per_second(self.count)).allow_burst(self.count)
    }
}

impl Setting for Rate {
    fn allowed() -> String {
        "a whole number from 1 to 10000000 followed by /s, /m or /h, such as 600/m; or off".into()
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
