//! An attempt that this runner holds, and how much of it the server already knows.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    Timestamp,
    log::{Line, Stream},
};
use tokio::sync::watch;
use wire::v1::{self, runner_message::Kind};

use crate::{
    spool::{Signed, Spool},
    work::{Attempt, Order},
};

/// Bytes of lines in one message, about.
const BATCH: usize = 64 << 10;
/// Batches of one attempt that may be on their way without an acknowledgement: with them memory is bounded.
const WINDOW: usize = 16;

/// One attempt. It is said anew to every stream, from where the server says that it stands.
#[derive(Debug)]
pub(super) struct Held {
    attempt: Attempt,
    spool: Arc<Mutex<Spool>>,
    orders: watch::Sender<Order>,
    started_at: Option<Timestamp>,
    signed: Option<Signed>,
    told: Told,
}

/// What was said on the stream that is open now.
#[derive(Debug, Default)]
struct Told {
    started: bool,
    finished: bool,
    /// The next line to send; absent until the server has said what it wants.
    next_line: Option<u64>,
    /// For each batch on its way, the number of the line after it.
    on_their_way: VecDeque<u64>,
}

impl Held {
    /// An attempt that was just begun: the server knows of it, and wants its first line.
    pub fn begun(attempt: Attempt, spool: Arc<Mutex<Spool>>, orders: watch::Sender<Order>) -> Self {
        let told = Told { next_line: Some(1), ..Told::default() };
        Self { attempt, spool, orders, started_at: None, signed: None, told }
    }

    /// An attempt that ended before this runner was started.
    pub fn ended(attempt: Attempt, spool: Spool, signed: Signed) -> Self {
        let (orders, _) = watch::channel(Order::Run);
        let spool = Arc::new(Mutex::new(spool));
        Self { attempt, spool, orders, started_at: None, signed: Some(signed), told: Told::default() }
    }

    /// Which.
    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// Whether it still runs.
    pub fn is_running(&self) -> bool {
        self.signed.is_none()
    }

    /// It runs since then.
    pub fn started(&mut self, at: Timestamp) {
        self.started_at = Some(at);
    }

    /// It ended.
    pub fn finished(&mut self, signed: Signed) {
        self.signed = Some(signed);
    }

    /// Asks it to end politely.
    pub fn cancel(&self) {
        self.orders.send_if_modified(|order| std::mem::replace(order, Order::Cancel) == Order::Run);
    }

    /// Ends it at once, and forgets what it printed: it is no longer ours. Where it still runs, what is handed back is closed
    /// when nothing of it is left.
    pub fn abandon(self) -> Option<watch::Sender<Order>> {
        if self.is_running() {
            self.orders.send_replace(Order::Kill);
            return Some(self.orders);
        }
        self.forget();
        None
    }

    /// The server has it all.
    pub fn forget(self) {
        if let Err(error) = self.spool().remove() {
            tracing::warn!(attempt = %self.attempt, %error, "output that was sent cannot be removed");
        }
    }

    /// How a new stream is told of it; nothing else was said there yet.
    pub fn introduce(&mut self) -> v1::Held {
        self.told = Told::default();
        let next_line = self.spool().next_line();
        v1::Held { attempt: self.attempt.to_wire(), next_line, finished: self.signed.is_some() }
    }

    /// The server has all lines before `next_line`.
    pub fn acknowledged(&mut self, next_line: u64) {
        // On a new stream it says where to go on; later it can only confirm what was sent.
        self.told.next_line.get_or_insert(next_line.max(1));
        while self.told.on_their_way.pop_front_if(|after| *after <= next_line).is_some() {}
    }

    /// The receipt is sent again with the next words, in case the first was lost on the server's side.
    pub fn remind(&mut self) {
        self.told.finished = false;
    }

    /// What can be said now.
    ///
    /// # Errors
    /// When its output cannot be read back from disk.
    pub fn words(&mut self) -> io::Result<Vec<Kind>> {
        let mut words = Vec::new();
        let attempt = self.attempt.to_wire();
        let Some(mut next) = self.told.next_line else { return Ok(words) };
        if let Some(at) = self.started_at
            && !std::mem::replace(&mut self.told.started, true)
        {
            words.push(Kind::Started(v1::Started { attempt: attempt.clone(), started_at: at.0 }));
        }
        while self.told.on_their_way.len() < WINDOW {
            let lines = self.spool().read(next, BATCH)?;
            if lines.is_empty() {
                break;
            }
            let count = u64::try_from(lines.len()).unwrap_or(0);
            let lines = lines.into_iter().map(line).collect();
            words.push(Kind::Lines(v1::Lines { attempt: attempt.clone(), first_line: next, lines }));
            next += count;
            self.told.on_their_way.push_back(next);
        }
        self.told.next_line = Some(next);
        let complete = next >= self.spool().next_line();
        if complete
            && !self.told.finished
            && let Some(signed) = &self.signed
        {
            let (receipt, signature) = (signed.receipt.clone().into(), signed.signature.clone().into());
            words.push(Kind::Finished(v1::Finished { attempt, receipt, signature }));
            self.told.finished = true;
        }
        Ok(words)
    }

    fn spool(&self) -> std::sync::MutexGuard<'_, Spool> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn line(line: Line) -> v1::Line {
    let stream = match line.stream {
        Stream::Stdout => v1::Stream::Stdout,
        Stream::Stderr => v1::Stream::Stderr,
        Stream::Runner => v1::Stream::Runner,
    };
    v1::Line { at: line.at.0, stream: stream.into(), text: line.text }
}
