//! Who is connected to this node, and how to reach them.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::{Actor, RunnerId, TenantId};
use store::Lease;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;
use wire::v1::ServerMessage;

/// Messages that wait to be sent to one runner.
pub(super) type Outgoing = mpsc::Sender<Result<ServerMessage, Status>>;

/// How long a runner rests that had no room: by then its heartbeat has put our books right.
const REST: Duration = Duration::from_secs(5);
/// How often a runner that is turned away is written into the audit log.
const NOTED: Duration = Duration::from_hours(1);
/// How many runners that were turned away are remembered.
const REMEMBERED: usize = 10_000;

/// A runner that is connected and was greeted.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub runner: RunnerId,
    /// Tells its streams apart.
    pub stream: Uuid,
    pub actor: Actor,
    pub capabilities: Vec<String>,
    pub slots: usize,
    /// Whether its sandbox works.
    pub fit: bool,
    pub to: Outgoing,
    /// Ends the stream.
    pub end: CancellationToken,
    /// What it was told to cancel.
    pub cancelled: HashSet<Lease>,
    /// Until when it gets nothing: it had no room.
    pub rests_until: Option<Instant>,
}

impl Connection {
    /// Whether it gets nothing for now.
    pub fn rests(&self) -> bool {
        self.rests_until.is_some_and(|until| until > Instant::now())
    }
}

/// The seats.
#[derive(Debug, Default)]
pub(super) struct Registry {
    seats: Mutex<HashMap<RunnerId, Connection>>,
    turned_away: Mutex<HashMap<RunnerId, Instant>>,
    /// When each runner sat down last.
    sat: Mutex<HashMap<RunnerId, Instant>>,
    /// Somebody came, or may have a free slot.
    pub changed: Notify,
}

impl Registry {
    /// Gives a runner its connection. An older stream of the same runner ends: the newest speaks for it.
    pub fn sit(&self, connection: Connection) {
        self.sat.lock().unwrap_or_else(PoisonError::into_inner).insert(connection.runner, Instant::now());
        if let Some(old) = self.seats().insert(connection.runner, connection) {
            old.end.cancel();
        }
        self.changed.notify_one();
    }

    /// Whether a runner came to work since then.
    pub fn has_sat_since(&self, runner: RunnerId, since: Instant) -> bool {
        self.sat.lock().unwrap_or_else(PoisonError::into_inner).get(&runner).is_some_and(|at| *at >= since)
    }

    /// Takes the connection of a stream back; says whether it was still that stream's.
    pub fn leave(&self, runner: RunnerId, stream: Uuid) -> bool {
        let mut seats = self.seats();
        let own = seats.get(&runner).is_some_and(|connection| connection.stream == stream);
        if own {
            seats.remove(&runner);
        }
        own
    }

    /// Who of a tenant is here.
    pub fn of(&self, tenant: TenantId) -> Vec<Connection> {
        self.seats().values().filter(|connection| connection.actor.tenant == tenant).cloned().collect()
    }

    /// The tenants whose runners are here.
    pub fn tenants(&self) -> HashSet<TenantId> {
        self.seats().values().map(|connection| connection.actor.tenant).collect()
    }

    /// Whether a runner is to be told of this cancellation: the first time only.
    pub fn is_first_cancel(&self, runner: RunnerId, lease: Lease) -> bool {
        self.seats().get_mut(&runner).is_some_and(|connection| connection.cancelled.insert(lease))
    }

    /// Gives a runner nothing for [`REST`]: it said that it has no room, whatever our books say.
    pub fn rest(&self, runner: RunnerId) {
        if let Some(connection) = self.seats().get_mut(&runner) {
            connection.rests_until = Some(Instant::now() + REST);
        }
    }

    /// Whether turning this runner away is worth a record: not every few seconds.
    pub fn is_news(&self, runner: RunnerId) -> bool {
        let mut known = self.turned_away.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, at| at.elapsed() < NOTED);
        known.len() < REMEMBERED && known.insert(runner, Instant::now()).is_none()
    }

    fn seats(&self) -> MutexGuard<'_, HashMap<RunnerId, Connection>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
