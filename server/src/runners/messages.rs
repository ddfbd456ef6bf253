//! Runner messages about tasks, accepted only while the runner holds the lease.

use super::{
    connection::{SEND_TIMEOUT, Session},
    convert,
    status::status_of,
};
use crate::receipts;
use domain::{Invalid, log::Line, receipt::Receipt};
use std::sync::Arc;
use store::{Error, Lease, Write};
use tokio::time::timeout;
use tonic::Status;
use wire::v1::{self, runner_message::Kind, server_message};

/// Maximum number of different stale leases in one stream. Honest runners report only leases that they once held.
const MAX_STALE_LEASES: usize = 1_000;

/// Uncommitted change that a message causes, and the reply to send after the commit.
type MessageResult = store::Result<(Write, Option<server_message::Kind>)>;

impl Session {
    pub(super) async fn handle(&mut self, kind: Kind) -> Result<(), Status> {
        let (lease, subject, result) = match kind {
            Kind::Hello(_) => return Err(Status::failed_precondition("only one hello message is allowed")),
            Kind::Stopping(_) => return Ok(()), // the stream has ended
            Kind::Heartbeat(heartbeat) => return self.heartbeat(heartbeat).await,
            Kind::Renew(renew) => return self.renew(&renew).await,
            Kind::Started(v1::Started { attempt, .. }) => {
                let lease = convert::lease(attempt.as_ref())?;
                (lease, "a start", self.started(lease).await)
            }
            Kind::Lines(v1::Lines { attempt, first_line, lines, incomplete }) => {
                let (lease, lines) = (convert::lease(attempt.as_ref())?, convert::lines(lines)?);
                let incomplete = convert::lines(incomplete)?;
                let first = i64::try_from(first_line).unwrap_or(0);
                if first < 1 {
                    return Err(Status::invalid_argument("lines are counted from 1"));
                }
                (lease, "log lines", self.append_lines(lease, first, &lines, &incomplete).await)
            }
            Kind::Finished(v1::Finished { attempt, receipt, signature }) => {
                let lease = convert::lease(attempt.as_ref())?;
                (lease, "a result", self.finished(lease, &receipt, &signature).await)
            }
            Kind::Refused(v1::Refused { attempt, reason, elsewhere }) => {
                let lease = convert::lease(attempt.as_ref())?;
                (lease, "a refusal", self.refused(lease, &convert::sanitize(&reason), elsewhere).await)
            }
        };
        match result {
            Ok((write, reply)) => {
                self.commit_in_background(write, reply);
                Ok(())
            }
            Err(Error::NotFound) => self.reject_stale_lease(lease, subject).await,
            Err(error) => Err(status_of(&error)),
        }
    }

    async fn started(&self, lease: Lease) -> MessageResult {
        let mut write = self.shared.store().write(&self.actor).await?;
        let may_run = write.start_task(lease).await?;
        let lost = server_message::Kind::LeaseLost(v1::LeaseLost { attempt: convert::attempt(lease) });
        Ok((write, (!may_run).then_some(lost)))
    }

    async fn append_lines(&self, lease: Lease, first: i64, lines: &[Line], incomplete: &[Line]) -> MessageResult {
        let mut write = self.shared.store().write(&self.actor).await?;
        let mut next_line = write.append_lines(lease, first, lines).await;
        if next_line.is_ok() && (lines.is_empty() || !incomplete.is_empty()) {
            let shown = write.show_incomplete_lines(lease, incomplete).await;
            next_line = shown.and(next_line);
        }
        let next_line = match next_line {
            Err(Error::Invalid(invalid)) => {
                // Too much output or wrong line numbers: fail the task.
                write.refuse_task(lease, &format!("Its runner's {invalid}.")).await?;
                let lost = server_message::Kind::LeaseLost(v1::LeaseLost { attempt: convert::attempt(lease) });
                return Ok((write, Some(lost)));
            }
            next_line => u64::try_from(next_line?).unwrap_or(1),
        };
        let ack = server_message::Kind::LinesAck(v1::LinesAck { attempt: convert::attempt(lease), next_line });
        Ok((write, Some(ack)))
    }

    async fn finished(&self, lease: Lease, receipt: &[u8], signature: &[u8]) -> MessageResult {
        let signed = Receipt::read(receipt).and_then(|receipt| {
            let verified = receipts::verifies(&receipt, signature, &self.public_key);
            verified.then_some(receipt).ok_or_else(|| Invalid::new("receipt", "is not signed with the runner's key"))
        });
        let mut write = self.shared.store().write(&self.actor).await?;
        let finished = match signed {
            Ok(receipt) => write.finish_task(lease, &receipt, signature.to_vec()).await.map(drop),
            Err(invalid) => Err(invalid.into()),
        };
        match finished {
            // The reason is recorded with the refusal.
            Err(Error::Invalid(Invalid { field, reason })) => {
                write.refuse_task(lease, &format!("Its runner's {field} {reason}.")).await?;
            }
            finished => finished?,
        }
        let ack = server_message::Kind::FinishedAck(v1::FinishedAck { attempt: convert::attempt(lease) });
        Ok((write, Some(ack)))
    }

    async fn refused(&self, lease: Lease, reason: &str, elsewhere: bool) -> MessageResult {
        let mut write = self.shared.store().write(&self.actor).await?;
        if elsewhere {
            write.release_task(lease, reason).await?;
            // It appears to have the most free slots and would be selected again immediately.
            self.shared.registry.pause(self.runner());
        } else {
            write.refuse_task(lease, reason).await?;
        }
        Ok((write, None))
    }

    /// Commits while the next message is processed: messages take effect in order without waiting for each write to disk. A failed
    /// commit ends the stream; the runner reconnects and repeats unacknowledged messages.
    fn commit_in_background(&self, write: Write, reply: Option<server_message::Kind>) {
        let (shared, to, end) = (Arc::clone(&self.shared), self.to.clone(), self.end.clone());
        tokio::spawn(async move {
            let committed = write.commit().await;
            if matches!(reply, Some(server_message::Kind::FinishedAck(_))) {
                shared.registry.changed.notify_one(); // a slot is free
            }
            let sent = match (committed, reply) {
                (Ok(()), None) => true,
                (Ok(()), Some(reply)) => {
                    matches!(timeout(SEND_TIMEOUT, to.send(Ok(convert::message(reply)))).await, Ok(Ok(())))
                }
                (Err(error), _) => {
                    let _ = to.try_send(Err(status_of(&error))); // it may have disconnected
                    false
                }
            };
            if !sent {
                end.cancel();
            }
        });
    }

    /// Rejects a message about a lease that the runner does not hold, and audits it once per lease.
    async fn reject_stale_lease(&mut self, lease: Lease, subject: &'static str) -> Result<(), Status> {
        if self.reported_stale_leases.len() >= MAX_STALE_LEASES {
            return Err(Status::resource_exhausted("too many messages about stale leases"));
        }
        if !self.reported_stale_leases.insert(lease) {
            return self.lost(lease).await;
        }
        let recorded = async {
            let mut write = self.shared.store().write(&self.actor).await?;
            write.note_refused_runner(Some(lease), &format!("it reported {subject} without holding the lease")).await?;
            write.commit().await
        };
        recorded.await.map_err(|error| status_of(&error))?;
        self.lost(lease).await
    }
}
