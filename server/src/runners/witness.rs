//! Runners as witnesses of the audit log (X5): each remembers the largest signed head that it saw, and a log that contradicts it
//! is reported.

use super::{
    connection::Session,
    sent_checkpoint::SentCheckpoint,
    status::{internal_error, status_of},
};
use crate::checkpoints::{latest_signed, read_note};
use domain::checkpoint::Contradiction;
use std::time::Duration;
use tokio::time::Instant;
use tonic::Status;
use wire::v1::{self, server_message};

/// Interval at which a runner receives new checkpoints, which are signed as often.
const CHECKPOINT_INTERVAL: Duration = Duration::from_mins(1);

impl Session {
    /// Compares the head that the runner saw with the audit log. Returns the note of the latest checkpoint; empty if there is
    /// none.
    pub(super) async fn compare_witness(&mut self, note: &str) -> Result<String, Status> {
        let (tenant, key) = (self.actor.tenant, &self.shared.app.keys.checkpoints);
        let mut read = self.shared.store().read(&self.actor).await.map_err(|error| status_of(&error))?;
        let latest = latest_signed(&mut read, tenant, key).await.map_err(|error| internal_error(&error))?;
        let (mut checkpoint, mut answer) = latest.map_or((None, String::new()), |(it, note)| (Some(it), note));
        if !note.is_empty() {
            let Some(seen) = read_note(note, tenant, key) else {
                return Err(Status::permission_denied(
                    "this runner remembers a checkpoint that this server did not sign",
                ));
            };
            let is_abandoned = match &checkpoint {
                None => Err(Contradiction::Shorter { size: 0, signed: seen.size }),
                Some(latest) => seen.abandoned_by(latest).map(|rollback| rollback.is_some()),
            };
            let contradiction = match is_abandoned {
                Err(contradiction) => Some(contradiction),
                Ok(true) => None,
                Ok(false) => {
                    let (head, hash) = async { Ok((read.audit_head().await?.seq, read.audit_hash(seen.size).await?)) }
                        .await
                        .map_err(|error: store::Error| internal_error(&error))?;
                    match hash {
                        Some(hash) if hash == seen.hash => None,
                        _ if head < seen.size => Some(Contradiction::Shorter { size: head, signed: seen.size }),
                        _ => Some(Contradiction::Fork(seen.size)),
                    }
                }
            };
            drop(read);
            if let Some(contradiction) = contradiction {
                return Err(self.report(contradiction).await);
            }
            if checkpoint.as_ref().is_some_and(|latest| seen.is_later_than(latest)) {
                (checkpoint, answer) = (Some(seen), note.to_owned());
            }
        }
        self.sent_checkpoint = SentCheckpoint { checkpoint, at: Instant::now() };
        Ok(answer)
    }

    /// Sends the latest checkpoint, if it is another one than the last.
    pub(super) async fn send_checkpoint(&mut self) -> Result<(), Status> {
        if self.sent_checkpoint.at.elapsed() < CHECKPOINT_INTERVAL {
            return Ok(());
        }
        let (tenant, key) = (self.actor.tenant, &self.shared.app.keys.checkpoints);
        let mut read = self.shared.store().read(&self.actor).await.map_err(|error| status_of(&error))?;
        let latest = latest_signed(&mut read, tenant, key).await.map_err(|error| internal_error(&error))?;
        drop(read);
        self.sent_checkpoint.at = Instant::now();
        let Some((checkpoint, note)) = latest else { return Ok(()) };
        if self.sent_checkpoint.checkpoint.as_ref().is_none_or(|sent| checkpoint.is_later_than(sent)) {
            self.send(server_message::Kind::Checkpoint(v1::Checkpoint { note })).await?;
            self.sent_checkpoint.checkpoint = Some(checkpoint);
        }
        Ok(())
    }

    /// Records that a runner saw another log, and returns the rejection.
    async fn report(&self, contradiction: Contradiction) -> Status {
        let why = format!("the audit log contradicts what this runner saw: {contradiction}");
        tracing::error!(runner = %self.runner(), why, "stop the server and run: castellan audit verify");
        if self.shared.registry.should_log_rejection(self.runner()) {
            let recorded = async {
                let mut write = self.shared.store().write(&self.actor).await?;
                write.note_refused_runner(None, &why).await?;
                write.commit().await
            };
            if let Err(error) = recorded.await {
                tracing::warn!(%error, "the contradiction could not be audited");
            }
        }
        Status::permission_denied(why)
    }
}
