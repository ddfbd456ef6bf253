//! Anomalies (N-06): their list, their review, and one row for each kind, subject and span of time.
mod arrivals;
mod failures;
mod habits;
mod keys;
mod networks;
mod retention;

use crate::{
    Conflict, Error, Read, Result, Topic, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
        filter::{Arg, Page, Statement},
        id::new_id,
        insert::insert,
    },
};
use domain::{
    Allowed, EventId, KeyId, PersonId, Timestamp,
    anomalies::{AnomalyKind, Facts},
    audit::Outcome,
    policy::{ReadAudit, ReviewAnomaly},
};
use serde_json::json;
use std::time::Duration;

pub use arrivals::Arrival;

row_type! {
    /// Something unusual.
    pub struct AnomalyRow {
        pub id: EventId,
        pub kind: AnomalyKind,
        /// Whose account or key it is about, if it is about one.
        pub person_id: Option<PersonId>,
        pub person: Option<String>,
        /// The key that it is about.
        pub key_id: Option<KeyId>,
        pub key_name: Option<String>,
        pub key_prefix: Option<String>,
        /// How often it happened, or how many there were.
        pub times: i64,
        /// Where from, the last time.
        pub address: String,
        pub network: String,
        pub facts: Facts,
        pub first_at: Timestamp,
        pub last_at: Timestamp,
        /// When an admin said that they have looked at it.
        pub reviewed_at: Option<Timestamp>,
        pub reviewed_by: Option<String>,
    }
}

/// What to look for.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnomalyFilter {
    pub kind: Option<AnomalyKind>,
    /// Only what is about this person or their keys.
    pub person: Option<PersonId>,
    /// Only what nobody has looked at.
    pub new: bool,
}

/// Something unusual that was found.
pub(crate) struct Found {
    pub facts: Facts,
    /// A person, a key or a network.
    pub subject: String,
    /// How long it is one and the same.
    pub span: Duration,
    pub person: Option<PersonId>,
    pub told: Option<PersonId>,
    pub key: Option<KeyId>,
    /// How many there are; one more than before, without.
    pub times: Option<i64>,
}

/// A day, in which most things are told once.
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// How many are waiting is counted so far only.
const MOST_COUNTED: i64 = 1_000;

macro_rules! columns {
    () => {
        "select u.id, u.kind, u.person_id, p.name as person, u.key_id, k.name as key_name, k.prefix as key_prefix, u.times,
            u.address, u.network, u.facts, u.first_at, u.last_at, u.reviewed_at, l.name as reviewed_by
         from anomaly u left join person p on p.tenant_id = u.tenant_id and p.id = u.person_id
         left join api_key k on k.tenant_id = u.tenant_id and k.id = u.key_id
         left join person l on l.tenant_id = u.tenant_id and l.id = u.reviewed_by
         where u.tenant_id = $1"
    };
}

impl Read {
    /// What was unusual in the tenant, the newest first, `after` being the last that was seen.
    pub async fn anomalies(
        &mut self,
        _: &Allowed<ReadAudit>,
        filter: AnomalyFilter,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Page<AnomalyRow>> {
        let mut statement = Statement::new(columns!(), vec![Arg::Uuid(self.tenant.0)]);
        if let Some(kind) = filter.kind {
            statement.push(" and u.kind = ?", Arg::Text(kind.as_str().to_owned()));
        }
        if let Some(person) = filter.person {
            statement.push(" and u.person_id = ?", Arg::Uuid(person.0));
        }
        if filter.new {
            statement.push_text(" and u.reviewed_at is null");
        }
        if let Some(after) = after {
            statement.push(" and u.id < ?", Arg::Uuid(after.0));
        }
        statement.push(" order by u.id desc limit ?", Arg::Int(i64::from(limit) + 1));
        let rows: Vec<AnomalyRow> = statement.fetch(&mut self.conn).await?;
        Ok(Page::cut(rows, limit, |row| row.id.to_string()))
    }

    /// How many of them nobody has looked at, up to a thousand; none for those who do not read everything.
    pub async fn unreviewed_anomalies(&mut self) -> Result<i64> {
        if !self.actor.can_read_everything() {
            return Ok(0);
        }
        const SQL: &str = "select count(*) as n from
             (select id from anomaly where tenant_id = $1 and reviewed_at is null order by id desc limit $2) as waiting";
        Ok(tenant_query!(self, Number, fetch_one, SQL, MOST_COUNTED)?.n)
    }

    /// What was unusual about the actor's own account and keys, and those of service accounts that they answer for.
    pub async fn own_anomalies(&mut self, limit: u32) -> Result<Vec<AnomalyRow>> {
        let person = self.viewer();
        tenant_query!(
            self,
            AnomalyRow,
            fetch_all,
            concat!(columns!(), " and u.notify_id = $2 order by u.id desc limit $3"),
            person,
            limit
        )
    }
}

row_type! {
    /// When somebody looked at something.
    pub struct LookedAt {
        /// When, if anybody did.
        pub reviewed_at: Option<Timestamp>,
    }
}

row_type! {
    /// What a report said so far.
    pub struct Reported {
        pub id: EventId,
        pub times: i64,
    }
}

impl Write {
    /// Notes that an admin has looked at something as it was when they saw it. Somebody else having done so is a conflict, and
    /// so is that it has detected again since: that waits to be looked at.
    pub async fn review_anomaly(&mut self, proof: Allowed<ReviewAnomaly>) -> Result<()> {
        let &ReviewAnomaly { id, seen } = proof.action();
        let by = self.actor.person();
        // The log's head before the row, as in `found`: in the other order the two would wait for each other.
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        let looked = tenant_query!(
            self,
            execute,
            "update anomaly set reviewed_at = $3, reviewed_by = $4
             where tenant_id = $1 and id = $2 and reviewed_at is null and last_at <= $5",
            id,
            self.now,
            by,
            seen
        )?;
        if looked == 0 {
            const SQL: &str = "select reviewed_at from anomaly where tenant_id = $1 and id = $2";
            return Err(match tenant_query!(self, LookedAt, fetch_one, SQL, id)?.reviewed_at {
                Some(_) => Error::Conflict(Conflict::AnomalyReviewed),
                None => Error::Conflict(Conflict::AnomalyRepeated),
            });
        }
        self.publish(Topic::People, id.0);
        Ok(())
    }

    /// Puts something on the list, or says that it goes on: within its span it is one entry, which waits to be looked at again.
    /// Says whether it is a new one.
    pub(crate) async fn found(&mut self, found: Found) -> Result<bool> {
        let Found { facts, subject, span, person, told, key, times } = found;
        let id = EventId(new_id());
        let (address, network) = self.whereabouts();
        let (kind, span) = (facts.kind(), self.span(span));
        // Before the row, for some have the log's head already when they come here (a task that is submitted, a password that
        // is wrong): one order for all, or two would wait for each other.
        self.hold_log().await?;
        // $15 is the number of times where it was counted; otherwise each report adds one.
        let reported = insert!(self, Reported, fetch_one, "anomaly" {
            id: id,
            kind: kind,
            subject: subject,
            span: span,
            person_id: person,
            notify_id: told,
            key_id: key,
            times: times.unwrap_or(1),
            address: address,
            network: network,
            facts: facts,
            first_at: self.now,
            last_at: self.now,
        },
            "on conflict (tenant_id, kind, subject, span) do update set times = coalesce($15, anomaly.times + 1),
                address = excluded.address, network = excluded.network, facts = excluded.facts, last_at = excluded.last_at,
                reviewed_at = null, reviewed_by = null
             returning id, times",
            times
        )?;
        let detail = json!({ "kind": kind, "times": reported.times });
        self.note("anomaly.detect", ("anomaly", reported.id.to_string()), Outcome::Done, detail).await?;
        self.publish(Topic::People, told.map_or(reported.id.0, |person| person.0));
        Ok(reported.id == id)
    }

    /// The same for what is counted: told again only when it has doubled.
    pub(crate) async fn found_many(&mut self, found: Found, times: i64) -> Result<bool> {
        const SQL: &str =
            "select id, times from anomaly where tenant_id = $1 and kind = $2 and subject = $3 and span = $4";
        let (kind, subject, span) = (found.facts.kind(), found.subject.clone(), self.span(found.span));
        match tenant_query!(self, Reported, fetch_optional, SQL, kind, subject, span)? {
            Some(before) if times < before.times.saturating_mul(2) => Ok(false),
            _ => self.found(Found { times: Some(times), ..found }).await,
        }
    }

    /// Where the actor is, and the network of that; nothing where it is on the machine.
    pub(crate) fn whereabouts(&self) -> (String, String) {
        let address = self.actor.address.clone().unwrap_or_default();
        let network = address.parse().map(domain::anomalies::network_of).unwrap_or_default();
        (address, network)
    }

    /// The number of the span of time in which this transaction takes place.
    pub(crate) fn span(&self, length: Duration) -> i64 {
        self.now.0.div_euclid(i64::try_from(length.as_micros()).unwrap_or(i64::MAX))
    }
}
