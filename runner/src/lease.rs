//! Lease expiry on the runner: it stops before the server gives its tasks to others, so that no task runs twice.

use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// The lease. It starts when an acknowledged message was *sent*, which is never later than the start that the server
/// uses.
#[derive(Debug, Default)]
pub struct Lease {
    length: Duration,
    confirmed: Option<Instant>,
    sequence: u64,
    sent: VecDeque<(u64, Instant)>,
}

impl Lease {
    /// Starts the lease; our greeting was sent at `sent`.
    pub fn start(&mut self, sent: Instant, length: Duration) {
        (self.length, self.confirmed) = (length, Some(sent));
        self.sent.clear();
    }

    /// Records a heartbeat and returns its sequence number.
    pub fn heartbeat(&mut self, now: Instant) -> u64 {
        self.sequence += 1;
        self.sent.push_back((self.sequence, now));
        self.sequence
    }

    /// Records the acknowledgement of this heartbeat and all before it.
    pub fn acknowledged(&mut self, sequence: u64) {
        while let Some((_, sent)) = self.sent.pop_front_if(|(number, _)| *number <= sequence) {
            self.confirmed = self.confirmed.max(Some(sent));
        }
    }

    /// Shortens the lease by the time the machine was suspended, which only the server's clock counts.
    pub fn suspended(&mut self, span: Duration) {
        // Anything sent before a suspension counts as sent at its beginning.
        let earlier = |at: Instant| at.checked_sub(span).unwrap_or(at);
        self.confirmed = self.confirmed.map(earlier);
        self.sent.iter_mut().for_each(|(_, sent)| *sent = earlier(*sent));
    }

    /// Returns when everything must be stopped: a fifth of the lease before the server reassigns it, as a margin for
    /// clocks and the kill.
    pub fn ends(&self) -> Option<Instant> {
        Some(self.confirmed? + self.length - self.length / 5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_starts_at_the_acknowledged_message_and_ends_early() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut lease = Lease::default();
        assert_eq!(lease.ends(), None);
        lease.start(start, 30 * second);
        assert_eq!(lease.ends(), Some(start + 24 * second));
        let (one, two) = (lease.heartbeat(start + 5 * second), lease.heartbeat(start + 10 * second));
        assert_eq!(lease.ends(), Some(start + 24 * second), "a sent heartbeat is not acknowledged yet");
        lease.acknowledged(two);
        lease.acknowledged(one);
        lease.acknowledged(99);
        assert_eq!(lease.ends(), Some(start + 34 * second));
    }

    #[test]
    fn a_lease_expires_while_the_machine_is_suspended() {
        let (start, second) = (Instant::now() + Duration::from_secs(1_000), Duration::from_secs(1));
        let mut lease = Lease::default();
        lease.suspended(second);
        assert_eq!(lease.ends(), None);
        lease.start(start, 30 * second);
        let asleep = lease.heartbeat(start + second);
        lease.suspended(20 * second);
        assert_eq!(lease.ends(), Some(start + 4 * second));
        lease.acknowledged(asleep);
        assert_eq!(lease.ends(), Some(start + 5 * second));
    }

    #[test]
    fn an_acknowledgement_of_a_former_stream_does_not_renew_the_lease() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut lease = Lease::default();
        let old = lease.heartbeat(start + 100 * second);
        lease.start(start, 30 * second);
        lease.acknowledged(old);
        assert_eq!(lease.ends(), Some(start + 24 * second));
    }
}
