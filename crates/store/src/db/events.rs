//! Committed events: published in process on SQLite, by NOTIFY and LISTEN on PostgreSQL.
use crate::{
    Result, Store,
    db::{
        conn::{Conn, PostgresConn, SqliteConn},
        event_bus::EventBus,
        group_commit_postgres::GroupCommitter,
        outage::OutageDetector,
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

/// The kind of thing that an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A task changed; the event's id is the task's.
    Tasks,
    /// A task printed output; the event's id is the task's.
    Log,
    /// An approval request was created or settled; its id.
    Approvals,
    /// A runner connected, disconnected or was revoked; its id.
    Runners,
    /// A person's rights or sessions changed; their id.
    People,
    /// A key was created or revoked; its id.
    Keys,
    /// The rules changed; the tenant's id.
    Rules,
    /// Events were missed because the database connection was lost: read again. The nil id.
    Missed,
}

impl Topic {
    /// All topics, with the names used in NOTIFY and in event streams.
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

    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(topic, _)| *topic == self).map_or("", |(_, word)| word)
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, word)| *word == text).map(|(topic, _)| *topic)
    }
}

/// A committed change. A subscriber reads the store for what it may see of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub tenant: TenantId,
    pub topic: Topic,
    pub id: Uuid,
}

const CHANNEL: &str = "castellan";

/// After this long without a notification the connection is checked by a query.
const IDLE_LIMIT: Duration = Duration::from_secs(30);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Tells every subscriber to read again.
pub(crate) const MISSED: Event = Event { tenant: TenantId(Uuid::nil()), topic: Topic::Missed, id: Uuid::nil() };

/// How many events a slow subscriber may lag behind before it misses some.
pub(crate) const BACKLOG: usize = 4_096;

impl Store {
    /// Subscribes to every event from now on. A receiver that lags gets `RecvError::Lagged` and should read again.
    pub fn subscribe(&self) -> Receiver<Event> {
        self.events().subscribe()
    }

    /// Tells the subscribers of this process to read again, after another process changed something.
    pub fn publish_missed_events(&self) {
        self.events().publish(MISSED);
    }
}

/// Commits and publishes: on PostgreSQL by NOTIFY in the transaction, which this node receives as the others do.
pub(crate) async fn commit(conn: Conn, events: Vec<Event>) -> Result<()> {
    match conn {
        Conn::Sqlite(SqliteConn::Read(_)) => {} // it ends by itself
        Conn::Sqlite(SqliteConn::Write(member)) => member.commit(events).await?,
        Conn::Postgres(PostgresConn::Read(tx)) => tx.rollback().await?,
        Conn::Postgres(PostgresConn::SingleQuery(_)) => {}
        Conn::Postgres(PostgresConn::Write(turn)) => turn.commit(events).await?,
    }
    Ok(())
}

/// Queues a NOTIFY per event, sent when the transaction commits.
pub(crate) async fn notify(conn: &mut PgConnection, events: &[Event]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let sql = "select pg_notify('castellan', payload) from unnest($1) payload";
    sqlx::query(sql).bind(payloads(events)).execute(conn).await?;
    Ok(())
}

/// Returns the NOTIFY payload of each event.
pub(crate) fn payloads(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| format!("{}/{}/{}", event.tenant, event.topic.as_str(), event.id)).collect()
}

/// Opens the LISTEN connection. It has a pool of its own, because closing a pool waits for every connection.
pub(crate) async fn connect_listener(options: &PgConnectOptions) -> Result<PgListener, sqlx::Error> {
    let pool =
        PgPoolOptions::new().max_connections(1).acquire_timeout(ANSWER_TIMEOUT).connect_with(options.clone()).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

/// Publishes the notifications of all nodes until it is aborted. Notifications sent while there was no connection
/// are lost, so subscribers are then told to read again.
pub(crate) async fn listen(
    mut listener: PgListener,
    options: PgConnectOptions,
    to: EventBus,
    flusher: GroupCommitter,
    outages: OutageDetector,
) {
    loop {
        receive(&mut listener, &to).await;
        outages.lost();
        listener = loop {
            match connect_listener(&options).await {
                Ok(listener) => break listener,
                Err(error) => tracing::warn!(%error, "cannot hear events of the database"),
            }
            sleep(Duration::from_millis(500)).await;
        };
        outages.recovered();
        to.publish(MISSED);
        flusher.reconnect();
    }
}

/// Receives until the connection is lost or no longer answers.
async fn receive(listener: &mut PgListener, to: &EventBus) {
    loop {
        match timeout(IDLE_LIMIT, listener.try_recv()).await {
            Ok(Ok(Some(note))) => {
                if let Some(event) = parse(note.payload()) {
                    to.publish(event);
                }
            }
            Ok(_) => return,
            Err(_) => {
                let answer = timeout(ANSWER_TIMEOUT, sqlx::query("select 1").execute(&mut *listener)).await;
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
