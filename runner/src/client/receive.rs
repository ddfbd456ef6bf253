//! Server messages: their validation and effects.

use super::{Client, stream::Session};
use crate::{
    clock,
    link::{Dialer, StreamEnd},
    sandbox::Executor,
    witness::WitnessError,
    work::{Attempt, verify},
};
use domain::{
    Invalid, Timestamp,
    grant::EXPIRED,
    succession::{CHECKPOINTS, GRANTS},
};
use std::time::Duration;
use tokio::time::Instant;
use wire::v1::{self, runner_message, server_message::Kind};

/// The minimum length of a lease in seconds, and the minimum number of heartbeats in it.
const MIN_LEASE_SECONDS: u32 = 3;

impl<E: Executor> Client<E> {
    /// Handles one message of the server; an unexpected message ends the stream.
    pub(super) fn receive(&mut self, kind: Kind, session: &mut Option<Session>) -> Result<(), StreamEnd> {
        let Some(session) = session else { return Ok(()) };
        let welcomed = session.every.is_some();
        match kind {
            Kind::Welcome(welcome) if !welcomed => return self.welcomed(&welcome, session),
            Kind::Reject(reject) => return Err(StreamEnd::Unwanted(reject.reason)),
            Kind::HeartbeatAck(ack) if welcomed => {
                self.lease.acknowledged(ack.sequence);
                if ack.renew {
                    self.request_renewal(session);
                }
            }
            Kind::Checkpoint(v1::Checkpoint { note }) if welcomed => self.see_checkpoint(&note)?,
            Kind::Renewed(v1::Renewed { certificate }) if welcomed => return self.renewed(certificate),
            Kind::Assign(assign) if welcomed => self.assigned(&assign, session)?,
            Kind::Cancel(v1::Cancel { attempt }) if welcomed => {
                if let Some(held) = self.held.get(&parse_attempt(attempt.as_ref())?) {
                    held.cancel();
                }
            }
            Kind::LinesAck(v1::LinesAck { attempt, next_line }) if welcomed => {
                if let Some(held) = self.held.get_mut(&parse_attempt(attempt.as_ref())?) {
                    held.acknowledged(next_line);
                }
            }
            Kind::FinishedAck(v1::FinishedAck { attempt }) if welcomed => {
                let attempt = parse_attempt(attempt.as_ref())?;
                // An attempt that still runs has not finished, even if the server acknowledges its end.
                if self.held.get(&attempt).is_some_and(|held| !held.is_running())
                    && let Some(held) = self.held.remove(&attempt)
                {
                    held.forget();
                }
            }
            Kind::LeaseLost(v1::LeaseLost { attempt }) if welcomed => {
                let attempt = parse_attempt(attempt.as_ref())?;
                if let Some(held) = self.held.remove(&attempt) {
                    tracing::warn!(%attempt, "lease lost: the server has assigned the task again");
                    self.kill(held);
                }
            }
            _ => return Err(StreamEnd::Broken("the server sent an unexpected message".into())),
        }
        Ok(())
    }

    fn welcomed(&mut self, welcome: &v1::Welcome, session: &mut Session) -> Result<(), StreamEnd> {
        self.follow_grant_key(&welcome.grant_public_key, &welcome.grant_successions)?;
        self.follow_checkpoint_key(&welcome.checkpoint_successions)?;
        self.see_checkpoint(&welcome.checkpoint)?;
        let lease = welcome.lease_seconds.max(MIN_LEASE_SECONDS);
        let every = welcome.heartbeat_seconds.clamp(1, lease / MIN_LEASE_SECONDS);
        self.clock_offset = welcome.server_time.saturating_sub(clock::now().0);
        self.lease.start(session.opened, Duration::from_secs(lease.into()));
        session.every = Some(Duration::from_secs(every.into()));
        session.due = Instant::now();
        tracing::info!(lease, every, "connected");
        if welcome.renew {
            self.request_renewal(session);
        }
        Ok(())
    }

    /// Accepts successors of the pinned key that verifies grants. A key that was replaced, and another successor than the one that was
    /// accepted, are those of somebody with a copy of an old key.
    fn follow_grant_key(&mut self, key: &[u8], successions: &[String]) -> Result<(), StreamEnd> {
        let (known, keys) = (self.identity.grant_keys(), self.identity.grant_key.with_successors(GRANTS, successions));
        if !keys.starts_with(&known) || keys.last().is_none_or(|last| last.0 != key) {
            return Err(StreamEnd::Unwanted(
                "its grant key is not the one of enrollment or a successor that this one signed; enroll this runner again, if \
                 the server is yours"
                    .into(),
            ));
        }
        if keys.len() == known.len() {
            return Ok(());
        }
        tracing::info!("the server replaced its grant key; the new key is accepted from now on");
        self.identity.grant_successions = successions.to_vec();
        self.identity.save(&self.folder).map_err(|error| StreamEnd::Broken(error.to_string()))
    }

    /// Accepts successors of the pinned key that verifies checkpoints.
    fn follow_checkpoint_key(&mut self, successions: &[String]) -> Result<(), StreamEnd> {
        if !self.witness.accept_keys(self.identity.checkpoint_key.with_successors(CHECKPOINTS, successions)) {
            return Ok(());
        }
        self.identity.checkpoint_successions = successions.to_vec();
        self.identity.save(&self.folder).map_err(|error| StreamEnd::Broken(error.to_string()))
    }

    /// Remembers the head of the audit log, or rejects a server whose log was rolled back or forked.
    fn see_checkpoint(&mut self, note: &str) -> Result<(), StreamEnd> {
        self.witness.see(&self.folder, note).map_err(|error| match error {
            WitnessError::Folder(error) => StreamEnd::Broken(error.to_string()),
            error => StreamEnd::Unwanted(error.to_string()),
        })
    }

    /// Requests a new certificate. A failure is retried with a later heartbeat, because the old one is still valid.
    fn request_renewal(&mut self, session: &Session) {
        match self.renewal.request(&self.folder, &self.identity) {
            Ok(Some(csr)) => session.link.send(runner_message::Kind::Renew(v1::Renew { csr })),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "certificate renewal failed; retrying later"),
        }
    }

    /// Installs a new certificate and reconnects with it; running tasks continue, because their leases last longer
    /// than that.
    fn renewed(&mut self, certificate: String) -> Result<(), StreamEnd> {
        let renewed = self.renewal.accept(&self.folder, &self.identity, certificate);
        let dialer = renewed.map_err(|error| error.to_string()).and_then(|(identity, key)| {
            let dialer = Dialer::new(&identity, &key, self.endpoint.clone()).map_err(|error| error.to_string())?;
            Ok((identity, dialer))
        });
        match dialer {
            Ok((identity, dialer)) => {
                (self.identity, self.dialer) = (identity, dialer);
                tracing::info!("certificate renewed");
                Err(StreamEnd::Broken("reconnecting with the new certificate".into()))
            }
            Err(error) => {
                tracing::error!(error, "the new certificate is invalid; the previous one stays in use");
                Ok(())
            }
        }
    }

    /// Starts a granted attempt, or refuses it with the reason. A grant that has already expired shows that a clock
    /// was changed after the greeting: the next greeting compares the clocks again, and the task is assigned again.
    fn assigned(&mut self, assign: &v1::Assign, session: &Session) -> Result<(), StreamEnd> {
        let attempt = parse_attempt(assign.attempt.as_ref())?;
        let now = Timestamp(clock::now().0.saturating_add(self.clock_offset));
        let trusted = self.pinned.trusted().map_err(|error| Invalid::new("consent", error.to_string()));
        let verified = match trusted.and_then(|trusted| verify(assign, &self.context(), &trusted, now)) {
            Err(error) if error.reason == EXPIRED => {
                return Err(StreamEnd::Broken(
                    "a grant had expired on arrival; reconnecting to compare the clocks".into(),
                ));
            }
            verified => verified.map_err(|error| (error.to_string(), false)),
        };
        if let Err((reason, elsewhere)) = verified.and_then(|verified| self.begin(verified)) {
            tracing::warn!(%attempt, reason, "attempt refused");
            let refused = v1::Refused { attempt: attempt.to_wire(), reason, elsewhere };
            session.link.send(runner_message::Kind::Refused(refused));
        }
        Ok(())
    }
}

fn parse_attempt(attempt: Option<&v1::Attempt>) -> Result<Attempt, StreamEnd> {
    Attempt::from_wire(attempt)
        .map_err(|error| StreamEnd::Broken(format!("the server sent an invalid attempt: {error}")))
}
