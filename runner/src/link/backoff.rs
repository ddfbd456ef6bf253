//! Exponential backoff with jitter for connecting.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// The backoff.
#[derive(Debug)]
pub struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Backoff {
    /// Returns the wait: between half and all of the step, so that many runners do not reconnect at the same time.
    pub fn next(&mut self) -> Duration {
        let step = self.0;
        self.0 = (step * 2).min(LONGEST);
        let mut random = [0_u8; 1];
        let _ = getrandom::fill(&mut random); // without randomness there is no jitter, which is harmless
        step / 2 + step * u32::from(random[0]) / 510
    }

    /// Continues with the maximum wait.
    pub fn slow(&mut self) {
        self.0 = LONGEST;
    }

    /// Starts again with the shortest wait.
    pub fn reset(&mut self) {
        self.0 = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backoff_grows_to_five_seconds_and_resets() {
        let mut backoff = Backoff::default();
        for step in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            let wait = backoff.next().as_millis();
            assert!((step / 2..=step).contains(&wait), "{wait} of {step}");
        }
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
