//! Outage detection for PostgreSQL: while the database is unreachable, requests fail after two seconds instead of a pool timeout.
use crate::{Result, error::unavailable};
use std::{future::pending, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};

/// How long an outage may last before requests fail: PostgreSQL restarts within it after a crash of one process.
const MAX_OUTAGE: Duration = Duration::from_secs(2);

/// Detects outages from the state of the LISTEN connection.
#[derive(Clone)]
pub(crate) struct OutageDetector(watch::Sender<Option<Instant>>);

impl OutageDetector {
    /// Starts in the connected state.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Marks the start of an outage.
    pub(crate) fn lost(&self) {
        self.0.send_replace(Some(Instant::now()));
    }

    /// Marks the end of an outage.
    pub(crate) fn recovered(&self) {
        self.0.send_replace(None);
    }

    /// Awaits a connection, or fails when an outage has lasted for two seconds. A connection that succeeds all the same wins: only
    /// the LISTEN connection may be affected.
    pub(crate) async fn or_unavailable<T>(&self, reach: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T> {
        tokio::select! {
            biased;
            reached = reach => Ok(reached?),
            () = self.outage() => Err(unavailable()),
        }
    }

    /// Returns once an outage has lasted for two seconds.
    async fn outage(&self) {
        sleep(MAX_OUTAGE).await;
        let mut since = self.0.subscribe();
        loop {
            let lost = since.wait_for(Option::is_some).await.map(|lost| *lost);
            let Ok(Some(lost)) = lost else { return pending().await };
            let found = since.wait_for(Option::is_none);
            if timeout_at(lost + MAX_OUTAGE, found).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    #[tokio::test]
    async fn d_12_requests_fail_after_two_seconds_of_an_outage() {
        const MOMENT: Duration = Duration::from_millis(200);
        let detector = OutageDetector::new();
        let unreachable = || detector.or_unavailable(pending::<Result<(), sqlx::Error>>());
        assert!(
            timeout(MAX_OUTAGE + MOMENT, unreachable()).await.is_err(),
            "without an outage a request waits as long as it takes"
        );
        detector.lost();
        assert!(timeout(MAX_OUTAGE / 2, unreachable()).await.is_err(), "a short outage is tolerated");
        assert!(timeout(MAX_OUTAGE + MOMENT, unreachable()).await.unwrap().is_err());
        let slow = detector.or_unavailable(async {
            sleep(MOMENT).await;
            Ok(())
        });
        slow.await.expect("a connection that succeeds during the outage is used");
        detector.recovered();
        assert!(timeout(MAX_OUTAGE + MOMENT, unreachable()).await.is_err());
    }
}
