//! Attempts held by this runner, and how much of each the server has acknowledged.

use crate::{
    spool::{Signed, Spool},
    work::{Attempt, AttemptCommand},
};
use domain::{
    Timestamp,
    log::{Line, Stream},
};
use parking_lot::Mutex;
use std::{collections::VecDeque, io, sync::Arc};
use tokio::sync::watch;
use wire::v1::{self, runner_message::Kind};

/// The approximate size of one message of lines, in bytes.
const BATCH_SIZE: usize = 64 << 10;
/// The maximum number of unacknowledged batches of one attempt, which bounds memory.
const MAX_UNACKNOWLEDGED: usize = 16;

/// An attempt. It is reported again on every stream, from the position that the server requests.
#[derive(Debug)]
pub(super) struct HeldAttempt {
    attempt: Attempt,
    spool: Arc<Mutex<Spool>>,
    commands: watch::Sender<AttemptCommand>,
    started_at: Option<Timestamp>,
    signed: Option<Signed>,
    sent: Sent,
}

/// Messages already sent on the current stream.
#[derive(Debug, Default)]
struct Sent {
    started: bool,
    finished: bool,
    /// The next line to send; `None` until the server has requested one.
    next_line: Option<u64>,
    /// For each unacknowledged batch, the number of the line after it.
    unacknowledged: VecDeque<u64>,
    incomplete: Vec<Line>,
}

impl HeldAttempt {
    /// Returns an attempt that just started: the server knows it and expects its first line.
    pub fn starting(attempt: Attempt, spool: Arc<Mutex<Spool>>, commands: watch::Sender<AttemptCommand>) -> Self {
        let sent = Sent { next_line: Some(1), ..Sent::default() };
        Self { attempt, spool, commands, started_at: None, signed: None, sent }
    }

    /// Returns an attempt that ended before this process started.
    pub fn ended(attempt: Attempt, spool: Spool, signed: Signed) -> Self {
        let (commands, _) = watch::channel(AttemptCommand::Run);
        let spool = Arc::new(Mutex::new(spool));
        Self { attempt, spool, commands, started_at: None, signed: Some(signed), sent: Sent::default() }
    }

    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    pub fn is_running(&self) -> bool {
        self.signed.is_none()
    }

    pub fn started(&mut self, at: Timestamp) {
        self.started_at = Some(at);
    }

    pub fn finished(&mut self, signed: Signed) {
        self.signed = Some(signed);
    }

    /// Requests a graceful end.
    pub fn cancel(&self) {
        self.commands
            .send_if_modified(|command| std::mem::replace(command, AttemptCommand::Cancel) == AttemptCommand::Run);
    }

    /// Kills the attempt and deletes its output, because the runner has lost its lease. If it is running, the returned
    /// channel closes when nothing of it is left.
    pub fn abandon(self) -> Option<watch::Sender<AttemptCommand>> {
        if self.is_running() {
            self.commands.send_replace(AttemptCommand::Kill);
            return Some(self.commands);
        }
        self.forget();
        None
    }

    /// Deletes the output after the server has acknowledged all of it.
    pub fn forget(self) {
        if let Err(error) = self.spool().remove() {
            tracing::warn!(attempt = %self.attempt, %error, "acknowledged output cannot be deleted");
        }
    }

    /// Returns the entry of this attempt in the greeting of a new stream, and resets what has been sent.
    pub fn reset_for_greeting(&mut self) -> v1::Held {
        self.sent = Sent::default();
        let next_line = self.spool().next_line();
        v1::Held { attempt: self.attempt.to_wire(), next_line, finished: self.signed.is_some() }
    }

    /// Records that the server has all lines before `next_line`.
    pub fn acknowledged(&mut self, next_line: u64) {
        // The first acknowledgement on a stream sets the position; later ones only confirm what was sent.
        self.sent.next_line.get_or_insert(next_line.max(1));
        while self.sent.unacknowledged.pop_front_if(|after| *after <= next_line).is_some() {}
    }

    /// Sends the receipt again with the next messages, in case the server lost the first one.
    pub fn resend_receipt(&mut self) {
        self.sent.finished = false;
    }

    /// Returns the messages that can be sent now.
    ///
    /// # Errors
    /// Fails if the output cannot be read back from disk.
    pub fn pending_messages(&mut self) -> io::Result<Vec<Kind>> {
        let mut messages = Vec::new();
        let attempt = self.attempt.to_wire();
        let Some(mut next) = self.sent.next_line else { return Ok(messages) };
        if let Some(at) = self.started_at
            && !std::mem::replace(&mut self.sent.started, true)
        {
            messages.push(Kind::Started(v1::Started { attempt: attempt.clone(), started_at: at.0 }));
        }
        let mut batches = Vec::new();
        while self.sent.unacknowledged.len() < MAX_UNACKNOWLEDGED {
            let lines = self.spool().read(next, BATCH_SIZE)?;
            if lines.is_empty() {
                break;
            }
            let count = u64::try_from(lines.len()).unwrap_or(0);
            batches.push(self.batch(next, lines));
            next += count;
            self.sent.unacknowledged.push_back(next);
            // Lines replace what was shown before they were complete.
            self.sent.incomplete.clear();
        }
        self.sent.next_line = Some(next);
        let (complete, incomplete) = {
            let spool = self.spool();
            (next >= spool.next_line(), spool.incomplete().to_vec())
        };
        let texts = |lines: &[Line]| lines.iter().map(|line| (line.stream, line.text.clone())).collect::<Vec<_>>();
        if complete && texts(&self.sent.incomplete) != texts(&incomplete) {
            let mut last = batches.pop().unwrap_or_else(|| self.batch(next, vec![]));
            last.incomplete = incomplete.iter().cloned().map(line).collect();
            batches.push(last);
            self.sent.incomplete = incomplete;
        }
        messages.extend(batches.into_iter().map(Kind::Lines));
        if complete
            && !self.sent.finished
            && let Some(signed) = &self.signed
        {
            let (receipt, signature) = (signed.receipt.clone().into(), signed.signature.clone().into());
            messages.push(Kind::Finished(v1::Finished { attempt, receipt, signature }));
            self.sent.finished = true;
        }
        Ok(messages)
    }

    fn batch(&self, first_line: u64, lines: Vec<Line>) -> v1::Lines {
        let lines = lines.into_iter().map(line).collect();
        v1::Lines { attempt: self.attempt.to_wire(), first_line, lines, incomplete: vec![] }
    }

    fn spool(&self) -> parking_lot::MutexGuard<'_, Spool> {
        self.spool.lock()
    }
}

fn line(line: Line) -> v1::Line {
    let stream = match line.stream {
        Stream::Stdout => v1::Stream::Stdout,
        Stream::Stderr => v1::Stream::Stderr,
        Stream::Runner => v1::Stream::Runner,
    };
    v1::Line { at: line.at.0, stream: stream.into(), text: line.text, continued: line.continued }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{folder::Folder, spool::SpoolDirectory};
    use domain::{RunnerId, TaskId};
    use uuid::Uuid;

    /// Returns the first line, the lines and the incomplete lines of each message of lines.
    fn sent(held: &mut HeldAttempt) -> Vec<(u64, Vec<String>, Vec<String>)> {
        let texts = |lines: Vec<v1::Line>| lines.into_iter().map(|line| line.text).collect();
        let messages = held.pending_messages().unwrap().into_iter().filter_map(|message| match message {
            Kind::Lines(v1::Lines { first_line, lines, incomplete, .. }) => {
                Some((first_line, texts(lines), texts(incomplete)))
            }
            _ => None,
        });
        messages.collect()
    }

    #[test]
    fn case_bc04_lines_and_the_incomplete_line_after_them_are_one_message() {
        let folder = tempfile::tempdir().unwrap();
        let data = Folder::open(&folder.path().join("data")).unwrap();
        let (mut directory, _) = SpoolDirectory::open(&data, RunnerId(Uuid::nil())).unwrap();
        let attempt = Attempt { task: TaskId(Uuid::from_u128(7)), number: 1 };
        let spool = Arc::new(Mutex::new(directory.begin(attempt).unwrap().unwrap()));
        let mut held = HeldAttempt::starting(attempt, Arc::clone(&spool), watch::channel(AttemptCommand::Run).0);
        let line = |text: &str| Line::new(Timestamp(1), Stream::Stdout, text);
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let print = |lines: &[&str], incomplete: &[&str]| {
            let mut spool = spool.lock();
            spool.append(&lines.iter().map(|text| line(text)).collect::<Vec<_>>()).unwrap();
            spool.set_incomplete(incomplete.iter().map(|text| line(text)).collect());
        };
        print(&["one", "two"], &["Password: "]);
        assert_eq!(sent(&mut held), [(1, texts(&["one", "two"]), texts(&["Password: "]))]);
        assert_eq!(sent(&mut held), [], "nothing is new");
        print(&[], &["Password: *"]);
        assert_eq!(sent(&mut held), [(3, vec![], texts(&["Password: *"]))]);
        print(&["Password: **"], &[]);
        assert_eq!(sent(&mut held), [(3, texts(&["Password: **"]), vec![])], "lines replace what was incomplete");
        let long = "x".repeat(domain::log::MAX_LINE);
        print(&[long.as_str(); 9], &["50 %"]);
        let batches = sent(&mut held);
        let (last, others) = batches.split_last().unwrap();
        assert!(!others.is_empty() && others.iter().all(|(.., incomplete)| incomplete.is_empty()));
        assert_eq!((!last.1.is_empty(), &last.2), (true, &texts(&["50 %"])), "with the last one");
    }
}
