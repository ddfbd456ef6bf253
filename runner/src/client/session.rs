//! Session with the server: connecting, greeting, heartbeats, reconnecting.

use super::{Client, attempts::HeldAttempt, stream::Session};
use crate::{
    link::{Backoff, Link, LinkError, StreamEnd},
    sandbox::{self, Executor},
    work::CAPABILITIES,
};
use std::{future::Future, pin::Pin, time::Duration};
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::Channel;
use wire::v1::{self, runner_message::Kind};

/// The timeout of the server's greeting.
const GREETING_TIMEOUT: Duration = Duration::from_secs(10);
/// The timeout of the server's answer to the end of the session.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(2);
/// The duration after which a stream counts as stable and the backoff is reset.
const STABLE_AFTER: Duration = Duration::from_secs(5);

/// A pending connection.
pub(super) type Dialing = Pin<Box<dyn Future<Output = Result<Channel, LinkError>> + Send>>;

impl<E: Executor> Client<E> {
    pub(super) fn dial(&self, wait: Duration) -> Dialing {
        let dialer = self.dialer.clone();
        Box::pin(async move {
            sleep(wait).await;
            dialer.dial().await
        })
    }

    /// Opens the stream and sends the greeting.
    pub(super) fn greet(&mut self, channel: Channel) -> Session {
        let hello = v1::Hello {
            version: env!("CARGO_PKG_VERSION").into(),
            name: self.identity.name.clone(),
            capabilities: CAPABILITIES.map(str::to_owned).to_vec(),
            slots: self.slot_count,
            posture: Some(posture(self.executor.posture())),
            held: self.held.values_mut().map(HeldAttempt::reset_for_greeting).collect(),
            checkpoint: self.witness.note().to_owned(),
        };
        let opened = Instant::now();
        Session { link: Link::open(channel, Kind::Hello(hello)), opened, every: None, due: opened + GREETING_TIMEOUT }
    }

    pub(super) fn disconnect(
        &mut self,
        session: &mut Option<Session>,
        ended: StreamEnd,
        backoff: &mut Backoff,
    ) -> Dialing {
        let last = session.take();
        self.renewal.forget();
        match ended {
            StreamEnd::Broken(why) => {
                tracing::warn!(why, "the connection to the server ended");
                if last.is_some_and(|last| last.every.is_some() && last.opened.elapsed() > STABLE_AFTER) {
                    backoff.reset();
                }
            }
            StreamEnd::Unwanted(why) => {
                tracing::error!(why, "the server rejected this runner");
                self.abandon_running();
                backoff.slow();
            }
        }
        self.dial(backoff.next())
    }

    /// Sends a heartbeat, or fails if the greeting timed out.
    pub(super) fn send_heartbeat(&mut self, session: &mut Option<Session>) -> Result<(), StreamEnd> {
        let Some(session) = session else { return Ok(()) };
        let Some(every) = session.every else {
            return Err(StreamEnd::Broken("the server did not send its greeting in time".into()));
        };
        self.note_suspension(); // a heartbeat sent after a suspension must not count as sent before it
        let now = Instant::now();
        session.due = now + every;
        let sequence = self.lease.heartbeat(now);
        let active = self.held.keys().filter_map(|attempt| attempt.to_wire()).collect();
        session.link.send(Kind::Heartbeat(v1::Heartbeat { sequence, active, load: Some(self.metrics.read()) }));
        self.held.values_mut().for_each(HeldAttempt::resend_receipt);
        Ok(())
    }
}

/// Reports to the server that the operator stopped this runner, and waits until it has recorded that.
pub(super) async fn leave(session: Option<Session>) {
    let Some(mut session) = session else { return };
    session.link.send(Kind::Stopping(v1::Stopping {}));
    let ended = async { while session.link.next().await.is_ok() {} };
    let _ = timeout(LEAVE_TIMEOUT, ended).await; // without an answer it counts as silent
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
        separate_ids: posture.separate_ids,
        ids_note: posture.ids_note.clone(),
        unfit: unfit.map(|unfit| v1::Unfit { cause: unfit.cause.clone(), fix: unfit.fix.clone() }),
    }
}
