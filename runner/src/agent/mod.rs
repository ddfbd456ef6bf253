//! The runner at work: one loop that listens to the server, to its own attempts and to the clock.

mod held;
mod hear;

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::{Instant, sleep, sleep_until, timeout},
};
use tonic::transport::Channel;
use wire::v1::{self, runner_message::Kind};

use crate::{
    config::Endpoint,
    folder::{Folder, FolderError},
    identity::{Identity, RunnerKey},
    lease::Lease,
    link::{Backoff, Dialer, Ended, Link, LinkError},
    metrics::Metrics,
    sandbox::Executor,
    spool::Shelf,
    work::{Attempt, CAPABILITIES, Event, Me, Order, Performance, Verified},
};
use held::Held;

/// How long the server may take to greet us.
const GREETING: Duration = Duration::from_secs(10);
/// A stream that held for so long was a good one: the next is tried for at once.
const GOOD: Duration = Duration::from_secs(5);
/// For the sandboxes to be gone when the runner ends.
const LEAVING: Duration = Duration::from_secs(5);

/// Why a runner cannot start to work.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// A runner with an identity and a sandbox.
#[derive(Debug)]
pub struct Agent<E> {
    executor: Arc<E>,
    identity: Identity,
    key: Arc<RunnerKey>,
    dialer: Dialer,
    shelf: Shelf,
    held: HashMap<Attempt, Held>,
    slots: Arc<Semaphore>,
    slot_count: u32,
    events: (mpsc::Sender<Event>, mpsc::Receiver<Event>),
    lease: Lease,
    metrics: Metrics,
    /// Locks the data folder.
    _folder: Folder,
}

/// The stream that is open, and since when.
#[derive(Debug)]
struct Session {
    link: Link,
    opened: Instant,
    /// How often a heartbeat is due; absent until the server has greeted us.
    every: Option<Duration>,
    /// The next heartbeat, or the end of our patience for the greeting.
    due: Instant,
}

type Dialing = Pin<Box<dyn Future<Output = Result<Channel, LinkError>> + Send>>;

impl<E: Executor> Agent<E> {
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
    ) -> Result<Self, AgentError> {
        let (shelf, ended) = Shelf::open(&folder)?;
        let held = ended.into_iter().map(|e| (e.attempt, Held::ended(e.attempt, e.spool, e.signed))).collect();
        let permits = usize::try_from(slots).unwrap_or(1);
        Ok(Self {
            executor: Arc::new(executor),
            dialer: Dialer::new(&identity, &key, endpoint)?,
            identity,
            key: Arc::new(key),
            shelf,
            held,
            slots: Arc::new(Semaphore::new(permits)),
            slot_count: slots,
            events: mpsc::channel(64),
            lease: Lease::default(),
            metrics: Metrics::default(),
            _folder: folder,
        })
    }

    /// Works until `stop` completes; then every task is killed, and nothing of them is left.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut backoff = Backoff::default();
        let mut session: Option<Session> = None;
        let mut dialing = self.dial(Duration::ZERO);
        loop {
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

    fn dial(&self, wait: Duration) -> Dialing {
        let dialer = self.dialer.clone();
        Box::pin(async move {
            sleep(wait).await;
            dialer.dial().await
        })
    }

    /// Opens the stream and says who we are and what we hold.
    fn greet(&mut self, channel: Channel) -> Session {
        let hello = v1::Hello {
            version: env!("CARGO_PKG_VERSION").into(),
            name: self.identity.name.clone(),
            capabilities: CAPABILITIES.map(str::to_owned).to_vec(),
            slots: self.slot_count,
            posture: Some(posture(self.executor.posture())),
            held: self.held.values_mut().map(Held::introduce).collect(),
        };
        let opened = Instant::now();
        Session { link: Link::open(channel, Kind::Hello(hello)), opened, every: None, due: opened + GREETING }
    }

    fn hang_up(&mut self, session: &mut Option<Session>, ended: Ended, backoff: &mut Backoff) -> Dialing {
        let last = session.take();
        match ended {
            Ended::Broken(why) => {
                tracing::warn!(why, "the connection to the server ended");
                if last.is_some_and(|last| last.every.is_some() && last.opened.elapsed() > GOOD) {
                    backoff.reset();
                }
            }
            Ended::Unwanted(why) => {
                tracing::error!(why, "the server does not want this runner");
                self.abandon_running();
                backoff.slow();
            }
        }
        self.dial(backoff.next())
    }

    /// A heartbeat is due, or the greeting never came.
    fn beat(&mut self, session: &mut Option<Session>) -> Result<(), Ended> {
        let Some(session) = session else { return Ok(()) };
        let Some(every) = session.every else { return Err(Ended::Broken("the server does not greet".into())) };
        let now = Instant::now();
        session.due = now + every;
        let sequence = self.lease.beat(now);
        let active = self.held.keys().filter_map(|attempt| attempt.to_wire()).collect();
        session.link.send(Kind::Heartbeat(v1::Heartbeat { sequence, active, load: Some(self.metrics.look()) }));
        self.held.values_mut().for_each(Held::remind);
        Ok(())
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Started(attempt, at) => {
                tracing::info!(%attempt, "started");
                if let Some(held) = self.held.get_mut(&attempt) {
                    held.started(at);
                }
            }
            Event::Printed(_) => {} // said below, with all that can be said
            Event::Ended(attempt, signed) => {
                tracing::info!(%attempt, "ended");
                if let Some(held) = self.held.get_mut(&attempt) {
                    held.finished(signed);
                }
            }
        }
    }

    /// Says everything that can be said now.
    fn speak(&mut self, session: Option<&Session>) {
        let Some(session) = session.filter(|session| session.every.is_some()) else { return };
        for held in self.held.values_mut() {
            match held.words() {
                Ok(words) => words.into_iter().for_each(|word| session.link.send(word)),
                Err(error) => tracing::error!(attempt = %held.attempt(), %error, "output cannot be read back"),
            }
        }
    }

    /// Starts a verified attempt; says why not, and whether another runner might.
    fn begin(&mut self, verified: Verified) -> Result<(), (String, bool)> {
        let attempt = verified.attempt();
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            return Err(("every slot of this runner is taken".into(), true));
        };
        let spool = match self.shelf.begin(attempt) {
            Ok(Some(spool)) => Arc::new(Mutex::new(spool)),
            Ok(None) => return Err(("this runner has begun this attempt, or a later one, before".into(), false)),
            Err(error) => return Err((format!("the runner's disk cannot be written: {error}"), true)),
        };
        let (order, orders) = watch::channel(Order::Run);
        let performance = Performance {
            executor: Arc::clone(&self.executor),
            verified,
            me: self.me(),
            key: Arc::clone(&self.key),
            spool: Arc::clone(&spool),
            orders,
            events: self.events.0.clone(),
            slot,
        };
        tokio::spawn(performance.run());
        self.held.insert(attempt, Held::begun(attempt, spool, order));
        Ok(())
    }

    fn me(&self) -> Me {
        Me { runner: self.identity.runner, tenant: self.identity.tenant, grant_key: self.identity.grant_key }
    }

    /// Kills what runs: others may have it by now. What ended is kept, in case the server still wants it.
    fn abandon_running(&mut self) {
        for (attempt, held) in self.held.extract_if(|_, held| held.is_running()) {
            tracing::warn!(%attempt, "killed, because it is no longer ours");
            held.abandon();
        }
    }

    /// Kills everything and waits until nothing is left of it.
    async fn leave(mut self) {
        self.abandon_running();
        let Self { slots, slot_count, events: (sender, mut receiver), .. } = self;
        drop(sender);
        let gone = async {
            // Attempts that are ending still tell; somebody must listen, or they would wait.
            let listening = async { while receiver.recv().await.is_some() {} };
            let (_, all) = tokio::join!(listening, slots.acquire_many(slot_count));
            drop(all);
        };
        if timeout(LEAVING, gone).await.is_err() {
            tracing::error!("a sandbox is slow to go; it dies with this process");
        }
    }
}

/// The next word of the server; never, without a stream.
async fn next(session: &mut Option<Session>) -> Result<v1::server_message::Kind, Ended> {
    match session {
        Some(session) => session.link.next().await,
        None => std::future::pending().await,
    }
}

fn posture(posture: &crate::sandbox::Posture) -> v1::Posture {
    let unfit = posture.fit.as_ref().err();
    v1::Posture {
        bubblewrap: posture.bubblewrap.clone().unwrap_or_default(),
        seccomp: posture.seccomp,
        user_namespaces: posture.user_namespaces,
        sockets_scoped: posture.sockets_scoped,
        limiter: posture.limiter.to_string(),
        limiter_note: posture.limiter_note.clone(),
        account: posture.account.clone(),
        unfit: unfit.map(|unfit| v1::Unfit { cause: unfit.cause.clone(), fix: unfit.fix.clone() }),
    }
}
