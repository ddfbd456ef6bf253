//! Percentiles of repeated measurements.
use std::time::Duration;

/// Measured times, sorted.
#[derive(Clone, Debug, Default)]
pub struct Spread(Vec<Duration>);

impl FromIterator<Duration> for Spread {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }
}

impl Spread {
    /// Returns a percentile in milliseconds; 0 without measurements.
    pub fn percentile(&self, hundredths: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * hundredths / 100).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    }
}

/// Returns the mean of a measurement before and one after.
pub fn between(before: f64, after: f64) -> f64 {
    f64::midpoint(before, after)
}

/// Returns the rate per second.
pub fn rate(count: usize, took: Duration) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from) / took.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_values() {
        let spread: Spread = (1..=101).rev().map(Duration::from_millis).collect();
        assert_eq!([0, 50, 95, 100].map(|of| spread.percentile(of)), [1.0, 51.0, 96.0, 101.0]);
        assert!(Spread::default().percentile(99).abs() < f64::EPSILON);
    }

    #[test]
    fn a_rate_is_per_second() {
        assert!((rate(10, Duration::from_millis(500)) - 20.0).abs() < 1e-9);
    }
}
