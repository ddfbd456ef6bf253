//! Metrics of this process that the store counts: one set for all stores of the process, as there is one `/metrics`.
use crate::Error;
use domain::{anomalies::AnomalyKind, approval::Answer, security::SecurityEvent, task::TaskState};
use prometheus_client::{
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};
use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// Returns the metrics of this process.
pub fn metrics() -> &'static Metrics {
    &METRICS
}

type Label = [(&'static str, &'static str); 1];

/// Counters and histograms since the start of the process. Labels are fixed words, never names or addresses.
#[derive(Debug)]
pub struct Metrics {
    dispatch: Histogram,
    database: Family<Label, Histogram, fn() -> Histogram>,
    security_events: Family<Label, Counter>,
    decisions: Family<Label, Counter>,
    approvals_expired: Counter,
    tasks_ended: Family<Label, Counter>,
    anomalies: Family<Label, Counter>,
    webhook_attempts: Family<Label, Counter>,
    webhook_dropped: Counter,
    audit_failures: Counter,
}

/// An occurrence that counts once its transaction is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occurrence {
    /// A runner was assigned a task that had waited in the queue for so long.
    Dispatch(Duration),
    Security(SecurityEvent),
    Decision(Answer),
    ApprovalExpired,
    TaskEnded(TaskState),
    Anomaly(AnomalyKind),
    /// An attempt to deliver a message to a webhook: `delivered`, `failed` or `dead`.
    WebhookAttempt(&'static str),
    /// A message that was not queued, because too many others were not delivered.
    WebhookDropped,
}

/// A step in the life of a transaction, or a single statement.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DatabaseStep {
    /// Waiting for a connection and beginning a snapshot.
    Snapshot,
    /// Waiting for a turn and beginning a transaction.
    Transaction,
    Statement,
    /// Committing a transaction that writes, until it is on disk.
    Commit,
}

impl DatabaseStep {
    const ALL: [Self; 4] = [Self::Snapshot, Self::Transaction, Self::Statement, Self::Commit];

    const fn label(self) -> Label {
        let name = match self {
            Self::Snapshot => "snapshot",
            Self::Transaction => "transaction",
            Self::Statement => "statement",
            Self::Commit => "commit",
        };
        [("step", name)]
    }
}

/// Upper bounds in seconds: from a read in memory to the timeout of a lock.
const DATABASE_SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0];
/// Upper bounds in seconds: from immediately to a day.
const DISPATCH_SECONDS: [f64; 12] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1_800.0, 7_200.0, 86_400.0];

impl Metrics {
    /// Creates all metrics with the value zero, so that each exists from the first scrape on.
    fn new() -> Self {
        let metrics = Self {
            dispatch: Histogram::new(DISPATCH_SECONDS),
            database: Family::new_with_constructor(|| Histogram::new(DATABASE_SECONDS)),
            security_events: Family::default(),
            decisions: Family::default(),
            approvals_expired: Counter::default(),
            tasks_ended: Family::default(),
            anomalies: Family::default(),
            webhook_attempts: Family::default(),
            webhook_dropped: Counter::default(),
            audit_failures: Counter::default(),
        };
        for event in SecurityEvent::ALL {
            drop(metrics.security_events.get_or_create(&[("event", event.as_str())]));
        }
        for answer in Answer::ALL {
            drop(metrics.decisions.get_or_create(&[("decision", answer.as_str())]));
        }
        for state in TaskState::ALL.iter().filter(|state| state.is_final()) {
            drop(metrics.tasks_ended.get_or_create(&[("state", state.as_str())]));
        }
        for kind in AnomalyKind::ALL {
            drop(metrics.anomalies.get_or_create(&[("kind", kind.as_str())]));
        }
        for result in ["delivered", "failed", "dead"] {
            drop(metrics.webhook_attempts.get_or_create(&[("result", result)]));
        }
        for step in DatabaseStep::ALL {
            drop(metrics.database.get_or_create(&step.label()));
        }
        metrics
    }

    /// Adds the metrics to a registry. A counter's name gets the suffix `_total`.
    pub fn register(&self, registry: &mut Registry) {
        let name = "castellan_task_queue_wait_seconds";
        registry.register(name, "Time from the queue to the assignment to a runner", self.dispatch.clone());
        let name = "castellan_tasks_ended";
        registry.register(name, "Tasks that ended, by final state", self.tasks_ended.clone());
        let name = "castellan_approval_decisions";
        registry.register(name, "Decisions on approval requests", self.decisions.clone());
        let name = "castellan_approval_requests_expired";
        registry.register(name, "Approval requests that expired undecided", self.approvals_expired.clone());
        let name = "castellan_security_events";
        registry.register(name, "Security events, by kind", self.security_events.clone());
        let name = "castellan_anomalies";
        registry.register(name, "Reports of anomalies, by kind", self.anomalies.clone());
        let name = "castellan_webhook_attempts";
        registry.register(name, "Attempts to deliver messages to webhooks, by result", self.webhook_attempts.clone());
        let name = "castellan_webhook_messages_dropped";
        registry.register(name, "Messages to webhooks that were not queued", self.webhook_dropped.clone());
        let name = "castellan_audit_append_failures";
        registry.register(name, "Audit events that could not be stored", self.audit_failures.clone());
        let name = "castellan_database_operation_duration_seconds";
        registry.register(name, "Duration of database work, by step", self.database.clone());
    }

    /// Counts a security event that is in no audit log, because its tenant is unknown.
    pub fn count_security_event(&self, event: SecurityEvent) {
        self.security_events.get_or_create(&[("event", event.as_str())]).inc();
    }

    pub(crate) fn count(&self, occurrence: Occurrence) {
        match occurrence {
            Occurrence::Dispatch(waited) => self.dispatch.observe(waited.as_secs_f64()),
            Occurrence::Security(event) => self.count_security_event(event),
            Occurrence::Decision(answer) => drop(self.decisions.get_or_create(&[("decision", answer.as_str())]).inc()),
            Occurrence::ApprovalExpired => drop(self.approvals_expired.inc()),
            Occurrence::TaskEnded(state) => drop(self.tasks_ended.get_or_create(&[("state", state.as_str())]).inc()),
            Occurrence::WebhookAttempt(result) => {
                self.webhook_attempts.get_or_create(&[("result", result)]).inc();
            }
            Occurrence::WebhookDropped => {
                self.webhook_dropped.inc();
            }
            Occurrence::Anomaly(kind) => drop(self.anomalies.get_or_create(&[("kind", kind.as_str())]).inc()),
        }
    }

    /// Counts an audit event that could not be stored. That a frozen tenant refuses it is no failure.
    pub(crate) fn count_audit_failure(&self, error: &Error) {
        if !matches!(error, Error::Conflict(_)) {
            self.audit_failures.inc();
        }
    }

    pub(crate) fn observe(&self, step: DatabaseStep, started: Instant) {
        self.database.get_or_create(&step.label()).observe(started.elapsed().as_secs_f64());
    }
}
