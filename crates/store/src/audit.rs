//! The audit log: appended in the transaction of the change, one chain per tenant.
use crate::{
    Conflict, Error, Read, Result, Write,
    db::{
        column::row_type,
        conn::{Conn, tenant_query},
        filter::{Arg, Page, Statement},
    },
    security_log::SecurityLogEntry,
};
use domain::{
    Allowed, PersonId, Timestamp,
    audit::{Entry, Outcome, Stored, link},
    policy::{ReadAudit, is_allowed_while_frozen},
    security::SecurityEvent,
};

row_type! {
    /// A record with its place in the chain.
    pub struct AuditRow {
        /// Its number, from 1.
        pub seq: i64,
        pub at: Timestamp,
        pub action: String,
        /// `done` or `refused`.
        pub outcome: String,
        /// The person behind it, if there was one.
        pub person_id: Option<PersonId>,
        /// What kind of thing it was done to.
        pub target_kind: String,
        pub target_id: String,
        /// The bytes that the chain holds: a [`domain::audit::Record`] as JSON.
        pub body: String,
        /// The hash of the record before.
        pub previous: Vec<u8>,
        pub hash: Vec<u8>,
        /// Names and addresses, unless erased.
        pub personal: Option<String>,
        /// Which security event it is, if it is one.
        pub event: Option<SecurityEvent>,
    }
}

impl From<AuditRow> for Stored {
    fn from(row: AuditRow) -> Self {
        Self { seq: row.seq, body: row.body, previous: row.previous, hash: row.hash, personal: row.personal }
    }
}

row_type! {
    /// The end of a chain.
    pub struct Head {
        /// How many records there are.
        pub seq: i64,
        /// The hash of the last.
        pub hash: [u8; 32],
    }
}

row_type! {
    /// The end of a chain that this transaction has locked.
    pub struct Locked {
        /// The number of the last record.
        pub seq: i64,
        /// The hash of the last.
        pub hash: [u8; 32],
        /// Since when the tenant is frozen, if it is.
        pub frozen_at: Option<Timestamp>,
    }
}

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub action: Option<String>,
    /// Only what this person did.
    pub person: Option<PersonId>,
    /// Only what was done to the thing with this id.
    pub target: Option<String>,
    /// Only what came out so.
    pub outcome: Option<Outcome>,
    /// Only this security event (K-05).
    pub event: Option<SecurityEvent>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// So many records are appended by one word to the database.
const AT_ONCE: usize = 8;

impl Write {
    /// Takes the chain's head without appending yet: what is locked after it is locked in the same order by everybody.
    pub(crate) async fn hold_log(&mut self) -> Result<()> {
        tenant_query!(self, execute, "update audit_head set seq = seq where tenant_id = $1").map(drop)
    }

    /// Before it is told that something was done earlier: another node may have committed it without a wait. A transaction
    /// that wrote nothing would not wait for the disk either.
    pub(crate) async fn wait_for_the_disk(&mut self) -> Result<()> {
        self.hold_log().await
    }

    /// Appends to the tenant's chain. The head row is the lock, on both databases. While the tenant is frozen most of what
    /// would be recorded as done is a conflict (K-09).
    pub(crate) async fn record(&mut self, entry: Entry) -> Result<()> {
        self.record_all(vec![entry]).await
    }

    /// The same with one that may follow from it.
    pub(crate) async fn record_both(&mut self, entry: Entry, then: Option<Entry>) -> Result<()> {
        self.record_all([entry].into_iter().chain(then).collect()).await
    }

    /// The same for several, one after the other.
    pub(crate) async fn record_all(&mut self, entries: Vec<Entry>) -> Result<()> {
        const TAKE: &str = "update audit_head set seq = seq + $2 where tenant_id = $1
            returning seq - $2 as seq, hash, frozen_at";
        if entries.is_empty() {
            return Ok(());
        }
        let count = i64::try_from(entries.len()).map_err(|_| Error::Corrupt("audit"))?;
        let Locked { mut seq, mut hash, frozen_at } = tenant_query!(self, Locked, fetch_one, TAKE, count)?;
        let is_held_up =
            |entry: &Entry| entry.record.outcome == Outcome::Done && !is_allowed_while_frozen(&entry.record.action);
        if frozen_at.is_some() && entries.iter().any(is_held_up) {
            return Err(Error::Conflict(Conflict::TenantFrozen));
        }
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let some: Vec<_> = entries.by_ref().take(AT_ONCE).collect();
            (seq, hash) = self.append(some, seq, hash).await?;
        }
        Ok(())
    }

    /// Puts records behind another, and has the chain end with the last of them: whoever waits for that end waits for each
    /// word to the database. Where it ends.
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
            statement.push(if number == 0 { "($1, ?" } else { ", ($1, ?" }, Arg::Int(seq));
            for value in [
                Arg::Int(record.at.0),
                Arg::Text(record.action),
                Arg::Text(record.outcome.as_str().to_owned()),
                Arg::MaybeUuid(self.actor.person().map(|person| person.0)),
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

    /// How long the chain is, and the hash of its last record; both are on the disk once this is committed. What is only read
    /// may be lost yet, if the machine dies at that moment.
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

impl Read {
    /// Records that match, newest first, `after` being the last number seen.
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
            Some(Outcome::Done) => statement.push_text(" and outcome = 'done'"), // nearly all are
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
        let rows: Vec<AuditRow> = statement.fetch(&mut self.conn).await?;
        Ok(Page::cut(rows, limit, |row| row.seq.to_string()))
    }

    /// One record.
    pub async fn audit_record(&mut self, _: &Allowed<ReadAudit>, seq: i64) -> Result<AuditRow> {
        tenant_query!(self, AuditRow, fetch_one, concat!(columns!(), " where tenant_id = $1 and seq = $2"), seq)
    }

    /// What happened to a task that the actor sees, oldest first; at most 200 records.
    pub async fn task_history(&mut self, task: domain::TaskId) -> Result<Vec<AuditRow>> {
        self.progress(task).await?;
        tenant_query!(
            self,
            AuditRow,
            fetch_all,
            concat!(columns!(), " where tenant_id = $1 and target_id = $2 order by seq limit 200"),
            task.to_string()
        )
    }

    /// How long the chain is, and the hash of its last record.
    pub async fn audit_head(&mut self) -> Result<Head> {
        tenant_query!(self, Head, fetch_one, "select seq, hash from audit_head where tenant_id = $1")
    }

    /// Records from `after` on, oldest first, for verification and export.
    pub async fn audit_from(&mut self, _: &Allowed<ReadAudit>, after: i64, limit: u32) -> Result<Vec<AuditRow>> {
        tenant_query!(
            self,
            AuditRow,
            fetch_all,
            concat!(columns!(), " where tenant_id = $1 and seq > $2 order by seq limit $3"),
            after,
            limit
        )
    }
}
