//! One runner's stream, from its greeting to its end: every message is heard only while its certificate counts.

use std::{collections::HashSet, sync::Arc, time::Duration};

use domain::{Actor, RunnerId};
use store::{Error, LEASE, Lease};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};
use uuid::Uuid;
use wire::v1::{self, RunnerMessage, runner_message::Kind, server_message};

use super::{
    Shared,
    calls::{inside, unknown},
    certificate_renewal,
    registry::{Connection, Outgoing},
    words,
};
use crate::pki::RunnerPeer;

/// How often a runner says that it lives; several fit into a lease.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// A runner that says nothing for so long gets no more tasks: well before its leases end.
const SILENCE: Duration = Duration::from_secs(15);
/// How long a runner may take to introduce itself.
const GREETING: Duration = Duration::from_secs(10);
/// How long a message may wait because the runner does not read.
pub(super) const READING: Duration = Duration::from_secs(30);
/// The most tasks that one runner runs at once.
const SLOTS: u32 = 1_024;

/// Serves one stream to its end.
pub(super) async fn run(
    shared: Arc<Shared>,
    peer: RunnerPeer,
    actor: Actor,
    from: Streaming<RunnerMessage>,
    to: Outgoing,
) {
    let (end, stream) = (shared.stop.child_token(), super::new_id());
    let mut session = Session { shared, peer, actor, to, end, stream, public_key: Vec::new(), noted: HashSet::new() };
    let (end, runner) = (session.end.clone(), session.runner());
    let ended = tokio::select! {
        ended = session.serve(from) => ended,
        () = end.cancelled() => Ok(()),
    };
    let was_last = session.shared.registry.leave(runner, stream);
    if let Err(status) = ended {
        tracing::info!(%runner, %status, "a runner's stream ended");
        let _ = session.to.try_send(Err(status)); // it may be gone
    }
    if was_last && let Err(error) = session.gone().await {
        tracing::warn!(%error, %runner, "that a runner went is not recorded");
    }
}

pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    peer: RunnerPeer,
    pub(super) actor: Actor,
    pub(super) to: Outgoing,
    pub(super) end: CancellationToken,
    stream: Uuid,
    /// What its receipts are checked with.
    pub(super) public_key: Vec<u8>,
    /// Of which leases it was recorded that they are not its own.
    pub(super) noted: HashSet<Lease>,
}

/// However it ends, its connection is free: the dispatcher would go on giving it tasks.
impl Drop for Session {
    fn drop(&mut self) {
        self.shared.registry.leave(self.runner(), self.stream);
    }
}

impl Session {
    pub(super) fn peer(&self) -> RunnerPeer {
        self.peer
    }

    pub(super) fn runner(&self) -> RunnerId {
        RunnerId(self.peer.runner)
    }

    async fn serve(&mut self, mut from: Streaming<RunnerMessage>) -> Result<(), Status> {
        let first = timeout(GREETING, from.message()).await.map_err(|_| Status::deadline_exceeded("no greeting"))?;
        match first?.and_then(|message| message.kind) {
            Some(Kind::Hello(hello)) => self.greet(hello).await?,
            _ => return Err(Status::failed_precondition("a stream begins with a greeting")),
        }
        let silent = |_| Status::deadline_exceeded("three heartbeats are missing");
        while let Some(message) = timeout(SILENCE, from.message()).await.map_err(silent)?? {
            // Asked for every message, so that a revoked runner is not heard even before its stream is cut.
            self.actor = match self.shared.actor(self.peer).await.map_err(|error| inside(&error))? {
                Some(actor) => actor,
                None => return Err(unknown()),
            };
            let kind = message.kind.ok_or_else(|| Status::invalid_argument("a kind of message that is not known"))?;
            self.hear(kind).await?;
        }
        Ok(())
    }

    /// Compares books with a runner that has just come: what it does not have any more goes back to the queue.
    async fn greet(&mut self, hello: v1::Hello) -> Result<(), Status> {
        let capabilities = words::capabilities(&hello.capabilities)?;
        let posture = hello.posture.unwrap_or_default();
        let slots = hello.slots.clamp(1, SLOTS);
        let held = words::leases(hello.held.iter().map(|held| held.attempt.as_ref()))?;
        let greeted = async {
            let mut write = self.shared.store().write(&self.actor).await?;
            // The runner, its tasks, and what is recorded: the order in which everybody takes them.
            write.release_unheld(&held).await?;
            let lost = write.renew_leases(&held).await?;
            write.runner_shows(&self.peer.serial.to_string()).await?;
            let version = words::plain(&hello.version);
            write.runner_connected(&version, &capabilities.join(","), &words::posture(&posture), slots).await?;
            write.commit().await?;
            let mut read = self.shared.store().read(&self.actor).await?;
            self.public_key = read.runner(self.runner()).await?.public_key;
            Ok((lost, read.held().await?))
        };
        let (lost, books) = greeted.await.map_err(|error| told(&error))?;

        let seconds = |span: Duration| u32::try_from(span.as_secs()).unwrap_or(1);
        let welcome = v1::Welcome {
            server_time: self.shared.store().now().0,
            heartbeat_seconds: seconds(HEARTBEAT),
            lease_seconds: seconds(LEASE),
            grant_public_key: self.shared.app.keys.grants.public_key().to_vec().into(),
            renew: certificate_renewal::is_due(&self.peer, self.shared.store().now()),
        };
        self.say(server_message::Kind::Welcome(welcome)).await?;
        for lease in lost {
            self.lost(lease).await?;
        }
        for task in books {
            self.lines_ack(task.lease(), task.next_line).await?;
        }
        self.shared.registry.sit(Connection {
            runner: self.runner(),
            stream: self.stream,
            actor: self.actor.clone(),
            capabilities,
            slots: usize::try_from(slots).unwrap_or(1),
            fit: posture.unfit.is_none(),
            to: self.to.clone(),
            end: self.end.clone(),
            cancelled: HashSet::new(),
            rests_until: None,
        });
        Ok(())
    }

    pub(super) async fn heartbeat(&self, heartbeat: v1::Heartbeat) -> Result<(), Status> {
        let renew = certificate_renewal::is_due(&self.peer, self.shared.store().now());
        let active = words::leases(heartbeat.active.iter().map(Some))?;
        let renewed = async {
            let mut write = self.shared.store().write(&self.actor).await?;
            write.runner_seen().await?;
            let lost = write.renew_leases(&active).await?;
            write.commit().await?;
            Ok(lost)
        };
        for lease in renewed.await.map_err(|error| told(&error))? {
            self.lost(lease).await?;
        }
        self.say(server_message::Kind::HeartbeatAck(v1::HeartbeatAck { sequence: heartbeat.sequence, renew })).await
    }

    pub(super) async fn lost(&self, lease: Lease) -> Result<(), Status> {
        self.say(server_message::Kind::LeaseLost(v1::LeaseLost { attempt: words::attempt(lease) })).await
    }

    async fn lines_ack(&self, lease: Lease, next_line: i64) -> Result<(), Status> {
        let next_line = u64::try_from(next_line).unwrap_or(1);
        self.say(server_message::Kind::LinesAck(v1::LinesAck { attempt: words::attempt(lease), next_line })).await
    }

    pub(super) async fn say(&self, kind: server_message::Kind) -> Result<(), Status> {
        let sent = timeout(READING, self.to.send(Ok(words::say(kind)))).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            _ => Err(Status::unavailable("the runner does not read")),
        }
    }

    async fn gone(&self) -> store::Result<()> {
        let mut write = self.shared.store().write(&self.actor).await?;
        write.runner_disconnected().await?;
        write.commit().await
    }
}

/// What a runner is told of a refusal by the store.
pub(super) fn told(error: &Error) -> Status {
    match error {
        Error::NotFound => unknown(),
        // The runner's books and ours differ: it comes again, and they are compared anew.
        Error::Conflict(conflict) => Status::aborted(conflict.message()),
        Error::Invalid(invalid) => Status::invalid_argument(invalid.to_string()),
        error => inside(error),
    }
}
