//! Committed events: published in process on SQLite, by NOTIFY and LISTEN on PostgreSQL.
use crate::{
    Event, Result,
    db::{
        conn::{Conn, PostgresConn, SqliteConn},
        event::MISSED,
        event_bus::EventBus,
        group_commit_postgres::GroupCommitter,
        notify::parse,
        outage::OutageDetector,
    },
};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use std::time::Duration;
use tokio::time::{sleep, timeout};

const CHANNEL: &str = "castellan";

/// After this long without a notification the connection is checked by a query.
const IDLE_LIMIT: Duration = Duration::from_secs(30);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

impl Conn {
    /// Commits without publishing events.
    pub(crate) async fn commit(self) -> Result<()> {
        commit(self, vec![]).await
    }
}

/// Commits and publishes: on PostgreSQL by NOTIFY in the transaction, which this node receives as the others do.
pub(crate) async fn commit(conn: Conn, events: Vec<Event>) -> Result<()> {
    match conn {
        Conn::Sqlite(SqliteConn::Read(_)) => {} // it ends by itself
        Conn::Sqlite(SqliteConn::Write(member)) => member.commit(events).await?,
        Conn::Postgres(PostgresConn::Read(tx)) => tx.rollback().await?,
        Conn::Postgres(PostgresConn::SingleQuery(_)) => {}
        Conn::Postgres(PostgresConn::Write(turn)) => turn.commit(&events).await?,
    }
    Ok(())
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
