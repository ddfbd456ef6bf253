//! Snapshots and transactions of one actor in one tenant.
use crate::{
    Error, Event, Result, Store, Topic,
    db::{conn::Conn, events, random::random, row_access::RowAccess},
    dual_control::ConfirmedChange,
    metrics::{DatabaseStep, Occurrence, metrics},
    security_log::SecurityLogEntry,
    tasks::TitlePrefixes,
};
use domain::{
    Action, Actor, Allowed, Denied, TenantId, Timestamp,
    audit::{Entry, Outcome},
    notification::Notification,
};
use std::time::Instant;
use uuid::Uuid;

/// A read-only snapshot of one tenant for one actor.
#[derive(Debug)]
pub struct Read {
    pub(crate) tenant: TenantId,
    pub(crate) actor: Actor,
    pub(crate) conn: Conn,
    pub(crate) store: Store,
    /// The last search text and its search terms.
    pub(crate) title_prefixes: Option<(String, Option<TitlePrefixes>)>,
}

/// A transaction of one actor in one tenant, rolled back unless [`Write::commit`] is called.
#[derive(Debug)]
pub struct Write {
    pub(crate) tenant: TenantId,
    pub(crate) actor: Actor,
    pub(crate) conn: Conn,
    pub(crate) now: Timestamp,
    pub(crate) store: Store,
    /// Security events among its audit events, logged after the commit.
    pub(crate) security_log: Vec<SecurityLogEntry>,
    events: Vec<Event>,
    /// Occurrences that count after the commit.
    occurrences: Vec<Occurrence>,
    /// Whether it appended audit events.
    pub(crate) is_audited: bool,
    /// Events to notify people and webhooks of, written before the commit.
    pub(crate) notifications: Vec<(Notification, Uuid)>,
    /// The change that it applies because the actor confirms it.
    pub(crate) confirmed: Option<ConfirmedChange>,
}

impl Store {
    /// Opens a snapshot of the actor's tenant.
    pub async fn read(&self, actor: &Actor) -> Result<Read> {
        let conn = self.begin_read(RowAccess::Tenant(actor.tenant)).await?;
        Ok(Read { tenant: actor.tenant, actor: actor.clone(), conn, store: self.clone(), title_prefixes: None })
    }

    /// Opens a snapshot for a single query, which on SQLite is a snapshot by itself: a further query can see later changes.
    pub async fn read_once(&self, actor: &Actor) -> Result<Read> {
        let conn = self.begin_single_read(RowAccess::Tenant(actor.tenant)).await?;
        Ok(Read { tenant: actor.tenant, actor: actor.clone(), conn, store: self.clone(), title_prefixes: None })
    }

    /// Opens a transaction in the actor's tenant.
    pub async fn write(&self, actor: &Actor) -> Result<Write> {
        Ok(self.writing(self.begin_write(RowAccess::Tenant(actor.tenant)).await?, actor))
    }

    /// Opens a snapshot for methods of [`Write`] that only read. It cannot be committed with changes.
    pub async fn snapshot(&self, actor: &Actor) -> Result<Write> {
        Ok(self.writing(self.begin_read(RowAccess::Tenant(actor.tenant)).await?, actor))
    }

    /// Wraps an open transaction.
    pub(crate) fn writing(&self, conn: Conn, actor: &Actor) -> Write {
        let (tenant, now) = (actor.tenant, self.now());
        let (store, actor) = (self.clone(), actor.clone());
        Write {
            tenant,
            actor,
            conn,
            now,
            store,
            security_log: vec![],
            events: vec![],
            occurrences: vec![],
            is_audited: false,
            notifications: vec![],
            confirmed: None,
        }
    }

    /// Asks the policy. A refusal is recorded in the audit log before this returns.
    pub async fn authorize<A: Action>(&self, actor: &Actor, action: A) -> Result<Allowed<A>> {
        match actor.may(action) {
            Ok(proof) => Ok(proof),
            Err(denied) => Err(self.refuse(actor, denied).await?),
        }
    }

    /// Records a refusal, in a transaction of its own.
    pub async fn refuse(&self, actor: &Actor, denied: Denied) -> Result<Error> {
        let mut write = self.write(actor).await?;
        let entry = Entry::refused(actor, &denied, write.now, salt()?);
        write.record(entry).await?;
        write.commit().await?;
        Ok(Error::Denied(denied))
    }
}

impl Write {
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Returns the time of this transaction, the same for all that it writes.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Writes the queued notifications and commits, then publishes the queued events, logs the security events and counts what occurred.
    pub async fn commit(mut self) -> Result<()> {
        self.write_notifications().await?;
        let started = Instant::now();
        let committed = events::commit(self.conn, self.events).await;
        metrics().observe(DatabaseStep::Commit, started);
        if let (Err(error), true) = (&committed, self.is_audited) {
            metrics().count_audit_failure(error);
        }
        committed?;
        self.security_log.iter().for_each(SecurityLogEntry::log);
        let security = self.security_log.iter().map(|entry| Occurrence::Security(entry.event));
        self.occurrences.into_iter().chain(security).for_each(|occurrence| metrics().count(occurrence));
        Ok(())
    }

    /// Counts an occurrence after the commit.
    pub(crate) fn count(&mut self, occurrence: Occurrence) {
        self.occurrences.push(occurrence);
    }

    /// Queues an event that is published after the commit.
    pub(crate) fn publish(&mut self, topic: Topic, id: Uuid) {
        let event = Event { tenant: self.tenant, topic, id };
        if !self.events.contains(&event) {
            self.events.push(event);
        }
    }

    /// Returns the audit entry of an allowed action, to which the caller may add details.
    pub(crate) fn entry<A: Action>(&self, proof: &Allowed<A>) -> Result<Entry> {
        Ok(match &self.confirmed {
            Some(confirmed) => Entry::confirmed(proof, &self.actor, confirmed.requester, self.now, salt()?),
            None => Entry::of(proof, self.now, salt()?),
        })
    }

    /// Appends an audit event for something that the policy does not decide.
    pub(crate) async fn note(
        &mut self,
        action: &str,
        target: (&str, String),
        outcome: Outcome,
        detail: serde_json::Value,
    ) -> Result<()> {
        let entry = self.event(action, target, outcome, detail)?;
        self.record(entry).await
    }

    /// Returns the audit entry for something that the policy does not decide.
    pub(crate) fn event(
        &self,
        action: &str,
        target: (&str, String),
        outcome: Outcome,
        detail: serde_json::Value,
    ) -> Result<Entry> {
        Ok(Entry::event(&self.actor, action, target, outcome, detail, self.now, salt()?))
    }
}

fn salt() -> Result<[u8; 16]> {
    random()
}
