//! Usage of the quotas (K-07): counters for each person and day, so that nothing is counted by reading tasks or output.
use crate::{
    Error, Limited, Quota, QuotaExceeded, Read, Result, Write,
    db::{column::row_type, conn::tenant_query, insert::insert},
};
use domain::{Invalid, PersonId, TaskId, Timestamp};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);
/// Distances from the tenant's quota within which its writers take turns: more than what can be written at the same time.
const NEAR_BYTES: i64 = 64 << 20;
const NEAR_TASKS: i64 = 100;

row_type! {
    /// What was used of a quota on a day.
    pub struct Usage {
        pub tasks: i64,
        pub bytes: i64,
    }
}

/// Returns the number of the day since the epoch, in UTC.
fn day(at: Timestamp) -> i64 {
    at.seconds().div_euclid(24 * 3_600)
}

const OF_TENANT: &str =
    "select cast(coalesce(sum(tasks), 0) as bigint) as tasks, cast(coalesce(sum(bytes), 0) as bigint) as bytes
    from daily_usage where tenant_id = $1 and day = $2";

impl Read {
    /// Returns what the actor's person has used today.
    pub async fn usage_today(&mut self, now: Timestamp) -> Result<Usage> {
        const SQL: &str = "select tasks, bytes from daily_usage where tenant_id = $1 and day = $2 and person_id = $3";
        let person = self.viewer();
        let usage = tenant_query!(self, Usage, fetch_optional, SQL, day(now), person)?;
        Ok(usage.unwrap_or(Usage { tasks: 0, bytes: 0 }))
    }

    /// Returns what the tenant has used today, for admins and auditors.
    pub async fn tenant_usage_today(&mut self, now: Timestamp) -> Result<Option<Usage>> {
        if !self.actor.can_read_everything() {
            return Ok(None);
        }
        tenant_query!(self, Usage, fetch_one, OF_TENANT, day(now)).map(Some)
    }
}

impl Write {
    /// Returns what of the tenant's quota is exceeded, and its limit.
    async fn tenant_exceeded(&mut self) -> Result<Option<(Limited, i64)>> {
        let quota = self.store.quotas().tenant;
        if quota == Quota::default() {
            return Ok(None);
        }
        let mut total = tenant_query!(self, Usage, fetch_one, OF_TENANT, day(self.now))?;
        let near = (total.tasks.saturating_add(NEAR_TASKS), total.bytes.saturating_add(NEAR_BYTES));
        if quota.exceeded(total.tasks, total.bytes).is_none() && quota.exceeded(near.0, near.1).is_some() {
            // The total lacks what others are writing, so near the quota writers take the lock of the tenant.
            const HEAD: &str = "update audit_head set seq = seq where tenant_id = $1";
            tenant_query!(self, execute, HEAD)?;
            total = tenant_query!(self, Usage, fetch_one, OF_TENANT, day(self.now))?;
        }
        Ok(quota.exceeded(total.tasks, total.bytes))
    }

    /// Counts a submitted task with the bytes of its script and request.
    ///
    /// # Errors
    /// [`Error::Quota`] if a quota of the person or the tenant is exceeded; the transaction must then be rolled back.
    pub(crate) async fn charge_submission(&mut self, owner: PersonId, bytes: usize) -> Result<()> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let usage = insert!(self, Usage, fetch_one, "daily_usage" {
            day: day(self.now),
            person_id: owner,
            tasks: 1_i64,
            bytes: bytes,
        },
            "on conflict (tenant_id, day, person_id) do update set tasks = daily_usage.tasks + 1, bytes = daily_usage.bytes + excluded.bytes
             returning tasks, bytes"
        )?;
        let of_person = self.store.quotas().person.exceeded(usage.tasks, usage.bytes);
        let exceeded = match of_person {
            Some((limited, limit)) => Some((limited, false, limit)),
            None => self.tenant_exceeded().await?.map(|(limited, limit)| (limited, true, limit)),
        };
        match exceeded {
            None => Ok(()),
            Some((limited, of_tenant, limit)) => {
                let tomorrow = Timestamp(0).after(DAY * u32::try_from(day(self.now) + 1).unwrap_or(0));
                let wait = tomorrow.since(self.now);
                Err(Error::Quota(QuotaExceeded { limited, of_tenant, limit, wait }))
            }
        }
    }

    /// Counts output for the owner of a task, before it is stored.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the output exceeds the quota of stored bytes.
    pub(crate) async fn charge_output(&mut self, task: TaskId, bytes: usize) -> Result<()> {
        const SQL: &str = "insert into daily_usage (tenant_id, day, person_id, tasks, bytes)
             select tenant_id, $2, owner_id, 0, $4 from task where tenant_id = $1 and id = $3
             on conflict (tenant_id, day, person_id) do update set bytes = daily_usage.bytes + excluded.bytes
             returning tasks, bytes";
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let usage = tenant_query!(self, Usage, fetch_one, SQL, day(self.now), task, bytes)?;
        let of_person = self.store.quotas().person.bytes.is_some_and(|limit| usage.bytes > limit);
        if !of_person && !matches!(self.tenant_exceeded().await?, Some((Limited::Bytes, _))) {
            return Ok(());
        }
        // The caller ends the task in this transaction.
        const BACK: &str = "update daily_usage set bytes = bytes - $4 where tenant_id = $1 and day = $2
             and person_id = (select owner_id from task where tenant_id = $1 and id = $3)";
        tenant_query!(self, execute, BACK, day(self.now), task, bytes)?;
        Err(Invalid::new("output", "exceeds the quota of stored bytes for today").into())
    }
}
