//! Metrics of this process that the server counts: one set for the process, as there is one `/metrics`.
use crate::clock::now;
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use std::sync::LazyLock;

static METRICS: LazyLock<ProcessMetrics> = LazyLock::new(ProcessMetrics::new);

/// Returns the metrics of this process.
pub(crate) fn process() -> &'static ProcessMetrics {
    &METRICS
}

/// Labels of a request: route template, method and status class.
pub(super) type RequestLabels = [(&'static str, String); 3];

/// Counters and gauges since the start of the process.
#[derive(Debug)]
pub(crate) struct ProcessMetrics {
    pub(super) requests: Family<RequestLabels, Counter>,
    streams: Family<[(&'static str, &'static str); 1], Gauge>,
    checkpoint_failures: Counter,
    checkpointed_at: Gauge,
}

/// A kind of stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamKind {
    Browser,
    Api,
    Runner,
}

impl StreamKind {
    const ALL: [Self; 3] = [Self::Browser, Self::Api, Self::Runner];

    const fn labels(self) -> [(&'static str, &'static str); 1] {
        let name = match self {
            Self::Browser => "browser",
            Self::Api => "api",
            Self::Runner => "runner",
        };
        [("kind", name)]
    }
}

/// An open stream, counted until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenStream(StreamKind);

impl OpenStream {
    pub(crate) fn count(kind: StreamKind) -> Self {
        process().streams.get_or_create(&kind.labels()).inc();
        Self(kind)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        process().streams.get_or_create(&self.0.labels()).dec();
    }
}

impl ProcessMetrics {
    fn new() -> Self {
        let metrics = Self {
            requests: Family::default(),
            streams: Family::default(),
            checkpoint_failures: Counter::default(),
            checkpointed_at: Gauge::default(),
        };
        for kind in StreamKind::ALL {
            drop(metrics.streams.get_or_create(&kind.labels()));
        }
        metrics
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "HTTP responses, by route template, method and status class";
        registry.register("castellan_http_requests", help, self.requests.clone());
        registry.register("castellan_streams_open", "Open event streams and runner connections", self.streams.clone());
        let name = "castellan_audit_checkpoint_failures";
        registry.register(
            name,
            "Failed attempts to sign checkpoints of the audit logs",
            self.checkpoint_failures.clone(),
        );
        let name = "castellan_audit_last_checkpoint_timestamp_seconds";
        registry.register(name, "When the audit logs were last signed without a failure", self.checkpointed_at.clone());
    }

    /// Counts an attempt to sign the audit logs.
    pub(crate) fn count_checkpoint(&self, is_signed: bool) {
        if is_signed {
            self.checkpointed_at.set(now().seconds());
        } else {
            self.checkpoint_failures.inc();
        }
    }
}
