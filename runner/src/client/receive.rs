//! What the server says, and what follows from it.

use std::time::Duration;

use domain::{Timestamp, grant::EXPIRED};
use tokio::time::Instant;
use wire::v1::{self, runner_message, server_message::Kind};

use super::{Client, stream::Session};
use crate::{
    clock,
    link::{Dialer, Ended},
    sandbox::Executor,
    work::{Attempt, verify},
};

/// A lease is at least so long, and a heartbeat comes at least three times in it.
const SHORTEST_LEASE: u32 = 3;

impl<E: Executor> Client<E> {
    /// Does what the server says; anything that makes no sense ends the stream.
    pub(super) fn hear(&mut self, kind: Kind, session: &mut Option<Session>) -> Result<(), Ended> {
        let Some(session) = session else { return Ok(()) };
        let welcomed = session.every.is_some();
        match kind {
            Kind::Welcome(welcome) if !welcomed => return self.welcomed(&welcome, session),
            Kind::Reject(reject) => return Err(Ended::Unwanted(reject.reason)),
            Kind::HeartbeatAck(ack) if welcomed => {
                self.lease.heard(ack.sequence);
                if ack.renew {
                    self.ask_to_renew(session);
                }
            }
            Kind::Renewed(v1::Renewed { certificate }) if welcomed => return self.renewed(certificate),
            Kind::Assign(assign) if welcomed => self.assigned(&assign, session)?,
            Kind::Cancel(v1::Cancel { attempt }) if welcomed => {
                if let Some(held) = self.held.get(&named(attempt.as_ref())?) {
                    held.cancel();
                }
            }
            Kind::LinesAck(v1::LinesAck { attempt, next_line }) if welcomed => {
                if let Some(held) = self.held.get_mut(&named(attempt.as_ref())?) {
                    held.acknowledged(next_line);
                }
            }
            Kind::FinishedAck(v1::FinishedAck { attempt }) if welcomed => {
                let attempt = named(attempt.as_ref())?;
                // An attempt that still runs has not finished, whatever anybody says.
                if self.held.get(&attempt).is_some_and(|held| !held.is_running())
                    && let Some(held) = self.held.remove(&attempt)
                {
                    held.forget();
                }
            }
            Kind::LeaseLost(v1::LeaseLost { attempt }) if welcomed => {
                let attempt = named(attempt.as_ref())?;
                if let Some(held) = self.held.remove(&attempt) {
                    tracing::warn!(%attempt, "the server has given it to somebody else");
                    self.kill(held);
                }
            }
            _ => return Err(Ended::Broken("the server spoke out of turn".into())),
        }
        Ok(())
    }

    fn welcomed(&mut self, welcome: &v1::Welcome, session: &mut Session) -> Result<(), Ended> {
        if welcome.grant_public_key != self.identity.grant_key.0.as_slice() {
            return Err(Ended::Unwanted(
                "its key for grants is another than at enrollment; enroll this runner again".into(),
            ));
        }
        let lease = welcome.lease_seconds.max(SHORTEST_LEASE);
        let every = welcome.heartbeat_seconds.clamp(1, lease / SHORTEST_LEASE);
        self.ahead = welcome.server_time.saturating_sub(clock::now().0);
        self.lease.welcomed(session.opened, Duration::from_secs(lease.into()));
        session.every = Some(Duration::from_secs(every.into()));
        session.due = Instant::now();
        tracing::info!(lease, every, "connected");
        if welcome.renew {
            self.ask_to_renew(session);
        }
        Ok(())
    }

    /// Asks for another certificate. What goes wrong here is tried again with a later heartbeat: the old one still counts.
    fn ask_to_renew(&mut self, session: &Session) {
        match self.renewal.request(&self.folder, &self.identity) {
            Ok(Some(csr)) => session.link.send(runner_message::Kind::Renew(v1::Renew { csr })),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the certificate cannot be renewed yet"),
        }
    }

    /// Takes up another certificate and comes back with it: tasks go on meanwhile, and their leases last longer than that.
    fn renewed(&mut self, certificate: String) -> Result<(), Ended> {
        let renewed = self.renewal.accept(&self.folder, &self.identity, certificate);
        let dialer = renewed.map_err(|error| error.to_string()).and_then(|(identity, key)| {
            let dialer = Dialer::new(&identity, &key, self.endpoint.clone()).map_err(|error| error.to_string())?;
            Ok((identity, dialer))
        });
        match dialer {
            Ok((identity, dialer)) => {
                (self.identity, self.dialer) = (identity, dialer);
                tracing::info!("the certificate is renewed");
                Err(Ended::Broken("it is opened again with the new certificate".into()))
            }
            Err(error) => {
                tracing::error!(error, "the new certificate cannot be used; the old one still counts");
                Ok(())
            }
        }
    }

    /// Starts exactly what was granted, or says why not. A grant that has expired when it comes shows that one of the clocks
    /// has moved since the greeting: the next greeting compares them anew, and the task is assigned again.
    fn assigned(&mut self, assign: &v1::Assign, session: &Session) -> Result<(), Ended> {
        let attempt = named(assign.attempt.as_ref())?;
        let now = Timestamp(clock::now().0.saturating_add(self.ahead));
        let verified = match verify(assign, &self.me(), now) {
            Err(error) if error.reason == EXPIRED => {
                return Err(Ended::Broken("a grant had expired when it came; the clocks are compared anew".into()));
            }
            verified => verified.map_err(|error| (error.to_string(), false)),
        };
        if let Err((reason, elsewhere)) = verified.and_then(|verified| self.begin(verified)) {
            tracing::warn!(%attempt, reason, "refused");
            let refused = v1::Refused { attempt: attempt.to_wire(), reason, elsewhere };
            session.link.send(runner_message::Kind::Refused(refused));
        }
        Ok(())
    }
}

fn named(attempt: Option<&v1::Attempt>) -> Result<Attempt, Ended> {
    Attempt::from_wire(attempt).map_err(|error| Ended::Broken(format!("the server named no attempt: {error}")))
}
