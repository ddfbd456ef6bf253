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
        ACTIVE_HOURS_WINDOW, Facts, MIN_UNUSUAL_TASKS, TASK_VOLUME_WINDOW_HOURS, is_unusual_volume, unusual_hour,
    },
};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);
/// From [`MIN_UNUSUAL_TASKS`] on, every so many tasks are held against the hours before.
const EVERY: i64 = 10;

row_type! {
    /// An hour in which a key submitted something.
    pub struct Active {
        /// Hours since the epoch.
        pub hour: i64,
    }
}

row_type! {
    /// What a key did in the last 30 days.
    pub struct Busiest {
        /// How many tasks in its busiest hour.
        pub most: i64,
        /// On how many days it submitted something.
        pub days: i64,
    }
}

impl Write {
    /// Counts a task that the actor's key submits, and tells when that many, or at that time, are unusual for it. Comes last in a
    /// transaction: the counter's row is held for no longer than the log's head.
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
            n if n >= MIN_UNUSUAL_TASKS && n % EVERY == 0 => self.hold_against_hours(key, hour, n).await,
            _ => Ok(()),
        }
    }

    async fn hold_against_weeks(&mut self, key: KeyId, hour: i64) -> Result<()> {
        let since = hour - ACTIVE_HOURS_WINDOW;
        const OLD: &str = "delete from key_hour where tenant_id = $1 and key_id = $2 and hour < $3";
        tenant_query!(self, execute, OLD, key, since)?;
        const SQL: &str = "select hour from key_hour where tenant_id = $1 and key_id = $2 and hour < $3";
        let before: Vec<_> =
            tenant_query!(self, Active, fetch_all, SQL, key, hour)?.iter().map(|row| row.hour).collect();
        match unusual_hour(hour, &before) {
            Some(facts) => self.tell_of_key(key, facts).await,
            None => Ok(()),
        }
    }

    async fn hold_against_hours(&mut self, key: KeyId, hour: i64, tasks: i64) -> Result<()> {
        let Busiest { most, days } = tenant_query!(
            self,
            Busiest,
            fetch_one,
            "select coalesce(max(tasks), 0) as most, count(distinct hour / 24) as days from key_hour
             where tenant_id = $1 and key_id = $2 and hour >= $3 and hour < $4",
            key,
            hour - TASK_VOLUME_WINDOW_HOURS,
            hour
        )?;
        match is_unusual_volume(tasks, most, days) {
            true => self.tell_of_key(key, Facts::TaskVolume { tasks, most, days }).await,
            false => Ok(()),
        }
    }

    async fn tell_of_key(&mut self, key: KeyId, facts: Facts) -> Result<()> {
        let keeper = self.keeper(key).await?;
        self.found_of_key(key, &keeper, facts).await
    }
}
