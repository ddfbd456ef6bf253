//! Outage detection for PostgreSQL: while the database is unreachable, requests fail after two seconds instead of a pool timeout.
use crate::{Result, error::away};
use std::{future::pending, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};

/// For so long it is waited for, as it takes a PostgreSQL to start again after one of its processes died.
const PATIENCE: Duration = Duration::from_secs(2);

/// Knows since when there is no contact, told by whoever listens all the time.
#[derive(Clone)]
pub(crate) struct Contact(watch::Sender<Option<Instant>>);

impl Contact {
    /// There is contact.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// It has broken off.
    pub(crate) fn lost(&self) {
        self.0.send_replace(Some(Instant::now()));
    }

    /// It is there again.
    pub(crate) fn found(&self) {
        self.0.send_replace(None);
    }

    /// What reaching the database comes to, unless that takes a while and there has been no contact for as long. Whoever
    /// listens may also be the only one who is not let in.
    pub(crate) async fn or_away<T>(&self, reach: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T> {
        tokio::select! {
            biased;
            reached = reach => Ok(reached?),
            () = self.missed() => Err(away()),
        }
    }

    /// Returns once there has been none for a while.
    async fn missed(&self) {
        sleep(PATIENCE).await;
        let mut since = self.0.subscribe();
        loop {
            let lost = since.wait_for(Option::is_some).await.map(|lost| *lost);
            let Ok(Some(lost)) = lost else { return pending().await };
            let found = since.wait_for(Option::is_none);
            if timeout_at(lost + PATIENCE, found).await.is_err() {
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
    async fn d_12_nobody_waits_for_long_while_the_database_is_away() {
        const MOMENT: Duration = Duration::from_millis(200);
        let contact = Contact::new();
        let in_vain = || contact.or_away(pending::<Result<(), sqlx::Error>>());
        assert!(timeout(PATIENCE + MOMENT, in_vain()).await.is_err(), "there is contact: what is busy is waited for");
        contact.lost();
        assert!(timeout(PATIENCE / 2, in_vain()).await.is_err(), "it may come back");
        assert!(timeout(PATIENCE + MOMENT, in_vain()).await.unwrap().is_err());
        let slowly = contact.or_away(async {
            sleep(MOMENT).await;
            Ok(())
        });
        slowly.await.expect("what is reached all the same is good");
        contact.found();
        assert!(timeout(PATIENCE + MOMENT, in_vain()).await.is_err());
    }
}
