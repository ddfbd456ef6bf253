//! The audit log: appended in the transaction of the change, one chain per tenant.
use crate::{
    Conflict, Error, Read, Result, Write,
    db::{
        column::row_type,
        conn::{Conn, tenant_query},
        filter::{Arg, Page, Statement},
    },
    metrics::metrics,
    security_log::SecurityLogEntry,
};
use domain::{
    Allowed, PersonId, TenantId, Timestamp,
    audit::{Columns, Entry, Outcome, Record, Stored, Target, link, sha256},
    policy::{ReadAudit, is_allowed_while_frozen},
    security::SecurityEvent,
};

row_type! {
    /// An audit event as it is stored.
    pub struct StoredRow {
        pub seq: i64,
        pub at: Timestamp,
        pub action: String,
        pub outcome: String,
        pub person_id: Option<PersonId>,
        pub target_kind: String,
        pub target_id: String,
        pub body: String,
        pub previous: Vec<u8>,
        pub hash: Vec<u8>,
        pub personal: Option<String>,
        pub event: Option<String>,
    }
}

impl From<StoredRow> for Stored {
    fn from(row: StoredRow) -> Self {
        let target = Target { kind: row.target_kind, id: row.target_id };
        let (at, action, outcome, person) = (row.at, row.action, row.outcome, row.person_id);
        let columns = Columns { at, action, outcome, person, target, event: row.event };
        let StoredRow { seq, body, previous, hash, personal, .. } = row;
        Self { seq, body, previous, hash, personal, columns }
    }
}

/// An audit event with its position in the hash chain. Its values come from the hashed text, not from the columns beside it
/// (E17).
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// Sequence number, from 1.
    pub seq: i64,
    pub at: Timestamp,
    pub action: String,
    /// `done` or `refused`.
    pub outcome: String,
    /// The person behind the actor, if any.
    pub person_id: Option<PersonId>,
    pub target_kind: String,
    pub target_id: String,
    /// The bytes that the chain hashes: a [`domain::audit::Record`] as JSON.
    pub body: String,
    /// Hash of the previous event.
    pub previous: Vec<u8>,
    pub hash: Vec<u8>,
    /// Personal data (names and addresses), unless erased or changed.
    pub personal: Option<String>,
    /// The security event, if this is one.
    pub event: Option<SecurityEvent>,
    /// Whether the stored event is not what was written: its hash, its columns or its personal data do not match.
    pub altered: bool,
}

impl AuditRow {
    fn of(tenant: TenantId, row: StoredRow) -> Self {
        let stored = Stored::from(row);
        let altered = stored.check(tenant).is_err();
        // Without a readable text, the columns are all there is.
        let record = serde_json::from_str::<Record>(&stored.body).ok();
        let columns = record.as_ref().map_or(stored.columns, Record::columns);
        let digest = record.and_then(|record| record.personal_sha256);
        let personal = stored.personal.filter(|text| digest.is_some_and(|digest| digest == sha256(text)));
        Self {
            seq: stored.seq,
            at: columns.at,
            action: columns.action,
            outcome: columns.outcome,
            person_id: columns.person,
            target_kind: columns.target.kind,
            target_id: columns.target.id,
            body: stored.body,
            previous: stored.previous,
            hash: stored.hash,
            personal,
            event: columns.event.and_then(|event| event.parse().ok()),
            altered,
        }
    }
}

row_type! {
    /// The hashed bytes of an audit event.
    pub struct BodyRow {
        pub seq: i64,
        pub body: String,
    }
}

row_type! {
    /// The head of a hash chain.
    pub struct Head {
        /// Number of events in the chain.
        pub seq: i64,
        /// Hash of the last event.
        pub hash: [u8; 32],
    }
}

row_type! {
    /// The head of a hash chain that this transaction has locked.
    pub struct LockedHead {
        /// Sequence number of the last event.
        pub seq: i64,
        /// Hash of the last event.
        pub hash: [u8; 32],
        pub frozen_at: Option<Timestamp>,
    }
}

/// Filter for audit events.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub action: Option<String>,
    /// Only events caused by this person.
    pub person: Option<PersonId>,
    /// Only events on the target with this id.
    pub target: Option<String>,
    pub outcome: Option<Outcome>,
    /// Only this security event (K-05).
    pub event: Option<SecurityEvent>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// Number of events that one statement appends.
const EVENTS_PER_INSERT: usize = 8;

impl Write {
    /// Locks the head of the chain without appending. Rows locked afterwards are then locked in the same order by every
    /// transaction.
    pub(crate) async fn lock_audit_log(&mut self) -> Result<()> {
        tenant_query!(self, execute, "update audit_head set seq = seq where tenant_id = $1").map(drop)
    }

    /// Makes a transaction that wrote nothing wait for durability before it reports an earlier result: another node may
    /// have committed that result without waiting for the disk.
    pub(crate) async fn wait_for_durability(&mut self) -> Result<()> {
        self.lock_audit_log().await
    }

    /// Appends an event to the tenant's chain. The head row is the lock on both databases. While the tenant is frozen, most
    /// events with the outcome `done` are a conflict (K-09).
    pub(crate) async fn record(&mut self, entry: Entry) -> Result<()> {
        self.record_all(vec![entry]).await
    }

    /// Appends an event and an optional second one that follows from it.
    pub(crate) async fn record_both(&mut self, entry: Entry, then: Option<Entry>) -> Result<()> {
        self.record_all([entry].into_iter().chain(then).collect()).await
    }

    /// Appends several events in order.
    pub(crate) async fn record_all(&mut self, entries: Vec<Entry>) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        self.is_audited = true;
        self.append_all(entries).await.inspect_err(|error| metrics().count_audit_failure(error))
    }

    async fn append_all(&mut self, entries: Vec<Entry>) -> Result<()> {
        const TAKE: &str = "update audit_head set seq = seq + $2 where tenant_id = $1
            returning seq - $2 as seq, hash, frozen_at";
        let count = i64::try_from(entries.len()).map_err(|_| Error::Corrupt("audit"))?;
        let LockedHead { mut seq, mut hash, frozen_at } = tenant_query!(self, LockedHead, fetch_one, TAKE, count)?;
        let is_blocked_by_freeze =
            |entry: &Entry| entry.record.outcome == Outcome::Done && !is_allowed_while_frozen(&entry.record.action);
        if frozen_at.is_some() && entries.iter().any(is_blocked_by_freeze) {
            return Err(Error::Conflict(Conflict::TenantFrozen));
        }
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let some: Vec<_> = entries.by_ref().take(EVENTS_PER_INSERT).collect();
            (seq, hash) = self.append(some, seq, hash).await?;
        }
        Ok(())
    }

    /// Inserts events after the given head and moves the head to the last of them. Returns the new head. One round trip per
    /// batch keeps the time short that others wait for the head.
    async fn append(&mut self, entries: Vec<Entry>, mut seq: i64, mut hash: [u8; 32]) -> Result<(i64, [u8; 32])> {
        const RECORDS: &str =
            "insert into audit (tenant_id, seq, at, action, outcome, person_id, target_kind, target_id, body, previous,
            hash, personal, event) values ";
        const END: &str = "update audit_head set hash = ? where tenant_id = $1";
        let (before, after) = match &self.conn {
            Conn::Sqlite(_) => ("", "; "),
            Conn::Postgres(_) => ("with record as (", ") "),
        };
        let mut statement = Statement::new(before, vec![Arg::Uuid(self.tenant.0)]);
        statement.push_text(RECORDS);
        for (number, entry) in entries.into_iter().enumerate() {
            let (body, previous) = (entry.body(), hash);
            seq += 1;
            hash = link(self.tenant, seq, &previous, &body);
            let record = entry.record;
            let event = SecurityEvent::of(&record.action, record.outcome);
            if let Some(event) = event {
                let entry = SecurityLogEntry::of(event, &record, &self.actor);
                self.security_log.push(entry);
            }
            let person = record.person();
            statement.push(if number == 0 { "($1, ?" } else { ", ($1, ?" }, Arg::Int(seq));
            for value in [
                Arg::Int(record.at.0),
                Arg::Text(record.action),
                Arg::Text(record.outcome.as_str().to_owned()),
                Arg::MaybeUuid(person.map(|person| person.0)),
                Arg::Text(record.target.kind),
                Arg::Text(record.target.id),
                Arg::Text(body),
                Arg::Bytes(previous),
                Arg::Bytes(hash),
                Arg::MaybeText(entry.personal),
                Arg::MaybeText(event.map(|event| event.as_str().to_owned())),
            ] {
                statement.push(", ?", value);
            }
            statement.push_text(")");
        }
        statement.push_text(after);
        statement.push(END, Arg::Bytes(hash));
        statement.execute(&mut self.conn).await?;
        Ok((seq, hash))
    }

    /// Returns the head of the chain. It is durable once this transaction commits; a head that is only read can be lost if
    /// the machine fails at that moment.
    pub async fn durable_audit_head(&mut self) -> Result<Head> {
        const SQL: &str = "update audit_head set seq = seq where tenant_id = $1 returning seq, hash";
        tenant_query!(self, Head, fetch_one, SQL)
    }
}

macro_rules! columns {
    () => {
        "select seq, at, action, outcome, person_id, target_kind, target_id, body, previous, hash, personal, event from audit"
    };
}
pub(crate) use columns;

impl Read {
    /// Returns matching events, newest first, with sequence numbers below `after`.
    pub async fn audit(
        &mut self,
        _: &Allowed<ReadAudit>,
        filter: AuditFilter,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Page<AuditRow>> {
        let mut statement =
            Statement::new(concat!(columns!(), " where tenant_id = $1"), vec![Arg::Uuid(self.tenant.0)]);
        let texts = [
            (" and action = ?", filter.action),
            (" and target_id = ?", filter.target),
            (" and event = ?", filter.event.map(|event| event.as_str().to_owned())),
        ];
        for (sql, value) in texts {
            if let Some(value) = value {
                statement.push(sql, Arg::Text(value));
            }
        }
        match filter.outcome {
            None => {}
            Some(Outcome::Done) => statement.push_text(" and outcome = 'done'"), // matches nearly all rows
            Some(Outcome::Refused) => statement.push_text(" and outcome = 'refused'"),
        }
        if let Some(person) = filter.person {
            statement.push(" and person_id = ?", Arg::Uuid(person.0));
        }
        let numbers = [
            (" and at >= ?", filter.since.map(|t| t.0)),
            (" and at <= ?", filter.until.map(|t| t.0)),
            (" and seq < ?", after),
            (" order by seq desc limit ?", Some(i64::from(limit) + 1)),
        ];
        for (sql, value) in numbers {
            if let Some(value) = value {
                statement.push(sql, Arg::Int(value));
            }
        }
        let rows: Vec<StoredRow> = statement.fetch(&mut self.conn).await?;
        let rows = self.shown(rows);
        Ok(Page::cut(rows, limit, |row| row.seq.to_string()))
    }

    /// Returns one event by its sequence number.
    pub async fn audit_record(&mut self, _: &Allowed<ReadAudit>, seq: i64) -> Result<AuditRow> {
        const SQL: &str = concat!(columns!(), " where tenant_id = $1 and seq = $2");
        Ok(AuditRow::of(self.tenant, tenant_query!(self, StoredRow, fetch_one, SQL, seq)?))
    }

    /// Returns one event as it is stored, if it exists.
    pub(crate) async fn stored_event(&mut self, seq: i64) -> Result<Option<Stored>> {
        const SQL: &str = concat!(columns!(), " where tenant_id = $1 and seq = $2");
        Ok(tenant_query!(self, StoredRow, fetch_optional, SQL, seq)?.map(Stored::from))
    }

    fn shown(&self, rows: Vec<StoredRow>) -> Vec<AuditRow> {
        rows.into_iter().map(|row| AuditRow::of(self.tenant, row)).collect()
    }

    /// Returns the events of a task that the actor sees, oldest first, at most 200.
    pub async fn task_history(&mut self, task: domain::TaskId) -> Result<Vec<AuditRow>> {
        const SQL: &str = concat!(columns!(), " where tenant_id = $1 and target_id = $2 order by seq limit 200");
        self.progress(task).await?;
        let rows = tenant_query!(self, StoredRow, fetch_all, SQL, task.to_string())?;
        let mut rows = self.shown(rows);
        rows.retain(|row| row.target_id == task.to_string());
        Ok(rows)
    }

    /// Returns the head of the chain.
    pub async fn audit_head(&mut self) -> Result<Head> {
        tenant_query!(self, Head, fetch_one, "select seq, hash from audit_head where tenant_id = $1")
    }

    /// Returns events after `after` as they are stored, oldest first, for verification.
    pub async fn audit_from(&mut self, _: &Allowed<ReadAudit>, after: i64, limit: u32) -> Result<Vec<Stored>> {
        const SQL: &str = concat!(columns!(), " where tenant_id = $1 and seq > $2 order by seq limit $3");
        let rows = tenant_query!(self, StoredRow, fetch_all, SQL, after, limit)?;
        Ok(rows.into_iter().map(Stored::from).collect())
    }
}
