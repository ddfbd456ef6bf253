//! Throttling of sign-in failures: counted per account and network, per network, and per account, in the database for all
//! nodes.
use crate::{
    Result, System,
    db::{column::row_type, conn::unscoped_query},
};
use domain::Timestamp;
use std::time::Duration;

row_type! {
    /// Consecutive failures of one subject.
    pub struct Failures {
        pub failures: i64,
        pub last_at: Timestamp,
    }
}

/// Number of failures without a delay.
const FREE_FAILURES: i64 = 5;
/// Failures are forgotten after this time without another.
const FAILURE_RETENTION: Duration = Duration::from_hours(1);

impl System<'_> {
    /// Returns when the subject may try again, if it must wait. Each failure beyond the fifth doubles the delay, up to 15
    /// minutes.
    pub async fn throttled(&self, subject: [u8; 32]) -> Result<Option<Timestamp>> {
        self.throttled_after(subject, FREE_FAILURES).await
    }

    /// Returns the same with another number of failures without a delay.
    pub async fn throttled_after(&self, subject: [u8; 32], free: i64) -> Result<Option<Timestamp>> {
        let mut conn = self.read().await?;
        let found = unscoped_query!(
            conn,
            Failures,
            fetch_optional,
            "select failures, last_at from throttle where subject = $1",
            subject
        )?;
        Ok(found.map(|seen| seen.last_at.after(wait(seen.failures, free))).filter(|until| *until > self.now()))
    }

    /// Returns whether any failure is counted.
    pub async fn has_failed(&self, subject: [u8; 32]) -> Result<bool> {
        let mut conn = self.read().await?;
        const SQL: &str = "select failures, last_at from throttle where subject = $1";
        Ok(unscoped_query!(conn, Failures, fetch_optional, SQL, subject)?.is_some())
    }

    pub async fn note_failure(&self, subject: [u8; 32]) -> Result<()> {
        let (mut conn, now) = (self.write().await?, self.now());
        unscoped_query!(
            conn,
            execute,
            "insert into throttle (subject, failures, last_at) values ($1, 1, $2) on conflict (subject) do update
             set failures = case when throttle.last_at < $3 then 1 else throttle.failures + 1 end, last_at = $2",
            subject,
            now,
            now.before(FAILURE_RETENTION)
        )?;
        unscoped_query!(conn, execute, "delete from throttle where last_at < $1", now.before(FAILURE_RETENTION))?;
        conn.commit().await
    }

    /// Resets the count after a success.
    pub async fn forget_failures(&self, subject: [u8; 32]) -> Result<()> {
        let mut conn = self.write().await?;
        unscoped_query!(conn, execute, "delete from throttle where subject = $1", subject)?;
        conn.commit().await
    }
}

fn wait(failures: i64, free: i64) -> Duration {
    let doublings = u32::try_from(failures - free).unwrap_or(0).min(10);
    if failures < free { Duration::ZERO } else { Duration::from_secs(1 << doublings).min(Duration::from_mins(15)) }
}
