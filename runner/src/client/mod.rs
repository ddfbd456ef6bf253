//! Main loop of the runner: messages of the server, events of attempts, and timers.

mod attempts;
mod lifecycle;
mod receive;
mod session;
mod stream;

use crate::{
    config::Endpoint,
    folder::{Folder, FolderError},
    identity::{Identity, IdentityError, Renewal, RunnerKey},
    lease::Lease,
    link::{Backoff, Dialer, LinkError, StreamEnd},
    metrics::Metrics,
    passkeys::PinnedPasskeys,
    sandbox::Executor,
    sleep::Sleep,
    spool::SpoolDirectory,
    witness::{Witness, WitnessError},
    work::{Attempt, AttemptCommand, Event, RunnerContext},
};
use attempts::HeldAttempt;
use domain::succession::CHECKPOINTS;
use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};
use stream::{Session, next_message};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::{Instant, interval, sleep_until},
};

/// The interval of the check for a suspended machine while tasks run.
const SUSPEND_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// An error that prevents the runner from starting.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Witness(#[from] WitnessError),
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
    witness: Witness,
    spools: SpoolDirectory,
    held: HashMap<Attempt, HeldAttempt>,
    /// Killed attempts that may not have ended yet.
    killed: Vec<(Attempt, watch::Sender<AttemptCommand>)>,
    slots: Arc<Semaphore>,
    slot_count: u32,
    events: (mpsc::Sender<Event>, mpsc::Receiver<Event>),
    lease: Lease,
    sleep: Sleep,
    /// The offset of the server's clock at its last greeting in microseconds, because grants expire by the server's
    /// clock.
    clock_offset: i64,
    metrics: Metrics,
    pinned: PinnedPasskeys,
    /// Holds the lock of the data folder.
    folder: Folder,
}

impl<E: Executor> Client<E> {
    /// Loads the state in `folder`.
    ///
    /// # Errors
    /// Fails if the folder cannot be used, or key and certificate of the identity do not match.
    pub fn new(
        folder: Folder,
        identity: Identity,
        key: RunnerKey,
        endpoint: Endpoint,
        executor: E,
        slots: u32,
    ) -> Result<Self, ClientError> {
        let (spools, ended) = SpoolDirectory::open(&folder, identity.runner)?;
        let held = ended.into_iter().map(|e| (e.attempt, HeldAttempt::ended(e.attempt, e.spool, e.signed))).collect();
        let connection_key = identity.connection_key(&folder)?;
        let dialer = Dialer::new(&identity, connection_key.as_ref().unwrap_or(&key), endpoint.clone())?;
        let keys = identity.checkpoint_key.with_successors(CHECKPOINTS, &identity.checkpoint_successions);
        let witness = Witness::load(&folder, keys, identity.tenant)?;
        let permits = usize::try_from(slots).unwrap_or(1);
        Ok(Self {
            executor: Arc::new(executor),
            dialer,
            endpoint,
            renewal: Renewal::default(),
            witness,
            identity,
            key: Arc::new(key),
            spools,
            held,
            killed: vec![],
            slots: Arc::new(Semaphore::new(permits)),
            slot_count: slots,
            events: mpsc::channel(64),
            lease: Lease::default(),
            sleep: Sleep::new(),
            clock_offset: 0,
            metrics: Metrics::default(),
            pinned: PinnedPasskeys::of(&folder),
            folder,
        })
    }

    /// Sets whether nothing runs without an approval that a pinned passkey confirms.
    #[must_use]
    pub fn require_passkey_approval(mut self, always: bool) -> Self {
        self.pinned.always = always;
        self
    }

    /// Runs until `stop` completes, then kills every task and waits until all sandboxes have ended.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut backoff = Backoff::default();
        let mut session: Option<Session> = None;
        let mut suspend_check = interval(SUSPEND_CHECK_INTERVAL);
        let mut dialing = self.dial(Duration::ZERO);
        loop {
            self.note_suspension();
            let now = Instant::now();
            let lease = self.lease.ends().filter(|_| self.held.values().any(HeldAttempt::is_running));
            let due = session.as_ref().map_or(now, |session| session.due);
            tokio::select! {
                () = &mut stop => break,
                dialed = &mut dialing, if session.is_none() => match dialed {
                    Ok(channel) => session = Some(self.greet(channel)),
                    Err(error) => {
                        let wait = backoff.next();
                        tracing::warn!(%error, "connection failed; retrying");
                        dialing = self.dial(wait);
                    }
                },
                received = next_message(&mut session) => {
                    let ended = match received {
                        Ok(kind) => self.receive(kind, &mut session),
                        Err(ended) => Err(ended),
                    };
                    if let Err(ended) = ended {
                        dialing = self.disconnect(&mut session, ended, &mut backoff);
                    }
                }
                Some(event) = self.events.1.recv() => self.handle_event(event),
                () = sleep_until(due), if session.is_some() => {
                    if let Err(ended) = self.send_heartbeat(&mut session) {
                        dialing = self.disconnect(&mut session, ended, &mut backoff);
                    }
                }
                _ = suspend_check.tick(), if lease.is_some() => {}
                () = sleep_until(lease.unwrap_or(now)), if lease.is_some() => {
                    tracing::error!("no message from the server within the lease");
                    self.abandon_running();
                    dialing = self.disconnect(&mut session, StreamEnd::Broken("no message within the lease".into()), &mut backoff);
                }
            }
            self.send_pending(session.as_ref());
        }
        tokio::join!(session::leave(session), self.shut_down());
    }

    /// Timers stop while the machine is suspended; leases do not.
    fn note_suspension(&mut self) {
        if let Some(slept) = self.sleep.since_last() {
            tracing::warn!(?slept, "the machine was suspended");
            self.lease.suspended(slept);
        }
    }

    fn context(&self) -> RunnerContext {
        let grant_key = self.identity.grant_keys().last().copied().unwrap_or(self.identity.grant_key);
        RunnerContext { runner: self.identity.runner, tenant: self.identity.tenant, grant_key }
    }
}
