//! How long this runner may go on without the server: the other half of fencing, so that nothing runs twice at once.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// Counts from the moment something was *sent* that the server then acknowledged: that is never later than the moment from
/// which the server counts.
#[derive(Debug, Default)]
pub struct Lease {
    length: Duration,
    confirmed: Option<Instant>,
    sequence: u64,
    sent: VecDeque<(u64, Instant)>,
}

impl Lease {
    /// The server greeted us; our own greeting was sent at `sent`.
    pub fn welcomed(&mut self, sent: Instant, length: Duration) {
        (self.length, self.confirmed) = (length, Some(sent));
        self.sent.clear();
    }

    /// A heartbeat goes out: its number.
    pub fn beat(&mut self, now: Instant) -> u64 {
        self.sequence += 1;
        self.sent.push_back((self.sequence, now));
        self.sequence
    }

    /// The server has heard the heartbeat with this number, and so all before it.
    pub fn heard(&mut self, sequence: u64) {
        while let Some((_, sent)) = self.sent.pop_front_if(|(number, _)| *number <= sequence) {
            self.confirmed = self.confirmed.max(Some(sent));
        }
    }

    /// The machine stood still for so long, which its clock does not count and the server's does.
    pub fn slept(&mut self, span: Duration) {
        // What was sent before a sleep that is longer than the clock's time was sent at its beginning.
        let earlier = |at: Instant| at.checked_sub(span).unwrap_or(at);
        self.confirmed = self.confirmed.map(earlier);
        self.sent.iter_mut().for_each(|(_, sent)| *sent = earlier(*sent));
    }

    /// When everything must be stopped: a fifth of the lease before the server gives it to others, for clocks and
    /// for the kill itself.
    pub fn ends(&self) -> Option<Instant> {
        Some(self.confirmed? + self.length - self.length / 5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_counts_from_what_was_sent_and_is_given_up_early() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut lease = Lease::default();
        assert_eq!(lease.ends(), None);
        lease.welcomed(start, 30 * second);
        assert_eq!(lease.ends(), Some(start + 24 * second));
        let (one, two) = (lease.beat(start + 5 * second), lease.beat(start + 10 * second));
        assert_eq!(lease.ends(), Some(start + 24 * second), "sent is not heard");
        lease.heard(two);
        lease.heard(one);
        lease.heard(99);
        assert_eq!(lease.ends(), Some(start + 34 * second));
    }

    #[test]
    fn a_lease_goes_on_to_end_while_the_machine_sleeps() {
        let (start, second) = (Instant::now() + Duration::from_secs(1_000), Duration::from_secs(1));
        let mut lease = Lease::default();
        lease.slept(second);
        assert_eq!(lease.ends(), None);
        lease.welcomed(start, 30 * second);
        let asleep = lease.beat(start + second);
        lease.slept(20 * second);
        assert_eq!(lease.ends(), Some(start + 4 * second));
        lease.heard(asleep);
        assert_eq!(lease.ends(), Some(start + 5 * second));
    }

    #[test]
    fn an_acknowledgement_from_a_former_stream_renews_nothing() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut lease = Lease::default();
        let old = lease.beat(start + 100 * second);
        lease.welcomed(start, 30 * second);
        lease.heard(old);
        assert_eq!(lease.ends(), Some(start + 24 * second));
    }
}
