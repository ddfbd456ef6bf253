//! Statement capture: collects the statements that the store runs from sqlx's tracing events.
use std::{collections::BTreeSet, fmt, sync::Mutex};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

static CAPTURED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

struct StatementCapture;

/// Starts the capture for the whole process.
pub fn start() {
    tracing::subscriber::set_global_default(StatementCapture).unwrap();
}

/// Returns each captured statement once, with normalized white space.
pub fn statements() -> Vec<String> {
    CAPTURED.lock().unwrap().iter().cloned().collect()
}

impl Subscriber for StatementCapture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut StatementField);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct StatementField;

impl Visit for StatementField {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "db.statement" && !value.is_empty() {
            let text = value.split_whitespace().collect::<Vec<_>>().join(" ");
            CAPTURED.lock().unwrap().insert(text);
        }
    }
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
