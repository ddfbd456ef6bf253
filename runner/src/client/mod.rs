//! The runner at work: one loop that listens to the server, to its own attempts and to the clock.

mod hear;
mod held;
mod stream;
mod tasks;

use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::{Instant, interval, sleep_until},
};

use crate::{
    config::Endpoint,
    folder::{Folder, FolderError},
    identity::{Identity, IdentityError, Renewal, RunnerKey},
    lease::Lease,
    link::{Backoff, Dialer, Ended, LinkError},
    metrics::Metrics,
    sandbox::Executor,
    sleep::Sleep,
    spool::Shelf,
    work::{Attempt, Event, Me, Order},
};
use held::Held;
use stream::{Session, next};

/// While tasks run, how often is looked whether the machine slept.
const LOOK: Duration = Duration::from_secs(1);

/// Why a runner cannot start to work.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// A runner with an identity and a sandbox.
#[derive(Debug)]
pub struct Client<E> {
    executor: Arc<E>,
    identity: Identity,
    key: Arc<RunnerKey>,
    dialer: Dialer,
    endpoint: Endpoint,
    renewal: Renewal,
    shelf: Shelf,
    held: HashMap<Attempt, Held>,
    /// What was killed and may not be gone yet.
    dying: Vec<(Attempt, watch::Sender<Order>)>,
    slots: Arc<Semaphore>,
    slot_count: u32,
    events: (mpsc::Sender<Event>, mpsc::Receiver<Event>),
    lease: Lease,
    sleep: Sleep,
    /// How far the server's clock was ahead of ours at its last greeting, in microseconds: a grant expires by the server's.
    ahead: i64,
    metrics: Metrics,
    /// Locks the data folder.
    folder: Folder,
}

impl<E: Executor> Client<E> {
    /// Takes up what `folder` holds.
    ///
    /// # Errors
    /// When the folder cannot be used, or the identity's parts do not fit together.
    pub fn new(
        folder: Folder,
        identity: Identity,
        key: RunnerKey,
        endpoint: Endpoint,
        executor: E,
        slots: u32,
    ) -> Result<Self, ClientError> {
        let (shelf, ended) = Shelf::open(&folder)?;
        let held = ended.into_iter().map(|e| (e.attempt, Held::ended(e.attempt, e.spool, e.signed))).collect();
        let connection_key = identity.connection_key(&folder)?;
        let dialer = Dialer::new(&identity, connection_key.as_ref().unwrap_or(&key), endpoint.clone())?;
        let permits = usize::try_from(slots).unwrap_or(1);
        Ok(Self {
            executor: Arc::new(executor),
            dialer,
            endpoint,
            renewal: Renewal::default(),
            identity,
            key: Arc::new(key),
            shelf,
            held,
            dying: vec![],
            slots: Arc::new(Semaphore::new(permits)),
            slot_count: slots,
            events: mpsc::channel(64),
            lease: Lease::default(),
            sleep: Sleep::new(),
            ahead: 0,
            metrics: Metrics::default(),
            folder,
        })
    }

    /// Works until `stop` completes; then every task is killed, and nothing of them is left.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut backoff = Backoff::default();
        let mut session: Option<Session> = None;
        let mut look = interval(LOOK);
        let mut dialing = self.dial(Duration::ZERO);
        loop {
            self.note_sleep();
            let now = Instant::now();
            let lease = self.lease.ends().filter(|_| self.held.values().any(Held::is_running));
            let due = session.as_ref().map_or(now, |session| session.due);
            tokio::select! {
                () = &mut stop => break,
                dialed = &mut dialing, if session.is_none() => match dialed {
                    Ok(channel) => session = Some(self.greet(channel)),
                    Err(error) => {
                        let wait = backoff.next();
                        tracing::warn!(%error, "not connected; trying again");
                        dialing = self.dial(wait);
                    }
                },
                heard = next(&mut session) => {
                    let ended = match heard {
                        Ok(kind) => self.hear(kind, &mut session),
                        Err(ended) => Err(ended),
                    };
                    if let Err(ended) = ended {
                        dialing = self.hang_up(&mut session, ended, &mut backoff);
                    }
                }
                Some(event) = self.events.1.recv() => self.happened(event),
                () = sleep_until(due), if session.is_some() => {
                    if let Err(ended) = self.beat(&mut session) {
                        dialing = self.hang_up(&mut session, ended, &mut backoff);
                    }
                }
                _ = look.tick(), if lease.is_some() => {}
                () = sleep_until(lease.unwrap_or(now)), if lease.is_some() => {
                    tracing::error!("the server has not been heard for the length of a lease");
                    self.abandon_running();
                    dialing = self.hang_up(&mut session, Ended::Broken("it was silent".into()), &mut backoff);
                }
            }
            self.speak(session.as_ref());
        }
        drop(session);
        self.leave().await;
    }

    /// Timers stand still while the machine does; leases do not.
    fn note_sleep(&mut self) {
        if let Some(slept) = self.sleep.since_last() {
            tracing::warn!(?slept, "the machine stood still");
            self.lease.slept(slept);
        }
    }

    fn me(&self) -> Me {
        Me { runner: self.identity.runner, tenant: self.identity.tenant, grant_key: self.identity.grant_key }
    }
}
