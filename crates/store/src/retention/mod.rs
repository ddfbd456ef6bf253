//! A tenant's retention times and legal hold, and the numbers of rows that are expired (M-16).
mod run;
pub(crate) use run::INTERVAL;

use crate::{
    Conflict, Error, Read, Result, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
    },
};
use domain::{
    Allowed, Timestamp,
    policy::{LiftLegalHold, ReadAudit, SetLegalHold, SetRetention},
    retention::{DELETED, RetentionDays, RetentionKind, RetentionTimes},
};
use serde_json::json;
use std::collections::BTreeMap;

/// The highest number of expired rows of a kind that is counted.
pub const MAX_EXPIRED: i64 = 10_000;

/// A tenant's retention settings.
#[derive(Clone, Debug)]
pub struct Retention {
    pub times: RetentionTimes,
    /// The legal hold, during which nothing is deleted.
    pub hold: Option<LegalHold>,
}

#[derive(Clone, Debug)]
pub struct LegalHold {
    pub at: Timestamp,
    /// The name of the admin who set it; `None` for the console.
    pub by: Option<String>,
    pub reason: String,
}

/// A bounded number of expired tasks, rows or audit events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired {
    pub count: i64,
    /// Whether there are, or may be, more.
    pub more: bool,
}

row_type! {
    pub struct RetentionRow {
        pub output_days: Option<RetentionDays>,
        pub results_days: Option<RetentionDays>,
        pub anomalies_days: Option<RetentionDays>,
        pub sign_ins_days: Option<RetentionDays>,
        pub personal_data_days: Option<RetentionDays>,
        pub held_at: Option<Timestamp>,
        pub held_by: Option<String>,
        pub hold_reason: Option<String>,
        pub output_until: Timestamp,
        pub results_until: Timestamp,
    }
}

/// Returns the retention times in the columns of a row.
macro_rules! times {
    ($row:expr) => {
        [
            (RetentionKind::Output, $row.output_days),
            (RetentionKind::Results, $row.results_days),
            (RetentionKind::Anomalies, $row.anomalies_days),
            (RetentionKind::SignIns, $row.sign_ins_days),
            (RetentionKind::PersonalData, $row.personal_data_days),
        ]
        .into_iter()
        .collect::<RetentionTimes>()
    };
}
use times;

row_type! {
    /// A number of tasks, and how many were examined for it.
    pub struct TaskCount {
        pub n: i64,
        pub examined: i64,
    }
}

/// Tasks that ended after `$2` and before `$3`, oldest first.
macro_rules! ended_tasks {
    () => {
        " from task t where t.tenant_id = $1 and t.ended_at > $2 and t.ended_at < $3 order by t.ended_at limit $4"
    };
}
use ended_tasks;

/// Whether a task had output.
macro_rules! had_output {
    () => {
        "(next_line > 1 or attempt > 1)"
    };
}
use had_output;

/// Whether a task has a result.
macro_rules! has_result {
    () => {
        "(ending is not null or receipt is not null)"
    };
}
use has_result;

/// The known browsers not used since `$2`, except the last one of each person: without any, the next sign-in would not be reported, as if
/// it were the person's first.
macro_rules! expired_devices {
    () => {
        " from known_device d where d.tenant_id = $1 and d.last_used_at < $2
            and exists (select 1 from known_device newer where newer.tenant_id = $1 and newer.person_id = d.person_id
                and (newer.last_used_at, newer.token_hash) > (d.last_used_at, d.token_hash))"
    };
}
use expired_devices;

macro_rules! count_tasks {
    ($counts:expr) => {
        concat!(
            "select coalesce(sum(case when counts then 1 else 0 end), 0) as n, count(*) as examined from (select ",
            $counts,
            " as counts",
            ended_tasks!(),
            ") examined"
        )
    };
}

macro_rules! count_rows {
    ($table:literal, $expired:literal) => {
        concat!(
            "select count(*) as n from (select 1 from ",
            $table,
            " where tenant_id = $1 and ",
            $expired,
            " < $2 limit $3) expired"
        )
    };
}

impl Read {
    /// Returns the retention settings.
    pub async fn retention(&mut self, _: &Allowed<ReadAudit>) -> Result<Retention> {
        let row = self.retention_row().await?;
        let hold = row.held_at.zip(row.hold_reason.clone());
        let hold = hold.map(|(at, reason)| LegalHold { at, by: row.held_by.clone(), reason });
        Ok(Retention { times: times!(row), hold })
    }

    /// Counts the data that is expired now under these times, of each kind that has one. The counts end at [`MAX_EXPIRED`].
    pub async fn expired(
        &mut self,
        _: &Allowed<ReadAudit>,
        times: &RetentionTimes,
    ) -> Result<BTreeMap<RetentionKind, Expired>> {
        const LOGS: &str = count_tasks!(had_output!());
        const RESULTS: &str = count_tasks!(has_result!());
        const ANOMALIES: &str = count_rows!("anomaly", "last_at");
        const EVENTS: &str = count_rows!("account_event", "created_at");
        const DEVICES: &str = concat!("select count(*) as n from (select 1", expired_devices!(), " limit $3) expired");
        const NETWORKS: &str = count_rows!("known_network", "last_used_at");
        // The events about deletions contain no personal data.
        const PERSONAL: &str =
            "select count(*) as n from (select 1 from audit where tenant_id = $1 and personal is not null
            and at < $2 and action <> $4 limit $3) expired";
        let (now, limit) = (self.store.now(), MAX_EXPIRED + 1);
        let done = self.retention_row().await?;
        let mut all = BTreeMap::new();
        for &kind in RetentionKind::ALL {
            let Some(before) = times.get(kind).map(|days| days.cutoff(now)) else { continue };
            let tasks = |TaskCount { n, examined }| (n, examined > MAX_EXPIRED);
            let rows = |Number { n }| (n, n > MAX_EXPIRED);
            let (count, more) = match kind {
                RetentionKind::Output => {
                    tasks(tenant_query!(self, TaskCount, fetch_one, LOGS, done.output_until, before, limit)?)
                }
                RetentionKind::Results => {
                    tasks(tenant_query!(self, TaskCount, fetch_one, RESULTS, done.results_until, before, limit)?)
                }
                RetentionKind::Anomalies => rows(tenant_query!(self, Number, fetch_one, ANOMALIES, before, limit)?),
                RetentionKind::SignIns => {
                    let events = tenant_query!(self, Number, fetch_one, EVENTS, before, limit)?;
                    let devices = tenant_query!(self, Number, fetch_one, DEVICES, before, limit)?;
                    let networks = tenant_query!(self, Number, fetch_one, NETWORKS, before, limit)?;
                    rows(Number { n: events.n + devices.n + networks.n })
                }
                RetentionKind::PersonalData => {
                    rows(tenant_query!(self, Number, fetch_one, PERSONAL, before, limit, DELETED.to_owned())?)
                }
            };
            all.insert(kind, Expired { count: count.min(MAX_EXPIRED), more });
        }
        Ok(all)
    }

    async fn retention_row(&mut self) -> Result<RetentionRow> {
        const SQL: &str =
            "select r.output_days, r.results_days, r.anomalies_days, r.sign_ins_days, r.personal_data_days, r.held_at,
                p.name as held_by, r.hold_reason, r.output_until, r.results_until
            from retention_policy r left join person p on p.tenant_id = r.tenant_id and p.id = r.held_by
            where r.tenant_id = $1";
        tenant_query!(self, RetentionRow, fetch_one, SQL)
    }
}

row_type! {
    pub struct FormerTimes {
        pub output_days: Option<RetentionDays>,
        pub results_days: Option<RetentionDays>,
        pub anomalies_days: Option<RetentionDays>,
        pub sign_ins_days: Option<RetentionDays>,
        pub personal_data_days: Option<RetentionDays>,
    }
}

impl Write {
    /// Sets the retention times. The next run begins within the hour.
    pub async fn set_retention(&mut self, proof: Allowed<SetRetention>) -> Result<()> {
        const FORMER: &str = "update retention_policy set due_at = 0 where tenant_id = $1
            returning output_days, results_days, anomalies_days, sign_ins_days, personal_data_days";
        const SET: &str =
            "update retention_policy set output_days = $2, results_days = $3, anomalies_days = $4, sign_ins_days = $5,
            personal_data_days = $6 where tenant_id = $1";
        let former = tenant_query!(self, FormerTimes, fetch_one, FORMER)?;
        let times = &proof.action().times;
        let [output, results, anomalies, sign_ins, personal_data] = [
            RetentionKind::Output,
            RetentionKind::Results,
            RetentionKind::Anomalies,
            RetentionKind::SignIns,
            RetentionKind::PersonalData,
        ]
        .map(|kind| times.get(kind));
        tenant_query!(self, execute, SET, output, results, anomalies, sign_ins, personal_data)?;
        let entry = self.entry(&proof)?.with_detail("former_days", json!(times!(former)));
        self.record(entry).await
    }

    /// Stops the deletion of expired data.
    pub async fn set_legal_hold(&mut self, proof: Allowed<SetLegalHold>) -> Result<()> {
        const SQL: &str = "update retention_policy set held_at = $2, held_by = $3, hold_reason = $4
            where tenant_id = $1 and held_at is null";
        let (by, reason) = (self.actor.person(), proof.action().reason.clone());
        if tenant_query!(self, execute, SQL, self.now, by, reason)? == 0 {
            return Err(Error::Conflict(Conflict::LegalHoldExists));
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await
    }

    /// Lets the deletion of expired data continue within the hour.
    pub async fn lift_legal_hold(&mut self, proof: Allowed<LiftLegalHold>) -> Result<()> {
        const SQL: &str = "update retention_policy set held_at = null, held_by = null, hold_reason = null, due_at = 0
            where tenant_id = $1 and held_at is not null";
        if tenant_query!(self, execute, SQL)? == 0 {
            return Err(Error::Conflict(Conflict::NoLegalHold));
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await
    }
}
