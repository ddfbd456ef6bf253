//! Anomalies (N-06): their list, their review, and one row for each kind, subject and span of time.
mod arrivals;
mod expiry;
mod failures;
mod habits;
mod keys;
mod networks;

use crate::{
    Conflict, Error, Read, Result, Topic, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
        filter::{Arg, Page, Statement},
        id::new_id,
        insert::insert,
    },
    metrics::Occurrence,
};
use domain::{
    Allowed, EventId, KeyId, PersonId, Timestamp,
    anomalies::{AnomalyDetails, AnomalyKind},
    audit::Outcome,
    notification::Notification,
    policy::{ReadAudit, ReviewAnomaly},
};
use serde_json::json;
use std::time::Duration;

pub use arrivals::Arrival;

row_type! {
    pub struct AnomalyRow {
        pub id: EventId,
        pub kind: AnomalyKind,
        /// The person that the anomaly is about, if any.
        pub person_id: Option<PersonId>,
        pub person: Option<String>,
        /// The key that the anomaly is about, if any.
        pub key_id: Option<KeyId>,
        pub key_name: Option<String>,
        pub key_prefix: Option<String>,
        /// Number of occurrences.
        pub times: i64,
        /// Address of the last occurrence.
        pub address: String,
        pub network: String,
        pub facts: AnomalyDetails,
        pub first_at: Timestamp,
        pub last_at: Timestamp,
        pub reviewed_at: Option<Timestamp>,
        pub reviewed_by: Option<String>,
    }
}

/// Filter for anomalies.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnomalyFilter {
    pub kind: Option<AnomalyKind>,
    /// Only anomalies of this person or their keys.
    pub person: Option<PersonId>,
    /// Only anomalies that nobody has reviewed.
    pub new: bool,
}

/// A detected anomaly.
pub(crate) struct Detection {
    pub facts: AnomalyDetails,
    /// Id of a person or key, or a network.
    pub subject: String,
    /// Occurrences within one interval of this length are one anomaly.
    pub span: Duration,
    pub person: Option<PersonId>,
    pub notified: Option<PersonId>,
    pub key: Option<KeyId>,
    /// Absolute number of occurrences; without it, each report adds one.
    pub times: Option<i64>,
}

/// The interval of most anomalies.
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// Maximum of the count of unreviewed anomalies.
const MAX_COUNTED: i64 = 1_000;

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
    /// Returns anomalies, newest first, with ids below `after`.
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

    /// Returns the number of unreviewed anomalies, up to a thousand; zero for actors who cannot read everything.
    pub async fn unreviewed_anomalies(&mut self) -> Result<i64> {
        if !self.actor.can_read_everything() {
            return Ok(0);
        }
        const SQL: &str = "select count(*) as n from
             (select id from anomaly where tenant_id = $1 and reviewed_at is null order by id desc limit $2) as waiting";
        Ok(tenant_query!(self, Number, fetch_one, SQL, MAX_COUNTED)?.n)
    }

    /// Returns the anomalies of the actor's own account and keys, and of service accounts that they are responsible for.
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
    pub struct AnomalyReview {
        pub reviewed_at: Option<Timestamp>,
    }
}

row_type! {
    /// The stored anomaly after a report.
    pub struct Reported {
        pub id: EventId,
        pub times: i64,
    }
}

impl Write {
    /// Marks an anomaly as reviewed, as of `seen`. It is a conflict if another admin reviewed it before, or if it occurred
    /// again since `seen`.
    pub async fn review_anomaly(&mut self, proof: Allowed<ReviewAnomaly>) -> Result<()> {
        let &ReviewAnomaly { id, seen } = proof.action();
        let by = self.actor.person();
        // The audit log is locked before the row, as in `report_anomaly`; the other order could deadlock.
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
            return Err(match tenant_query!(self, AnomalyReview, fetch_one, SQL, id)?.reviewed_at {
                Some(_) => Error::Conflict(Conflict::AnomalyReviewed),
                None => Error::Conflict(Conflict::AnomalyRepeated),
            });
        }
        self.publish(Topic::People, id.0);
        Ok(())
    }

    /// Records an anomaly. Within its interval it is one row, which becomes unreviewed again. Returns whether the row is
    /// new.
    pub(crate) async fn report_anomaly(&mut self, found: Detection) -> Result<bool> {
        let Detection { facts, subject, span, person, notified, key, times } = found;
        let id = EventId(new_id());
        let (address, network) = self.address_and_network();
        let (kind, span) = (facts.kind(), self.span(span));
        // Some callers have locked the audit log already (a submission, a wrong password). Everyone locks it before the
        // row; another order could deadlock.
        self.lock_audit_log().await?;
        // $15 is the absolute number of occurrences, if given; otherwise each report adds one.
        let reported = insert!(self, Reported, fetch_one, "anomaly" {
            id: id,
            kind: kind,
            subject: subject,
            span: span,
            person_id: person,
            notify_id: notified,
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
        self.count(Occurrence::Anomaly(kind));
        self.publish(Topic::People, notified.map_or(reported.id.0, |person| person.0));
        // A silent runner has its own notification.
        if reported.id == id && kind != AnomalyKind::RunnerSilent {
            self.notify(Notification::AnomalyDetected, id.0);
        }
        Ok(reported.id == id)
    }

    /// Records an anomaly with a running total; repeated only when the total has doubled.
    pub(crate) async fn report_running_total(&mut self, found: Detection, times: i64) -> Result<bool> {
        const SQL: &str =
            "select id, times from anomaly where tenant_id = $1 and kind = $2 and subject = $3 and span = $4";
        let (kind, subject, span) = (found.facts.kind(), found.subject.clone(), self.span(found.span));
        match tenant_query!(self, Reported, fetch_optional, SQL, kind, subject, span)? {
            Some(before) if times < before.times.saturating_mul(2) => Ok(false),
            _ => self.report_anomaly(Detection { times: Some(times), ..found }).await,
        }
    }

    /// Returns the actor's address and its network; both are empty for local actors.
    pub(crate) fn address_and_network(&self) -> (String, String) {
        let address = self.actor.address.clone().unwrap_or_default();
        let network = address.parse().map(domain::anomalies::network_of).unwrap_or_default();
        (address, network)
    }

    /// Returns the number of the interval of this length that the transaction falls in.
    pub(crate) fn span(&self, length: Duration) -> i64 {
        self.now.0.div_euclid(i64::try_from(length.as_micros()).unwrap_or(i64::MAX))
    }
}
