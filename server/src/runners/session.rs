//! One runner's stream: every message is heard only while its certificate counts, and every word about a task only
//! while the runner holds that task's lease.

use std::{collections::HashSet, sync::Arc, time::Duration};

use domain::{Actor, RunnerId, receipt::Receipt};
use store::{Error, LEASE, Lease};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};
use uuid::Uuid;
use wire::v1::{self, RunnerMessage, runner_message::Kind, server_message};

use super::{
    Shared,
    calls::{inside, unknown},
    desk::{Outgoing, Seat},
    words,
};
use crate::{pki::RunnerPeer, receipts};

/// How often a runner says that it lives; several fit into a lease.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long a runner may take to introduce itself.
const GREETING: Duration = Duration::from_secs(10);
/// How long a message may wait because the runner does not read.
const READING: Duration = Duration::from_secs(30);
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
    let mut session = Session { shared, peer, actor, to, end, stream, public_key: Vec::new() };
    let (end, runner) = (session.end.clone(), session.runner());
    let ended = tokio::select! {
        ended = session.serve(from) => ended,
        () = end.cancelled() => Ok(()),
    };
    let was_last = session.shared.desk.leave(runner, stream);
    if let Err(status) = ended {
        tracing::info!(%runner, %status, "a runner's stream ended");
        let _ = session.to.try_send(Err(status)); // it may be gone
    }
    if was_last && let Err(error) = session.gone().await {
        tracing::warn!(%error, %runner, "that a runner went is not recorded");
    }
}

struct Session {
    shared: Arc<Shared>,
    peer: RunnerPeer,
    actor: Actor,
    to: Outgoing,
    end: CancellationToken,
    stream: Uuid,
    /// What its receipts are checked with.
    public_key: Vec<u8>,
}

impl Session {
    fn runner(&self) -> RunnerId {
        RunnerId(self.peer.runner)
    }

    async fn serve(&mut self, mut from: Streaming<RunnerMessage>) -> Result<(), Status> {
        let first = timeout(GREETING, from.message()).await.map_err(|_| Status::deadline_exceeded("no greeting"))?;
        match first?.and_then(|message| message.kind) {
            Some(Kind::Hello(hello)) => self.greet(hello).await?,
            _ => return Err(Status::failed_precondition("a stream begins with a greeting")),
        }
        while let Some(message) = from.message().await? {
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
            let version = words::plain(&hello.version);
            write.runner_connected(&version, &capabilities.join(","), &words::posture(&posture), slots).await?;
            write.release_unheld(&held).await?;
            let lost = write.renew_leases(&held).await?;
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
        };
        self.say(server_message::Kind::Welcome(welcome)).await?;
        for lease in lost {
            self.lost(lease).await?;
        }
        for task in books {
            self.lines_ack(task.lease(), task.next_line).await?;
        }
        self.shared.desk.sit(Seat {
            runner: self.runner(),
            stream: self.stream,
            actor: self.actor.clone(),
            capabilities,
            slots: usize::try_from(slots).unwrap_or(1),
            fit: posture.unfit.is_none(),
            to: self.to.clone(),
            end: self.end.clone(),
            cancelled: HashSet::new(),
        });
        Ok(())
    }

    async fn hear(&mut self, kind: Kind) -> Result<(), Status> {
        let (lease, word, heard) = match kind {
            Kind::Hello(_) => return Err(Status::failed_precondition("one greeting is enough")),
            Kind::Heartbeat(heartbeat) => return self.heartbeat(heartbeat).await,
            Kind::Started(v1::Started { attempt, .. }) => {
                let lease = words::lease(attempt.as_ref())?;
                (lease, "that it started", self.started(lease).await)
            }
            Kind::Lines(v1::Lines { attempt, first_line, lines }) => {
                let (lease, lines) = (words::lease(attempt.as_ref())?, words::lines(lines)?);
                let first = i64::try_from(first_line).unwrap_or(0);
                if first < 1 {
                    return Err(Status::invalid_argument("lines are counted from 1"));
                }
                (lease, "lines of output", self.printed(lease, first, &lines).await)
            }
            Kind::Finished(v1::Finished { attempt, receipt, signature }) => {
                let lease = words::lease(attempt.as_ref())?;
                (lease, "that it ended", self.finished(lease, &receipt, &signature).await)
            }
            Kind::Refused(v1::Refused { attempt, reason, elsewhere }) => {
                let lease = words::lease(attempt.as_ref())?;
                (lease, "a refusal", self.refused(lease, &words::plain(&reason), elsewhere).await)
            }
        };
        match heard {
            Ok(Some(answer)) => self.say(answer).await,
            Ok(None) => Ok(()),
            Err(Error::NotFound) => self.stale(lease, word).await,
            Err(error) => Err(told(&error)),
        }
    }

    async fn heartbeat(&self, heartbeat: v1::Heartbeat) -> Result<(), Status> {
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
        self.say(server_message::Kind::HeartbeatAck(v1::HeartbeatAck { sequence: heartbeat.sequence })).await
    }

    async fn started(&self, lease: Lease) -> Heard {
        let mut write = self.shared.store().write(&self.actor).await?;
        write.start_task(lease).await?;
        write.commit().await?;
        Ok(None)
    }

    async fn printed(&self, lease: Lease, first: i64, lines: &[domain::log::Line]) -> Heard {
        let mut write = self.shared.store().write(&self.actor).await?;
        let next_line = write.append_lines(lease, first, lines).await?;
        write.commit().await?;
        let next_line = u64::try_from(next_line).unwrap_or(1);
        Ok(Some(server_message::Kind::LinesAck(v1::LinesAck { attempt: words::attempt(lease), next_line })))
    }

    async fn finished(&self, lease: Lease, receipt: &[u8], signature: &[u8]) -> Heard {
        let receipt = Receipt::read(receipt).ok();
        let signed = receipt.filter(|receipt| receipts::verifies(receipt, signature, &self.public_key));
        let mut write = self.shared.store().write(&self.actor).await?;
        match signed {
            Some(receipt) => match write.finish_task(lease, &receipt, signature.to_vec()).await {
                Err(Error::Invalid(invalid)) => write.refuse_task(lease, &format!("Its runner's {invalid}.")).await?,
                finished => drop(finished?),
            },
            None => write.refuse_task(lease, "Its runner's receipt is not signed with the runner's key.").await?,
        }
        write.commit().await?;
        self.shared.desk.changed.notify_one();
        Ok(Some(server_message::Kind::FinishedAck(v1::FinishedAck { attempt: words::attempt(lease) })))
    }

    async fn refused(&self, lease: Lease, reason: &str, elsewhere: bool) -> Heard {
        if elsewhere {
            let held = self.shared.store().read(&self.actor).await?.held().await?;
            let others: Vec<_> = held.iter().map(|task| task.lease()).filter(|held| *held != lease).collect();
            if others.len() == held.len() {
                return Err(Error::NotFound);
            }
            let mut write = self.shared.store().write(&self.actor).await?;
            write.release_unheld(&others).await?;
            write.commit().await?;
        } else {
            let mut write = self.shared.store().write(&self.actor).await?;
            write.refuse_task(lease, reason).await?;
            write.commit().await?;
        }
        Ok(None)
    }

    /// A word about a lease that this runner does not hold (any more) changes nothing, and is recorded.
    async fn stale(&self, lease: Lease, word: &'static str) -> Result<(), Status> {
        let noted = async {
            let mut write = self.shared.store().write(&self.actor).await?;
            write.note_refused_runner(Some(lease), &format!("it said {word}, and does not hold the lease")).await?;
            write.commit().await
        };
        noted.await.map_err(|error| told(&error))?;
        self.lost(lease).await
    }

    async fn lost(&self, lease: Lease) -> Result<(), Status> {
        self.say(server_message::Kind::LeaseLost(v1::LeaseLost { attempt: words::attempt(lease) })).await
    }

    async fn lines_ack(&self, lease: Lease, next_line: i64) -> Result<(), Status> {
        let next_line = u64::try_from(next_line).unwrap_or(1);
        self.say(server_message::Kind::LinesAck(v1::LinesAck { attempt: words::attempt(lease), next_line })).await
    }

    async fn say(&self, kind: server_message::Kind) -> Result<(), Status> {
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

/// What follows from a word: an answer, or nothing.
type Heard = store::Result<Option<server_message::Kind>>;

/// What a runner is told of a refusal by the store.
fn told(error: &Error) -> Status {
    match error {
        Error::NotFound => unknown(),
        // The runner's books and ours differ: it comes again, and they are compared anew.
        Error::Conflict(how) => Status::aborted(*how),
        Error::Invalid(invalid) => Status::invalid_argument(invalid.to_string()),
        error => inside(error),
    }
}
