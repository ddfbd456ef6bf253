//! The stream to the server: opened, greeted on, kept alive, and opened again.

use std::{future::Future, pin::Pin, time::Duration};

use tokio::time::{Instant, sleep};
use tonic::transport::Channel;
use wire::v1::{self, runner_message::Kind};

use super::{Client, held::Held};
use crate::{
    link::{Backoff, Ended, Link, LinkError},
    sandbox::{self, Executor},
    work::CAPABILITIES,
};

/// How long the server may take to greet us.
const GREETING: Duration = Duration::from_secs(10);
/// A stream that held for so long was a good one: the next is tried for at once.
const GOOD: Duration = Duration::from_secs(5);

/// A connection on its way.
pub(super) type Dialing = Pin<Box<dyn Future<Output = Result<Channel, LinkError>> + Send>>;

/// The stream that is open, and since when.
#[derive(Debug)]
pub(super) struct Session {
    pub link: Link,
    pub opened: Instant,
    /// How often a heartbeat is due; absent until the server has greeted us.
    pub every: Option<Duration>,
    /// The next heartbeat, or the end of our patience for the greeting.
    pub due: Instant,
}

impl<E: Executor> Client<E> {
    pub(super) fn dial(&self, wait: Duration) -> Dialing {
        let dialer = self.dialer.clone();
        Box::pin(async move {
            sleep(wait).await;
            dialer.dial().await
        })
    }

    /// Opens the stream and says who we are and what we hold.
    pub(super) fn greet(&mut self, channel: Channel) -> Session {
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

    pub(super) fn hang_up(&mut self, session: &mut Option<Session>, ended: Ended, backoff: &mut Backoff) -> Dialing {
        let last = session.take();
        self.renewal.forget();
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
    pub(super) fn beat(&mut self, session: &mut Option<Session>) -> Result<(), Ended> {
        let Some(session) = session else { return Ok(()) };
        let Some(every) = session.every else { return Err(Ended::Broken("the server does not greet".into())) };
        self.note_sleep(); // what is sent after it was not sent before it
        let now = Instant::now();
        session.due = now + every;
        let sequence = self.lease.beat(now);
        let active = self.held.keys().filter_map(|attempt| attempt.to_wire()).collect();
        session.link.send(Kind::Heartbeat(v1::Heartbeat { sequence, active, load: Some(self.metrics.look()) }));
        self.held.values_mut().for_each(Held::remind);
        Ok(())
    }
}

/// The next word of the server; never, without a stream.
pub(super) async fn next(session: &mut Option<Session>) -> Result<v1::server_message::Kind, Ended> {
    match session {
        Some(session) => session.link.next().await,
        None => std::future::pending().await,
    }
}

fn posture(posture: &sandbox::Posture) -> v1::Posture {
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
