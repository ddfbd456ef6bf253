//! Runner connection: one stream from its hello message to its end. Every message is accepted only while the certificate is
//! valid.

use super::{
    Shared, convert,
    registry::{Connection, Outgoing},
    sent_checkpoint::SentCheckpoint,
    status::{internal_error, status_of, unknown_runner},
};
use crate::{
    metrics::{OpenStream, StreamKind},
    pki::RunnerPeer,
};
use domain::{Actor, RunnerId, succession::Succession};
use std::{collections::HashSet, sync::Arc, time::Duration};
use store::{LEASE, Lease};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};
use uuid::Uuid;
use wire::v1::{self, RunnerMessage, runner_message::Kind, server_message};

/// Heartbeat interval of runners, several times shorter than a lease.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Timeout after the last message, well before the leases of the runner expire.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(15);
/// Timeout of the hello message.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout of sending a message to a runner that does not read.
pub(super) const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum number of concurrent tasks per runner.
const MAX_SLOTS: u32 = 1_024;

/// Serves one stream to its end.
pub(super) async fn run(
    shared: Arc<Shared>,
    peer: RunnerPeer,
    actor: Actor,
    from: Streaming<RunnerMessage>,
    to: Outgoing,
) {
    let _open = OpenStream::count(StreamKind::Runner);
    let (end, stream) = (shared.stop.child_token(), store::new_id());
    let mut session = Session {
        shared,
        peer,
        actor,
        to,
        end,
        stream,
        public_key: Vec::new(),
        reported_stale_leases: HashSet::new(),
        sent_checkpoint: SentCheckpoint::none(),
        stopped: false,
    };
    let (end, runner) = (session.end.clone(), session.runner());
    let ended = tokio::select! {
        ended = session.serve(from) => ended,
        () = end.cancelled() => Ok(()),
    };
    let was_current = session.shared.registry.unregister(runner, stream);
    if let Err(status) = ended {
        tracing::info!(%runner, %status, "a runner stream ended");
        let _ = session.to.try_send(Err(status)); // it may have disconnected
    }
    if was_current && let Err(error) = session.record_disconnect().await {
        tracing::warn!(%error, %runner, "the disconnection of a runner could not be recorded");
    }
}

pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    peer: RunnerPeer,
    pub(super) actor: Actor,
    pub(super) to: Outgoing,
    pub(super) end: CancellationToken,
    stream: Uuid,
    /// Key that verifies the runner's receipts.
    pub(super) public_key: Vec<u8>,
    /// Leases for which stale messages were already audited.
    pub(super) reported_stale_leases: HashSet<Lease>,
    pub(super) sent_checkpoint: SentCheckpoint,
    /// Whether the runner reported that its operator stopped it.
    stopped: bool,
}

/// Unregisters the connection in any case; otherwise the dispatcher would keep assigning tasks to it.
impl Drop for Session {
    fn drop(&mut self) {
        self.shared.registry.unregister(self.runner(), self.stream);
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
        let first =
            timeout(HELLO_TIMEOUT, from.message()).await.map_err(|_| Status::deadline_exceeded("no hello message"))?;
        match first?.and_then(|message| message.kind) {
            Some(Kind::Hello(hello)) => self.greet(hello).await?,
            _ => return Err(Status::failed_precondition("the first message must be a hello")),
        }
        let silent = |_| Status::deadline_exceeded("three heartbeats were missed");
        while let Some(message) = timeout(SILENCE_TIMEOUT, from.message()).await.map_err(silent)?? {
            // Checked for every message, so that messages of a revoked runner are rejected even before its stream is closed.
            self.actor = match self.shared.actor(self.peer).await.map_err(|error| internal_error(&error))? {
                Some(actor) => actor,
                None => return Err(unknown_runner()),
            };
            let kind = message.kind.ok_or_else(|| Status::invalid_argument("unknown message kind"))?;
            if matches!(kind, Kind::Stopping(_)) {
                self.stopped = true;
                return Ok(());
            }
            self.handle(kind).await?;
        }
        Ok(())
    }

    /// Reconciles leases with a newly connected runner: tasks that it no longer runs return to the queue.
    async fn greet(&mut self, hello: v1::Hello) -> Result<(), Status> {
        let checkpoint = self.compare_witness(&hello.checkpoint).await?;
        let capabilities = convert::capabilities(&hello.capabilities)?;
        let posture = hello.posture.unwrap_or_default();
        let slots = hello.slots.clamp(1, MAX_SLOTS);
        let held = convert::leases(hello.held.iter().map(|held| held.attempt.as_ref()))?;
        let greeted = async {
            let mut write = self.shared.store().write(&self.actor).await?;
            // Lock order of all transactions: tasks, runner, audit log.
            write.release_unlisted_leases(&held).await?;
            let lost = write.renew_leases(&held).await?;
            write.confirm_runner_certificate(&self.peer.serial.to_string()).await?;
            let version = convert::sanitize(&hello.version);
            write.runner_connected(&version, &capabilities.join(","), &convert::posture(&posture), slots).await?;
            write.commit().await?;
            let mut read = self.shared.store().read(&self.actor).await?;
            self.public_key = read.runner(self.runner()).await?.public_key;
            Ok((lost, read.leased_tasks().await?))
        };
        let (lost, running) = greeted.await.map_err(|error| status_of(&error))?;

        let lines = |successions: &[Succession]| successions.iter().map(Succession::line).collect();
        let seconds = |span: Duration| u32::try_from(span.as_secs()).unwrap_or(1);
        let welcome = v1::Welcome {
            server_time: self.shared.store().now().0,
            heartbeat_seconds: seconds(HEARTBEAT),
            lease_seconds: seconds(LEASE),
            grant_public_key: self.shared.app.keys.grants.public_key().to_vec().into(),
            renew: self.peer.is_renewal_due(self.shared.store().now()),
            checkpoint,
            checkpoint_successions: lines(self.shared.app.keys.checkpoints.successions()),
            grant_successions: lines(self.shared.app.keys.grants.successions()),
        };
        self.send(server_message::Kind::Welcome(welcome)).await?;
        for lease in lost {
            self.lost(lease).await?;
        }
        for task in running {
            self.lines_ack(task.lease(), task.next_line).await?;
        }
        self.shared.registry.register(Connection {
            runner: self.runner(),
            stream: self.stream,
            actor: self.actor.clone(),
            capabilities,
            slots: usize::try_from(slots).unwrap_or(1),
            sandbox_works: posture.unfit.is_none(),
            to: self.to.clone(),
            end: self.end.clone(),
            cancelled: HashSet::new(),
            paused_until: None,
        });
        Ok(())
    }

    pub(super) async fn heartbeat(&mut self, heartbeat: v1::Heartbeat) -> Result<(), Status> {
        let renew = self.peer.is_renewal_due(self.shared.store().now());
        let active = convert::leases(heartbeat.active.iter().map(Some))?;
        let renewed = async {
            let mut write = self.shared.store().write(&self.actor).await?;
            write.touch_runner().await?;
            let lost = write.renew_leases(&active).await?;
            write.commit().await?;
            Ok(lost)
        };
        for lease in renewed.await.map_err(|error| status_of(&error))? {
            self.lost(lease).await?;
        }
        self.send_checkpoint().await?;
        self.send(server_message::Kind::HeartbeatAck(v1::HeartbeatAck { sequence: heartbeat.sequence, renew })).await
    }

    pub(super) async fn lost(&self, lease: Lease) -> Result<(), Status> {
        self.send(server_message::Kind::LeaseLost(v1::LeaseLost { attempt: convert::attempt(lease) })).await
    }

    async fn lines_ack(&self, lease: Lease, next_line: i64) -> Result<(), Status> {
        let next_line = u64::try_from(next_line).unwrap_or(1);
        self.send(server_message::Kind::LinesAck(v1::LinesAck { attempt: convert::attempt(lease), next_line })).await
    }

    pub(super) async fn send(&self, kind: server_message::Kind) -> Result<(), Status> {
        let sent = timeout(SEND_TIMEOUT, self.to.send(Ok(convert::message(kind)))).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            _ => Err(Status::unavailable("the runner does not read")),
        }
    }

    async fn record_disconnect(&self) -> store::Result<()> {
        let mut write = self.shared.store().write(&self.actor).await?;
        write.runner_disconnected(self.stopped).await?;
        write.commit().await
    }
}
