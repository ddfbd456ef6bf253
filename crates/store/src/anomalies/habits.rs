//! Key usage anomalies: tasks submitted per hour, compared with the hours before.
use crate::{
    Result, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
    },
};
use domain::{
    KeyId,
    anomalies::{
        ACTIVE_HOURS_WINDOW, AnomalyDetails, MIN_UNUSUAL_TASKS, TASK_VOLUME_WINDOW_HOURS, is_unusual_volume,
        unusual_hour,
    },
};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);
/// From [`MIN_UNUSUAL_TASKS`] on, the count is compared with earlier hours after every this many tasks.
const CHECK_INTERVAL: i64 = 10;

row_type! {
    /// An hour in which a key submitted tasks.
    pub struct ActiveHour {
        pub hour: i64,
    }
}

row_type! {
    /// Task counts of a key in the last 30 days.
    pub struct UsageSummary {
        /// Number of tasks in the busiest hour.
        pub most: i64,
        /// Number of days with tasks.
        pub days: i64,
    }
}

impl Write {
    /// Counts a task submitted with the actor's key and reports an unusual number or hour. It runs last in a transaction,
    /// so that the counter's row is locked no longer than the audit log.
    pub(crate) async fn count_task(&mut self) -> Result<()> {
        let Some(key) = self.actor.key() else { return Ok(()) };
        let hour = self.span(HOUR);
        let tasks = tenant_query!(
            self,
            Number,
            fetch_one,
            "insert into key_hour (tenant_id, key_id, hour, tasks) values ($1, $2, $3, 1)
             on conflict (tenant_id, key_id, hour) do update set tasks = key_hour.tasks + 1 returning tasks as n",
            key,
            hour
        )?;
        match tasks.n {
            1 => self.hold_against_weeks(key, hour).await,
            n if n >= MIN_UNUSUAL_TASKS && n % CHECK_INTERVAL == 0 => self.hold_against_hours(key, hour, n).await,
            _ => Ok(()),
        }
    }

    async fn hold_against_weeks(&mut self, key: KeyId, hour: i64) -> Result<()> {
        let since = hour - ACTIVE_HOURS_WINDOW;
        const OLD: &str = "delete from key_hour where tenant_id = $1 and key_id = $2 and hour < $3";
        tenant_query!(self, execute, OLD, key, since)?;
        const SQL: &str = "select hour from key_hour where tenant_id = $1 and key_id = $2 and hour < $3";
        let before: Vec<_> =
            tenant_query!(self, ActiveHour, fetch_all, SQL, key, hour)?.iter().map(|row| row.hour).collect();
        match unusual_hour(hour, &before) {
            Some(facts) => self.tell_of_key(key, facts).await,
            None => Ok(()),
        }
    }

    async fn hold_against_hours(&mut self, key: KeyId, hour: i64, tasks: i64) -> Result<()> {
        let UsageSummary { most, days } = tenant_query!(
            self,
            UsageSummary,
            fetch_one,
            "select coalesce(max(tasks), 0) as most, count(distinct hour / 24) as days from key_hour
             where tenant_id = $1 and key_id = $2 and hour >= $3 and hour < $4",
            key,
            hour - TASK_VOLUME_WINDOW_HOURS,
            hour
        )?;
        match is_unusual_volume(tasks, most, days) {
            true => self.tell_of_key(key, AnomalyDetails::TaskVolume { tasks, most, days }).await,
            false => Ok(()),
        }
    }

    async fn tell_of_key(&mut self, key: KeyId, facts: AnomalyDetails) -> Result<()> {
        let profile = self.profile(key).await?;
        self.report_key_anomaly(key, &profile, facts).await
    }
}
