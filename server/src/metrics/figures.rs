//! Figures that are read at each scrape: from the database, the rate limits, the certificate and the disk.
use crate::{backup::schedule, state::App};
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, info::Info},
    registry::Registry,
};
use std::time::Duration;
use store::system::Figures;

/// Timeout of the database, shorter than that of a scrape.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(5);

type Gauges = Family<[(&'static str, String); 1], Gauge>;

/// Adds the figures of this moment to a registry. Without the database, the others remain.
pub(super) async fn register(app: &App, registry: &mut Registry) {
    let read = tokio::time::timeout(DATABASE_TIMEOUT, async { app.store.system().figures().await }).await;
    let figures = match read {
        Ok(Ok(figures)) => Some(figures),
        failed => {
            tracing::error!(?failed, "figures of the database cannot be read for the metrics");
            None
        }
    };
    let up = gauge(i64::from(figures.is_some()));
    registry.register("castellan_database_up", "Whether the database answers", up);
    if let Some(figures) = figures {
        of_database(app, figures, registry);
    }
    of_process(app, registry);
}

fn of_database(app: &App, figures: Figures, registry: &mut Registry) {
    let now = app.store.now();
    let age = |since: Option<domain::Timestamp>| {
        gauge(since.map_or(0, |since| i64::try_from(now.since(since).as_secs()).unwrap_or(i64::MAX)))
    };
    let tasks = Gauges::default();
    for state in ["awaiting_approval", "queued", "assigned", "running"] {
        let found = figures.open_tasks.iter().find(|open| open.state.as_str() == state);
        tasks.get_or_create(&[("state", state.to_owned())]).set(found.map_or(0, |open| open.n));
    }
    registry.register("castellan_tasks_open", "Tasks that have not ended, by state", tasks);
    let name = "castellan_task_oldest_queued_seconds";
    registry.register(name, "Age of the oldest queued task", age(figures.oldest_queued_at));
    let name = "castellan_approval_requests_waiting";
    registry.register(name, "Approval requests without a result", gauge(figures.waiting_approvals));
    let name = "castellan_approval_request_oldest_seconds";
    registry.register(name, "Age of the oldest waiting approval request", age(figures.oldest_waiting_approval_at));
    let runners = Gauges::default();
    for state in ["connected", "disconnected", "stopped", "silent"] {
        let found = figures.runners.iter().find(|runners| runners.state == state);
        runners.get_or_create(&[("state", state.to_owned())]).set(found.map_or(0, |runners| runners.n));
    }
    registry.register("castellan_runners", "Runners that are not revoked, by state", runners);
    let name = "castellan_webhook_messages_dead";
    registry.register(name, "Messages to webhooks that were abandoned and are kept", gauge(figures.dead_deliveries));
    let heartbeats = Gauges::default();
    for heartbeat in figures.heartbeats {
        let labels = [("runner", heartbeat.id.to_string())];
        heartbeats.get_or_create(&labels).set(heartbeat.last_seen_at.seconds());
    }
    let name = "castellan_runner_last_heartbeat_timestamp_seconds";
    registry.register(name, "Last heartbeat of a runner, by its ID", heartbeats);
}

fn of_process(app: &App, registry: &mut Registry) {
    let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("castellan_build", "Version of the server", version);
    let exceeded = Family::<[(&str, &str); 1], Counter>::default();
    for (class, refused) in app.rates.refused() {
        exceeded.get_or_create(&[("class", class.as_str())]).inc_by(refused);
    }
    registry.register("castellan_rate_limit_exceeded", "Requests rejected by rate limits, by class", exceeded);
    if let Ok(disk) = rustix::fs::statvfs(&app.config.data_dir) {
        let bytes = |blocks: u64| gauge(i64::try_from(blocks.saturating_mul(disk.f_frsize)).unwrap_or(i64::MAX));
        let (free, size) = (bytes(disk.f_bavail), bytes(disk.f_blocks));
        registry.register("castellan_data_disk_free_bytes", "Free space on the disk of the data directory", free);
        registry.register("castellan_data_disk_size_bytes", "Size of the disk of the data directory", size);
    }
    if app.config.backup.folder.is_some() {
        let at = schedule::last(app).map_or(0, |at| at.seconds());
        registry.register("castellan_last_backup_timestamp_seconds", "Time of the newest scheduled backup", gauge(at));
    }
    if let Some(state) = app.certificate.as_ref().map(|certificate| certificate.state()) {
        let name = "castellan_tls_certificate_expiry_timestamp_seconds";
        registry.register(name, "Expiry of the TLS certificate", gauge(state.not_after.unix_timestamp()));
        let name = "castellan_tls_certificate_broken";
        let help = "Whether the certificate files are invalid and the previous certificate is in use";
        registry.register(name, help, gauge(i64::from(state.trouble.is_some())));
    }
}

fn gauge(value: i64) -> Gauge {
    let gauge = Gauge::default();
    gauge.set(value);
    gauge
}
