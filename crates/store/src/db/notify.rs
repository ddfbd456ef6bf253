//! NOTIFY payloads of events on PostgreSQL.
use crate::{Event, Topic};

/// Returns the statements that queue a NOTIFY per event, sent when the transaction commits.
pub(crate) fn notify_sql(events: &[Event]) -> String {
    // Ids and topics have no quotes in them.
    let notify =
        |event: &Event| format!("notify castellan, '{}/{}/{}'; ", event.tenant, event.topic.as_str(), event.id);
    events.iter().map(notify).collect()
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
