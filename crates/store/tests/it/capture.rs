//! Statement capture: collects the statements that the store runs from sqlx's tracing events.
use std::{collections::BTreeSet, fmt, sync::Mutex};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

static HEARD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

struct Ear;

/// Starts the capture for the whole process.
pub fn listen() {
    tracing::subscriber::set_global_default(Ear).unwrap();
}

/// Returns each captured statement once, with normalized white space.
pub fn heard() -> Vec<String> {
    HEARD.lock().unwrap().iter().cloned().collect()
}

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut Words);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Words;

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "db.statement" && !value.is_empty() {
            let text = value.split_whitespace().collect::<Vec<_>>().join(" ");
            HEARD.lock().unwrap().insert(text);
        }
    }
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
