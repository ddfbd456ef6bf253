//! What a runner says of its tasks: heard only while it holds the lease of which it speaks.

use std::sync::Arc;

use domain::receipt::Receipt;
use store::{Error, Lease, Write};
use tokio::time::timeout;
use tonic::Status;
use wire::v1::{self, runner_message::Kind, server_message};

use super::{
    connection::{READING, Session, told},
    words,
};
use crate::receipts;

/// Of so many leases that are not its own a runner may speak on one stream; an honest one had them once.
const STALE: usize = 1_000;

/// What follows from a word: a change that is to be committed, and the answer when it is.
type Heard = store::Result<(Write, Option<server_message::Kind>)>;

impl Session {
    pub(super) async fn hear(&mut self, kind: Kind) -> Result<(), Status> {
        let (lease, word, heard) = match kind {
            Kind::Hello(_) => return Err(Status::failed_precondition("one greeting is enough")),
            Kind::Heartbeat(heartbeat) => return self.heartbeat(heartbeat).await,
            Kind::Renew(renew) => return self.renew(&renew).await,
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
            Ok((write, answer)) => {
                self.commit_aside(write, answer);
                Ok(())
            }
            Err(Error::NotFound) => self.stale(lease, word).await,
            Err(error) => Err(told(&error)),
        }
    }

    async fn started(&self, lease: Lease) -> Heard {
        let mut write = self.shared.store().write(&self.actor).await?;
        let goes_on = write.start_task(lease).await?;
        let lost = server_message::Kind::LeaseLost(v1::LeaseLost { attempt: words::attempt(lease) });
        Ok((write, (!goes_on).then_some(lost)))
    }

    async fn printed(&self, lease: Lease, first: i64, lines: &[domain::log::Line]) -> Heard {
        let mut write = self.shared.store().write(&self.actor).await?;
        let next_line = match write.append_lines(lease, first, lines).await {
            Err(Error::Invalid(invalid)) => {
                // It prints without end, or counts wrong: nothing that it says of this task is worth more than this.
                write.refuse_task(lease, &format!("Its runner's {invalid}.")).await?;
                let lost = server_message::Kind::LeaseLost(v1::LeaseLost { attempt: words::attempt(lease) });
                return Ok((write, Some(lost)));
            }
            next_line => u64::try_from(next_line?).unwrap_or(1),
        };
        let ack = server_message::Kind::LinesAck(v1::LinesAck { attempt: words::attempt(lease), next_line });
        Ok((write, Some(ack)))
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
        let ack = server_message::Kind::FinishedAck(v1::FinishedAck { attempt: words::attempt(lease) });
        Ok((write, Some(ack)))
    }

    async fn refused(&self, lease: Lease, reason: &str, elsewhere: bool) -> Heard {
        let mut write = self.shared.store().write(&self.actor).await?;
        if elsewhere {
            write.give_back(lease, reason).await?;
            // It seems the freest of all, and would be asked again at once.
            self.shared.registry.rest(self.runner());
        } else {
            write.refuse_task(lease, reason).await?;
        }
        Ok((write, None))
    }

    /// Commits while the next word is heard already: words take effect in their order, and need not wait for the disk one
    /// by one. One that is not taken ends the stream; the runner comes again, and says what was not acknowledged.
    fn commit_aside(&self, write: Write, answer: Option<server_message::Kind>) {
        let (shared, to, end) = (Arc::clone(&self.shared), self.to.clone(), self.end.clone());
        tokio::spawn(async move {
            let taken = write.commit().await;
            if matches!(answer, Some(server_message::Kind::FinishedAck(_))) {
                shared.registry.changed.notify_one(); // a slot is free
            }
            let said = match (taken, answer) {
                (Ok(()), None) => true,
                (Ok(()), Some(answer)) => matches!(timeout(READING, to.send(Ok(words::say(answer)))).await, Ok(Ok(()))),
                (Err(error), _) => {
                    let _ = to.try_send(Err(told(&error))); // it may be gone
                    false
                }
            };
            if !said {
                end.cancel();
            }
        });
    }

    /// A word about a lease that this runner does not hold (any more) changes nothing, and is recorded, once for each lease.
    async fn stale(&mut self, lease: Lease, word: &'static str) -> Result<(), Status> {
        if self.noted.len() >= STALE {
            return Err(Status::resource_exhausted("too many words about leases of others"));
        }
        if !self.noted.insert(lease) {
            return self.lost(lease).await;
        }
        let noted = async {
            let mut write = self.shared.store().write(&self.actor).await?;
            write.note_refused_runner(Some(lease), &format!("it said {word}, and does not hold the lease")).await?;
            write.commit().await
        };
        noted.await.map_err(|error| told(&error))?;
        self.lost(lease).await
    }
}
