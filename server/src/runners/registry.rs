//! Connection registry: the runners that are connected to this node.

use domain::{Actor, RunnerId, TenantId};
use parking_lot::{Mutex, MutexGuard};
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};
use store::Lease;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;
use wire::v1::ServerMessage;

/// Send queue of one runner.
pub(super) type Outgoing = mpsc::Sender<Result<ServerMessage, Status>>;

/// Pause of a runner that reported no free slot. A heartbeat reconciles its leases in that time.
const PAUSE: Duration = Duration::from_secs(5);
/// Minimum time between audit events about the rejection of the same runner.
const REJECTION_LOG_INTERVAL: Duration = Duration::from_hours(1);
/// Maximum number of remembered rejections.
const MAX_REMEMBERED_REJECTIONS: usize = 10_000;

/// Connection of a runner after the hello message.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub runner: RunnerId,
    /// Distinguishes streams of the same runner.
    pub stream: Uuid,
    pub actor: Actor,
    pub capabilities: Vec<String>,
    pub slots: usize,
    /// Whether its sandbox works.
    pub sandbox_works: bool,
    pub to: Outgoing,
    /// Closes the stream.
    pub end: CancellationToken,
    /// Leases with a requested cancellation.
    pub cancelled: HashSet<Lease>,
    /// Time until which it gets no tasks because it had no free slot.
    pub paused_until: Option<Instant>,
}

impl Connection {
    /// Returns whether it currently gets no tasks.
    pub fn is_paused(&self) -> bool {
        self.paused_until.is_some_and(|until| until > Instant::now())
    }
}

/// Registered connections.
#[derive(Debug, Default)]
pub(super) struct Registry {
    connections: Mutex<HashMap<RunnerId, Connection>>,
    rejections: Mutex<HashMap<RunnerId, Instant>>,
    /// Time of each runner's last registration.
    registered_at: Mutex<HashMap<RunnerId, Instant>>,
    /// Notified when a runner registers or may have a free slot.
    pub changed: Notify,
}

impl Registry {
    /// Registers a connection. An older stream of the same runner is closed.
    pub fn register(&self, connection: Connection) {
        self.registered_at.lock().insert(connection.runner, Instant::now());
        if let Some(old) = self.connections().insert(connection.runner, connection) {
            old.end.cancel();
        }
        self.changed.notify_one();
    }

    /// Returns whether a runner has registered since `since`.
    pub fn has_registered_since(&self, runner: RunnerId, since: Instant) -> bool {
        self.registered_at.lock().get(&runner).is_some_and(|at| *at >= since)
    }

    /// Unregisters a stream; returns whether it was the current stream of the runner.
    pub fn unregister(&self, runner: RunnerId, stream: Uuid) -> bool {
        let mut connections = self.connections();
        let own = connections.get(&runner).is_some_and(|connection| connection.stream == stream);
        if own {
            connections.remove(&runner);
        }
        own
    }

    /// Returns the connections of a tenant.
    pub fn connections_of(&self, tenant: TenantId) -> Vec<Connection> {
        self.connections().values().filter(|connection| connection.actor.tenant == tenant).cloned().collect()
    }

    /// Returns the tenants with connected runners.
    pub fn tenants(&self) -> HashSet<TenantId> {
        self.connections().values().map(|connection| connection.actor.tenant).collect()
    }

    /// Returns whether this is the first cancellation of the lease on the runner.
    pub fn is_first_cancel(&self, runner: RunnerId, lease: Lease) -> bool {
        self.connections().get_mut(&runner).is_some_and(|connection| connection.cancelled.insert(lease))
    }

    /// Assigns no tasks to a runner for [`PAUSE`], because it reported that it has no free slot.
    pub fn pause(&self, runner: RunnerId) {
        if let Some(connection) = self.connections().get_mut(&runner) {
            connection.paused_until = Some(Instant::now() + PAUSE);
        }
    }

    /// Returns whether the rejection of a runner should be audited now.
    pub fn should_log_rejection(&self, runner: RunnerId) -> bool {
        let mut known = self.rejections.lock();
        known.retain(|_, at| at.elapsed() < REJECTION_LOG_INTERVAL);
        known.len() < MAX_REMEMBERED_REJECTIONS && known.insert(runner, Instant::now()).is_none()
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<RunnerId, Connection>> {
        self.connections.lock()
    }
}
