//! NOTIFY payloads of events on PostgreSQL.
use crate::{Event, Result, Topic};
use sqlx::PgConnection;

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

/// Parses a payload; `None` if it is none of ours.
pub(crate) fn parse(payload: &str) -> Option<Event> {
    let mut words = payload.split('/');
    let event = Event {
        tenant: words.next()?.parse().ok()?,
        topic: Topic::parse(words.next()?)?,
        id: words.next()?.parse().ok()?,
    };
    words.next().is_none().then_some(event)
}
