//! Committed events: published in process on SQLite, by NOTIFY and LISTEN on PostgreSQL.
use crate::{
    Result, Store,
    db::{
        conn::{Conn, PostgresConn, SqliteConn},
        event_bus::EventBus,
        group_commit_postgres::GroupCommitter,
        outage::Contact,
    },
};
use domain::TenantId;
use sqlx::{
    PgConnection,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use std::time::Duration;
use tokio::{
    sync::broadcast::Receiver,
    time::{sleep, timeout},
};
use uuid::Uuid;

/// What something was announced about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A task changed; its id.
    Tasks,
    /// A task printed; its id.
    Log,
    /// A question was asked or settled; its id.
    Approvals,
    /// A runner came, went or was revoked; its id.
    Runners,
    /// A person's rights or sessions changed; their id.
    People,
    /// A key was made or revoked; its id.
    Keys,
    /// The rules changed; the tenant's id.
    Rules,
    /// Announcements were missed (the database connection broke): look again. The nil id.
    Missed,
}

impl Topic {
    /// All of them, with the words used in NOTIFY and toward browsers.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Tasks, "tasks"),
        (Self::Log, "log"),
        (Self::Approvals, "approvals"),
        (Self::Runners, "runners"),
        (Self::People, "people"),
        (Self::Keys, "keys"),
        (Self::Rules, "rules"),
        (Self::Missed, "missed"),
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(topic, _)| *topic == self).map_or("", |(_, word)| word)
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, word)| *word == text).map(|(topic, _)| *topic)
    }
}

/// Something that was committed. Who hears it reads the store for what it may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where.
    pub tenant: TenantId,
    /// About what.
    pub topic: Topic,
    /// About which.
    pub id: Uuid,
}

/// The channel of NOTIFY.
const CHANNEL: &str = "castellan";

/// After so long without a word the database is asked whether it is still there, and has so long to answer.
const QUIET: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(5);

/// Look again, everybody.
pub(crate) const MISSED: Event = Event { tenant: TenantId(Uuid::nil()), topic: Topic::Missed, id: Uuid::nil() };

/// How many events a slow listener may lag behind before it is told that it missed some.
pub(crate) const BACKLOG: usize = 4_096;

impl Store {
    /// Hears every event from now on. A receiver that lags gets `RecvError::Lagged` and should look again.
    pub fn subscribe(&self) -> Receiver<Event> {
        self.events().subscribe()
    }

    /// Tells everybody who listens in this process to look again: another process changed something.
    pub fn look_again(&self) {
        self.events().publish(MISSED);
    }
}

/// Commits, and tells those who listen: on PostgreSQL by NOTIFY in the transaction, which this node hears as the others do.
pub(crate) async fn commit(conn: Conn, events: Vec<Event>) -> Result<()> {
    match conn {
        Conn::Sqlite(SqliteConn::Read(_)) => {} // it ends by itself
        Conn::Sqlite(SqliteConn::Write(member)) => member.commit(events).await?,
        Conn::Postgres(PostgresConn::Read(tx)) => tx.rollback().await?,
        Conn::Postgres(PostgresConn::Ask(_)) => {}
        Conn::Postgres(PostgresConn::Write(turn)) => turn.commit(events).await?,
    }
    Ok(())
}

/// Has the database announce it when the transaction commits.
pub(crate) async fn announce(conn: &mut PgConnection, events: &[Event]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let sql = "select pg_notify('castellan', payload) from unnest($1) payload";
    sqlx::query(sql).bind(payloads(events)).execute(conn).await?;
    Ok(())
}

/// How events are written for PostgreSQL.
pub(crate) fn payloads(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| format!("{}/{}/{}", event.tenant, event.topic.as_str(), event.id)).collect()
}

/// Listens, on a connection of its own: it keeps it, and the end of a pool waits for every connection.
pub(crate) async fn ear(options: &PgConnectOptions) -> Result<PgListener, sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE).connect_with(options.clone()).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

/// Passes on what other nodes and this one notify, until it is aborted. Whatever was notified while there was no connection
/// is gone: then everybody is told to look again.
pub(crate) async fn listen(
    mut listener: PgListener,
    options: PgConnectOptions,
    to: EventBus,
    flusher: GroupCommitter,
    contact: Contact,
) {
    loop {
        hear(&mut listener, &to).await;
        contact.lost();
        listener = loop {
            match ear(&options).await {
                Ok(listener) => break listener,
                Err(error) => tracing::warn!(%error, "cannot hear events of the database"),
            }
            sleep(Duration::from_millis(500)).await;
        };
        contact.found();
        to.publish(MISSED);
        flusher.reconnect();
    }
}

/// Until the connection ends, or nothing comes over it any more.
async fn hear(listener: &mut PgListener, to: &EventBus) {
    loop {
        match timeout(QUIET, listener.try_recv()).await {
            Ok(Ok(Some(note))) => {
                if let Some(event) = parse(note.payload()) {
                    to.publish(event);
                }
            }
            Ok(_) => return,
            Err(_) => {
                let answer = timeout(PATIENCE, sqlx::query("select 1").execute(&mut *listener)).await;
                if !matches!(answer, Ok(Ok(_))) {
                    return;
                }
            }
        }
    }
}

fn parse(payload: &str) -> Option<Event> {
    let mut words = payload.split('/');
    let event = Event {
        tenant: words.next()?.parse().ok()?,
        topic: Topic::parse(words.next()?)?,
        id: words.next()?.parse().ok()?,
    };
    words.next().is_none().then_some(event)
}
