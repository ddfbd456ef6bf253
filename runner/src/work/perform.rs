//! Execution of one verified attempt: output goes to the spool as it arrives, and the receipt is signed at the end.

use super::{Attempt, RunnerContext, Verified, job, output::OutputBuffer};
use crate::{
    clock,
    identity::RunnerKey,
    output::OutputTotals,
    sandbox::{self, Executor, Handle, Running},
    spool::{Signed, Spool},
};
use domain::{
    Timestamp,
    receipt::{End, Receipt},
};
use parking_lot::Mutex;
use std::{io, pin::pin, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, watch},
    time::{Instant, sleep, sleep_until},
};

/// The batching interval of writes; the first line after a pause is written at once.
const BATCH_INTERVAL: Duration = Duration::from_millis(20);
/// The batch size in bytes that is written without waiting.
const BATCH_SIZE: usize = 64 << 10;
/// The interval at which incomplete lines are shown, and the time that a line has to become complete.
const INCOMPLETE_INTERVAL: Duration = Duration::from_millis(500);
/// The time that the server has to acknowledge a receipt before it is synced to disk.
const ACKNOWLEDGEMENT_WAIT: Duration = Duration::from_millis(200);
/// The grace period of a cancelled task before it is killed.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// A command to a running attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptCommand {
    Run,
    Cancel,
    Kill,
}

/// An event of an attempt.
#[derive(Debug)]
pub enum Event {
    Started(Attempt, Timestamp),
    Printed,
    Ended(Attempt, Signed),
}

/// An attempt with everything that it needs to run.
#[derive(Debug)]
pub struct AttemptRun<E> {
    pub executor: Arc<E>,
    pub verified: Verified,
    pub context: RunnerContext,
    pub key: Arc<RunnerKey>,
    pub spool: Arc<Mutex<Spool>>,
    pub commands: watch::Receiver<AttemptCommand>,
    pub events: mpsc::Sender<Event>,
    pub slot: OwnedSemaphorePermit,
}

impl<E: Executor> AttemptRun<E> {
    /// Runs the attempt to its end. In every case, nothing of the task is left afterwards.
    pub async fn run(self) {
        let mut started_at = clock::now();
        let mut running_since = Instant::now();
        let mut printed = OutputBuffer::new(&self.spool, self.verified.attempt());
        let (end, out_of_memory) = match self.start().await {
            Err(end) => (end, false),
            Ok(running) => {
                (started_at, running_since) = (clock::now(), Instant::now());
                let _ = self.events.send(Event::Started(self.verified.attempt(), started_at)).await; // the client may be shutting down
                self.follow(running, &mut printed).await
            }
        };
        if *self.commands.borrow() == AttemptCommand::Kill {
            let removed = self.spool.lock().remove();
            if let Err(error) = removed {
                tracing::warn!(attempt = %self.verified.attempt(), %error, "the output of an attempt cannot be deleted before the next start");
            }
            return;
        }
        // The clock may have been set meanwhile; a receipt that ends before its start is refused.
        let ended_at = clock::now().max(started_at.after(running_since.elapsed()));
        let (kept, broken) = printed.finish(ended_at);
        if broken.is_none() {
            let _ = self.events.send(Event::Printed).await; // the client may be shutting down
        }
        let end = broken.map_or(end, End::NotStarted);
        if let Some(signed) = self.sign(started_at, ended_at, end, out_of_memory, kept).await {
            let ended = Event::Ended(self.verified.attempt(), signed);
            // The server may assign the slot again as soon as it receives the end.
            drop(self.slot);
            let _ = self.events.send(ended).await; // the client may be shutting down
            sleep(ACKNOWLEDGEMENT_WAIT).await;
            settle(self.spool).await;
        }
    }

    /// Starts the task, or returns the end of an attempt that did not start.
    async fn start(&self) -> Result<Running, End> {
        let job = job(&self.verified).map_err(|error| End::NotStarted(error.to_string()))?;
        let beginning = self.spool.lock().beginning();
        let synced = on_disk(move || beginning.sync()).await;
        synced.map_err(|error| End::NotStarted(format!("the runner cannot write to its disk: {error}")))?;
        // The wait for the disk, or for the end of an earlier attempt, may have been long.
        if *self.commands.borrow() != AttemptCommand::Run {
            return Err(End::Cancelled);
        }
        self.executor.start(job).await.map_err(|error| End::NotStarted(error.to_string()))
    }

    /// Writes output to the spool until the task ends. Returns how it ended, and whether a process was killed at the memory limit.
    async fn follow(&self, running: Running, printed: &mut OutputBuffer) -> (End, bool) {
        let Running { mut output, handle } = running;
        let mut commands = self.commands.clone();
        apply_command(*commands.borrow_and_update(), &handle);
        let mut size = 0;
        let mut due: Option<Instant> = None;
        let mut show: Option<Instant> = None;
        let mut wrote = Instant::now();
        loop {
            tokio::select! {
                chunk = output.recv() => {
                    let Some(chunk) = chunk else { break };
                    size += printed.take(&chunk);
                    if printed.is_waiting() {
                        due.get_or_insert_with(|| Instant::now().max(wrote + BATCH_INTERVAL));
                    }
                    show.get_or_insert_with(|| Instant::now() + INCOMPLETE_INTERVAL);
                    if size < BATCH_SIZE {
                        continue;
                    }
                }
                () = sleep_until(due.unwrap_or(wrote)), if due.is_some() => {}
                () = sleep_until(show.unwrap_or(wrote)), if show.is_some() => {
                    show = None;
                    if printed.show_incomplete() {
                        let _ = self.events.send(Event::Printed).await; // the client may be shutting down
                    }
                    continue;
                }
                Ok(()) = commands.changed() => {
                    apply_command(*commands.borrow_and_update(), &handle);
                    continue;
                }
            }
            match printed.write() {
                Ok(()) => drop(self.events.send(Event::Printed).await), // the client may be shutting down
                Err(_) => handle.stop(Duration::ZERO),
            }
            (size, due, wrote) = (0, None, Instant::now());
        }
        let mut ended = pin!(handle.wait());
        let outcome = loop {
            tokio::select! {
                outcome = &mut ended => break outcome,
                Ok(()) = commands.changed() => apply_command(*commands.borrow_and_update(), &handle),
            }
        };
        (end(outcome.end), outcome.out_of_memory)
    }

    async fn sign(
        &self,
        started_at: Timestamp,
        ended_at: Timestamp,
        end: End,
        out_of_memory: bool,
        kept: OutputTotals,
    ) -> Option<Signed> {
        let attempt = self.verified.attempt();
        let receipt = Receipt {
            tenant: self.context.tenant,
            task: attempt.task,
            attempt: attempt.number,
            runner: self.context.runner,
            request: self.verified.digest(),
            started_at,
            ended_at,
            end,
            out_of_memory,
            output: kept.digest,
            output_bytes: kept.printed,
            replaced_bytes: kept.replaced,
            output_lines: kept.lines,
        };
        let signature = match self.key.sign(&receipt.signed_bytes()) {
            Ok(signature) => signature,
            Err(error) => {
                tracing::error!(%attempt, %error, "the receipt cannot be signed");
                return None;
            }
        };
        let signed = Signed { receipt: String::from_utf8_lossy(&receipt.canonical()).into_owned(), signature };
        // This usually writes to the page cache only, so it needs no blocking thread.
        if let Err(error) = self.spool.lock().finish(&signed) {
            // The receipt is still in memory and is sent from there.
            tracing::error!(%attempt, %error, "the receipt cannot be written to disk");
        }
        Some(signed)
    }
}

/// Syncs a spool that the server has not acknowledged yet.
async fn settle(spool: Arc<Mutex<Spool>>) {
    if Arc::strong_count(&spool) == 1 {
        return;
    }
    let ending = spool.lock().ending();
    let settled = match ending {
        Ok(ending) => on_disk(move || ending.sync()).await,
        Err(error) => Err(error),
    };
    if let Err(error) = settled
        && error.kind() != io::ErrorKind::NotFound
    // the server has acknowledged it meanwhile
    {
        tracing::warn!(%error, "an unacknowledged receipt cannot be synced to disk");
    }
}

/// Runs blocking disk work on a blocking thread.
async fn on_disk(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn apply_command(command: AttemptCommand, handle: &Handle) {
    match command {
        AttemptCommand::Run => {}
        AttemptCommand::Cancel => handle.stop(GRACE_PERIOD),
        AttemptCommand::Kill => handle.stop(Duration::ZERO),
    }
}

/// Converts the outcome for the receipt.
fn end(end: sandbox::End) -> End {
    match end {
        sandbox::End::Exited(status) => End::Exited(status),
        sandbox::End::Signaled(signal) => End::Signaled(signal),
        sandbox::End::TimedOut => End::TimedOut,
        sandbox::End::Stopped => End::Cancelled,
        sandbox::End::OutOfMemory => End::OutOfMemory,
        sandbox::End::Failed { cause } => End::NotStarted(cause),
    }
}
