//! Runs one verified attempt: its output goes to the spool as it comes, its receipt is signed at the end.

use std::{
    io,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    Timestamp,
    receipt::{End, Receipt},
};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, watch},
    time::{Instant, sleep, sleep_until},
};

use super::{Attempt, Me, Verified, job, printed::Printed};
use crate::{
    clock,
    identity::RunnerKey,
    output::Kept,
    sandbox::{self, Executor, Handle, Running},
    spool::{Signed, Spool},
};

/// Lines are written together that come within so long; the first after a pause is written at once.
const TOGETHER: Duration = Duration::from_millis(20);
/// So many bytes are written without waiting for more.
const ENOUGH: usize = 64 << 10;
/// A receipt that the server has within so long need not wait for our disk.
const SETTLING: Duration = Duration::from_millis(200);
/// Between the wish that a cancelled task ends and its kill.
const GRACE: Duration = Duration::from_secs(5);

/// What the attempt is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Go on.
    Run,
    /// End politely; a receipt says so.
    Cancel,
    /// End at once and say nothing: it is somebody else's now.
    Kill,
}

/// What the attempt tells.
#[derive(Debug)]
pub enum Event {
    /// It runs since then.
    Started(Attempt, Timestamp),
    /// There are new lines in the spool.
    Printed,
    /// It ended, and its receipt is in the spool.
    Ended(Attempt, Signed),
}

/// One attempt with all that it needs.
#[derive(Debug)]
pub struct Performance<E> {
    pub executor: Arc<E>,
    pub verified: Verified,
    pub me: Me,
    pub key: Arc<RunnerKey>,
    pub spool: Arc<Mutex<Spool>>,
    pub orders: watch::Receiver<Order>,
    pub events: mpsc::Sender<Event>,
    /// Held until nothing of the task is left.
    pub slot: OwnedSemaphorePermit,
}

impl<E: Executor> Performance<E> {
    /// Runs to the end. Whatever happens, nothing of the task is left afterwards.
    pub async fn run(self) {
        let mut started_at = clock::now();
        let mut printed = Printed::new(&self.spool, self.verified.attempt());
        let end = match self.start().await {
            Err(end) => end,
            Ok(running) => {
                started_at = clock::now();
                let _ = self.events.send(Event::Started(self.verified.attempt(), started_at)).await; // nobody listens at the very end
                self.follow(running, &mut printed).await
            }
        };
        if *self.orders.borrow() == Order::Kill {
            let removed = self.spool.lock().unwrap_or_else(PoisonError::into_inner).remove();
            if let Err(error) = removed {
                tracing::warn!(attempt = %self.verified.attempt(), %error, "its output stays until the next start");
            }
            return;
        }
        let ended_at = clock::now();
        let (kept, broken) = printed.finish(ended_at);
        if broken.is_none() {
            let _ = self.events.send(Event::Printed).await; // nobody listens at the very end
        }
        let end = broken.map_or(end, End::NotStarted);
        if let Some(signed) = self.sign(started_at, ended_at, end, kept).await {
            let ended = Event::Ended(self.verified.attempt(), signed);
            // The server may fill the slot as soon as it hears of the end.
            drop(self.slot);
            let _ = self.events.send(ended).await; // nobody listens at the very end
            sleep(SETTLING).await;
            settle(self.spool).await;
        }
    }

    /// Starts it, or says how it ended without.
    async fn start(&self) -> Result<Running, End> {
        let job = job(&self.verified).map_err(|error| End::NotStarted(error.to_string()))?;
        let beginning = self.spool.lock().unwrap_or_else(PoisonError::into_inner).beginning();
        let begun = on_disk(move || beginning.sync()).await;
        begun.map_err(|error| End::NotStarted(format!("the runner's disk cannot be written: {error}")))?;
        // It may have waited long: for the disk, or for an earlier attempt to be gone.
        if *self.orders.borrow() != Order::Run {
            return Err(End::Cancelled);
        }
        self.executor.start(job).await.map_err(|error| End::NotStarted(error.to_string()))
    }

    /// Carries output to the spool until the end.
    async fn follow(&self, running: Running, printed: &mut Printed) -> End {
        let Running { mut output, handle } = running;
        let mut orders = self.orders.clone();
        obey(*orders.borrow_and_update(), &handle);
        let mut size = 0;
        let mut due: Option<Instant> = None;
        let mut wrote = Instant::now();
        loop {
            tokio::select! {
                chunk = output.recv() => {
                    let Some(chunk) = chunk else { break };
                    size += printed.take(&chunk);
                    if printed.is_waiting() {
                        due.get_or_insert_with(|| Instant::now().max(wrote + TOGETHER));
                    }
                    if size < ENOUGH {
                        continue;
                    }
                }
                () = sleep_until(due.unwrap_or(wrote)), if due.is_some() => {}
                Ok(()) = orders.changed() => {
                    obey(*orders.borrow_and_update(), &handle);
                    continue;
                }
            }
            match printed.write() {
                Ok(()) => drop(self.events.send(Event::Printed).await), // nobody listens at the very end
                Err(_) => handle.stop(Duration::ZERO),
            }
            (size, due, wrote) = (0, None, Instant::now());
        }
        let mut ended = pin!(handle.wait());
        let outcome = loop {
            tokio::select! {
                outcome = &mut ended => break outcome,
                Ok(()) = orders.changed() => obey(*orders.borrow_and_update(), &handle),
            }
        };
        end(outcome.end)
    }

    async fn sign(&self, started_at: Timestamp, ended_at: Timestamp, end: End, kept: Kept) -> Option<Signed> {
        let attempt = self.verified.attempt();
        let receipt = Receipt {
            tenant: self.me.tenant,
            task: attempt.task,
            attempt: attempt.number,
            runner: self.me.runner,
            request: self.verified.digest(),
            started_at,
            ended_at,
            end,
            output: kept.digest,
            output_bytes: kept.printed,
            output_lines: kept.lines,
        };
        let signature = match self.key.sign(&receipt.signed_bytes()) {
            Ok(signature) => signature,
            Err(error) => {
                tracing::error!(%attempt, %error, "no receipt");
                return None;
            }
        };
        let signed = Signed { receipt: String::from_utf8_lossy(&receipt.canonical()).into_owned(), signature };
        // Into the page cache, as a rule: no reason to change threads.
        if let Err(error) = self.spool.lock().unwrap_or_else(PoisonError::into_inner).finish(&signed) {
            // It is still in memory, and goes to the server from there.
            tracing::error!(%attempt, %error, "the receipt cannot be kept on disk");
        }
        Some(signed)
    }
}

/// Makes a spool last that somebody else still needs: the server does not have it yet.
async fn settle(spool: Arc<Mutex<Spool>>) {
    if Arc::strong_count(&spool) == 1 {
        return;
    }
    let ending = spool.lock().unwrap_or_else(PoisonError::into_inner).ending();
    let settled = match ending {
        Ok(ending) => on_disk(move || ending.sync()).await,
        Err(error) => Err(error),
    };
    if let Err(error) = settled
        && error.kind() != io::ErrorKind::NotFound
    // the server has it since
    {
        tracing::warn!(%error, "a receipt that the server does not have would not survive a power cut");
    }
}

/// Waits for the disk, on a thread that may wait.
async fn on_disk(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn obey(order: Order, handle: &Handle) {
    match order {
        Order::Run => {}
        Order::Cancel => handle.stop(GRACE),
        Order::Kill => handle.stop(Duration::ZERO),
    }
}

/// How a run ended, in the receipt's words.
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
