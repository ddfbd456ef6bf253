//! Whether the machine stood still: suspended, or a virtual machine that was paused. Timers do not count that time.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Looks again and again at the clock that counts sleep and at the one that does not.
#[derive(Debug)]
pub struct Sleep {
    /// By how much the one was ahead of the other when they were last compared.
    ahead: Duration,
}

/// Between the readings of two clocks something may come in between.
const SHORT: Duration = Duration::from_millis(500);

impl Sleep {
    pub fn new() -> Self {
        Self { ahead: ahead() }
    }

    /// For how long it slept since it was last asked; `None` where it did not.
    pub fn since_last(&mut self) -> Option<Duration> {
        self.passed(ahead())
    }

    fn passed(&mut self, ahead: Duration) -> Option<Duration> {
        let slept = ahead.checked_sub(self.ahead).filter(|slept| *slept >= SHORT)?;
        self.ahead = ahead;
        Some(slept)
    }
}

fn ahead() -> Duration {
    let read = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    let awake = read(ClockId::Monotonic);
    read(ClockId::Boottime).saturating_sub(awake)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_told_once() {
        let (hour, mut sleep) = (Duration::from_hours(1), Sleep { ahead: Duration::from_secs(5) });
        assert_eq!(sleep.passed(Duration::from_secs(5)), None);
        assert_eq!(sleep.passed(Duration::from_secs(5) + SHORT / 2), None);
        assert_eq!(sleep.passed(Duration::from_secs(5) + hour), Some(hour));
        assert_eq!(sleep.passed(Duration::from_secs(5) + hour), None);
    }

    #[test]
    fn a_machine_that_is_awake_does_not_sleep() {
        assert_eq!(Sleep::new().since_last(), None);
    }
}
