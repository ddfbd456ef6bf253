//! Retention runs: deletion of expired data in batches, and one audit event for each run that deleted something (M-16).
use super::{ended_tasks, expired_devices, had_output, has_result, times};
use crate::{
    Error, Result, Write,
    db::{column::row_type, conn::tenant_query},
    emergency::Freeze,
    erasure::SeqRow,
};
use domain::{
    Timestamp,
    audit::Outcome,
    retention::{DELETED, Deletion, RetentionDays, RetentionKind, RetentionTimes},
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The time between the end of a run and the next one.
pub(crate) const INTERVAL: Duration = Duration::from_hours(24);

/// The output of tasks in a batch, in bytes; a batch has at least one task.
const MAX_OUTPUT_PER_BATCH: i64 = 8 << 20;

/// Audit events whose personal data a run erases, as a multiple of the batch size: the transaction of the erasure records it.
const ERASED_PER_RUN: u32 = 10;

row_type! {
    /// The state of a tenant's retention run.
    pub struct RunRow {
        pub output_days: Option<RetentionDays>,
        pub results_days: Option<RetentionDays>,
        pub anomalies_days: Option<RetentionDays>,
        pub sign_ins_days: Option<RetentionDays>,
        pub personal_data_days: Option<RetentionDays>,
        pub held_at: Option<Timestamp>,
        pub due_at: Timestamp,
        pub output_until: Timestamp,
        pub results_until: Timestamp,
        pub deleted: String,
    }
}

row_type! {
    /// A task in a batch.
    pub struct EndedTask {
        pub ended_at: Timestamp,
        pub output_bytes: i64,
    }
}

/// A batch of one kind.
#[derive(Clone, Copy, Debug)]
struct Batch {
    count: u64,
    /// Whether there may be more.
    more: bool,
}

/// Deletes up to `$3` rows whose time is before `$2`, oldest first.
macro_rules! delete_oldest {
    ($self:ident, $table:literal, $key:literal, $time:literal, $before:expr, $most:expr) => {{
        const SQL: &str = concat!(
            "delete from ",
            $table,
            " where tenant_id = $1 and (",
            $key,
            ") in (select ",
            $key,
            " from ",
            $table,
            " where tenant_id = $1 and ",
            $time,
            " < $2 order by ",
            $time,
            " limit $3)"
        );
        let count = tenant_query!($self, execute, SQL, $before, $most)?;
        Batch { count, more: count >= u64::from($most) }
    }};
}

const ENDED: &str = concat!("select t.ended_at, t.output_bytes", ended_tasks!());

impl Write {
    /// Continues the tenant's retention run, if one is due: deletes up to `most` expired rows of each kind, and records the end of the run.
    /// Returns whether there may be more. A legal hold and a freeze of the tenant end the run.
    pub async fn delete_expired_history(&mut self, most: u32) -> Result<bool> {
        // The lock keeps nodes from running the same batch. A time further ahead than the next run was set by a wrong clock.
        const LOCK: &str = "update retention_policy set due_at = due_at where tenant_id = $1 and (due_at <= $2 or due_at > $3)
            returning output_days, results_days, anomalies_days, sign_ins_days, personal_data_days, held_at, due_at, output_until,
                results_until, deleted";
        const KEEP: &str = "update retention_policy set due_at = $2, output_until = $3, results_until = $4, deleted = $5 where tenant_id = $1";
        const FROZEN: &str = "select frozen_at from audit_head where tenant_id = $1";
        let Some(mut run) = tenant_query!(self, RunRow, fetch_optional, LOCK, self.now, self.now.after(INTERVAL))?
        else {
            return Ok(false);
        };
        let is_frozen = tenant_query!(self, Freeze, fetch_one, FROZEN)?.frozen_at.is_some();
        let times = if run.held_at.is_some() || is_frozen { None } else { Some(times!(run)) };
        let mut deleted: BTreeMap<RetentionKind, Deletion> =
            serde_json::from_str(&run.deleted).map_err(|_| Error::Corrupt("retention run"))?;
        let mut more = match &times {
            Some(times) => self.delete_batch(&mut run, times, &mut deleted, most).await?,
            None => false,
        };
        if !more {
            more = self.finish_run(times.as_ref(), std::mem::take(&mut deleted), most).await?;
        }
        let due_at = if more { run.due_at } else { self.now.after(INTERVAL) };
        let deleted = serde_json::to_string(&deleted).map_err(|_| Error::Corrupt("retention run"))?;
        tenant_query!(self, execute, KEEP, due_at, run.output_until, run.results_until, deleted)?;
        Ok(more)
    }

    /// Deletes the next rows of each kind, except personal data, whose erasure ends a run.
    async fn delete_batch(
        &mut self,
        run: &mut RunRow,
        times: &RetentionTimes,
        deleted: &mut BTreeMap<RetentionKind, Deletion>,
        most: u32,
    ) -> Result<bool> {
        let mut more = self.delete_expired_sessions_and_habits(most).await?;
        for &kind in RetentionKind::ALL {
            let Some(before) = times.get(kind).map(|days| days.cutoff(self.now)) else { continue };
            let batch = match kind {
                RetentionKind::Output => self.delete_output(&mut run.output_until, before, most).await?,
                RetentionKind::Results => self.delete_results(&mut run.results_until, before, most).await?,
                RetentionKind::Anomalies => delete_oldest!(self, "anomaly", "id", "last_at", before, most),
                RetentionKind::SignIns => self.delete_sign_ins(before, most).await?,
                RetentionKind::PersonalData => continue,
            };
            more |= batch.more;
            if batch.count > 0 {
                let count = batch.count + deleted.get(&kind).map_or(0, |deletion| deletion.count);
                deleted.insert(kind, Deletion { count, before });
            }
        }
        Ok(more)
    }

    /// Deletes the output of the next tasks that ended after `until`, and moves it to the last of them.
    async fn delete_output(&mut self, until: &mut Timestamp, before: Timestamp, most: u32) -> Result<Batch> {
        const MARK: &str = concat!(
            "update task set output_deleted_at = $4, incomplete_lines = '[]'
             where tenant_id = $1 and ended_at > $2 and ended_at <= $3 and ",
            had_output!()
        );
        const DELETE: &str = "delete from task_log where tenant_id = $1 and task_id in (select t.id from task t
             where t.tenant_id = $1 and t.ended_at > $2 and t.ended_at <= $3)";
        let ended = tenant_query!(self, EndedTask, fetch_all, ENDED, *until, before, most)?;
        let mut bytes = 0_i64;
        let fits = |task: &&EndedTask| {
            bytes = bytes.saturating_add(task.output_bytes);
            bytes <= MAX_OUTPUT_PER_BATCH
        };
        let size = ended.iter().take_while(fits).count().max(1);
        let Some(last) = ended.get(size - 1) else { return Ok(Batch { count: 0, more: false }) };
        let count = tenant_query!(self, execute, MARK, *until, last.ended_at, self.now)?;
        tenant_query!(self, execute, DELETE, *until, last.ended_at)?;
        *until = last.ended_at;
        Ok(Batch { count, more: size < ended.len() || is_full(&ended, most) })
    }

    /// Deletes the endings and receipts of the next tasks that ended after `until`, and moves it to the last of them.
    async fn delete_results(&mut self, until: &mut Timestamp, before: Timestamp, most: u32) -> Result<Batch> {
        const SQL: &str = concat!(
            "update task set ending = null, receipt = null, receipt_signature = null, result_deleted_at = $4
             where tenant_id = $1 and ended_at > $2 and ended_at <= $3 and ",
            has_result!()
        );
        let ended = tenant_query!(self, EndedTask, fetch_all, ENDED, *until, before, most)?;
        let Some(last) = ended.last() else { return Ok(Batch { count: 0, more: false }) };
        let count = tenant_query!(self, execute, SQL, *until, last.ended_at, self.now)?;
        *until = last.ended_at;
        Ok(Batch { count, more: is_full(&ended, most) })
    }

    async fn delete_sign_ins(&mut self, before: Timestamp, most: u32) -> Result<Batch> {
        let all = [
            delete_oldest!(self, "account_event", "id", "created_at", before, most),
            self.delete_known_devices(before, most).await?,
            delete_oldest!(self, "known_network", "person_id, network", "last_used_at", before, most),
        ];
        Ok(Batch { count: all.iter().map(|batch| batch.count).sum(), more: all.iter().any(|batch| batch.more) })
    }

    async fn delete_known_devices(&mut self, before: Timestamp, most: u32) -> Result<Batch> {
        const SQL: &str = concat!(
            "delete from known_device where tenant_id = $1 and (person_id, token_hash) in (select d.person_id, d.token_hash",
            expired_devices!(),
            " order by d.last_used_at limit $3)"
        );
        let count = tenant_query!(self, execute, SQL, before, most)?;
        Ok(Batch { count, more: count >= u64::from(most) })
    }

    /// Erases expired personal data, and records what the run deleted. Returns whether there may be more.
    async fn finish_run(
        &mut self,
        times: Option<&RetentionTimes>,
        mut deleted: BTreeMap<RetentionKind, Deletion>,
        most: u32,
    ) -> Result<bool> {
        // The events about deletions contain no personal data. Without the exception each would cause another one.
        const ERASE: &str = "update audit set personal = null where tenant_id = $1 and seq in (select seq from audit
                where tenant_id = $1 and personal is not null and at < $2 and action <> $3 order by at limit $4)
             returning seq";
        let most = most.saturating_mul(ERASED_PER_RUN);
        let mut erased = BTreeSet::new();
        if let Some(days) = times.and_then(|times| times.get(RetentionKind::PersonalData)) {
            let before = days.cutoff(self.now);
            let rows = tenant_query!(self, SeqRow, fetch_all, ERASE, before, DELETED.to_owned(), most)?;
            erased = rows.into_iter().map(|row| row.seq).collect();
            let count = u64::try_from(erased.len()).unwrap_or(u64::MAX);
            if count > 0 {
                deleted.insert(RetentionKind::PersonalData, Deletion { count, before });
            }
        }
        if deleted.is_empty() {
            return Ok(false);
        }
        let is_full = u32::try_from(erased.len()).is_ok_and(|count| count >= most);
        let target = ("tenant", String::new());
        let entry = self.event(DELETED, target, Outcome::Done, json!({ "deleted": deleted }))?;
        self.record(if erased.is_empty() { entry } else { entry.with_erased(&erased) }).await?;
        Ok(is_full)
    }
}

fn is_full(ended: &[EndedTask], most: u32) -> bool {
    u32::try_from(ended.len()).is_ok_and(|count| count >= most)
}
