//! Suspend detection: a suspended machine or a paused virtual machine, whose time timers do not count.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// A comparison of the clock that counts suspension with the one that does not.
#[derive(Debug)]
pub struct Sleep {
    /// The difference of the clocks at the last comparison.
    offset: Duration,
}

/// The minimum suspension: the clocks are not read at the same instant.
const MIN_SUSPENSION: Duration = Duration::from_millis(500);

impl Sleep {
    pub fn new() -> Self {
        Self { offset: offset() }
    }

    /// Returns how long the machine was suspended since the last call, if it was.
    pub fn since_last(&mut self) -> Option<Duration> {
        self.passed(offset())
    }

    fn passed(&mut self, offset: Duration) -> Option<Duration> {
        let slept = offset.checked_sub(self.offset).filter(|slept| *slept >= MIN_SUSPENSION)?;
        self.offset = offset;
        Some(slept)
    }
}

fn offset() -> Duration {
    let read = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    let awake = read(ClockId::Monotonic);
    read(ClockId::Boottime).saturating_sub(awake)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suspension_is_reported_once() {
        let (hour, mut sleep) = (Duration::from_hours(1), Sleep { offset: Duration::from_secs(5) });
        assert_eq!(sleep.passed(Duration::from_secs(5)), None);
        assert_eq!(sleep.passed(Duration::from_secs(5) + MIN_SUSPENSION / 2), None);
        assert_eq!(sleep.passed(Duration::from_secs(5) + hour), Some(hour));
        assert_eq!(sleep.passed(Duration::from_secs(5) + hour), None);
    }

    #[test]
    fn a_running_machine_reports_no_suspension() {
        assert_eq!(Sleep::new().since_last(), None);
    }
}
