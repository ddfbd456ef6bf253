//! Output buffer of an attempt on its way to the spool; the receipt covers only what the spool has.

use super::Attempt;
use crate::{
    clock,
    output::{OutputLimiter, OutputTotals},
    sandbox::Chunk,
    spool::Spool,
};
use domain::{Timestamp, log::Line};
use parking_lot::Mutex;
use std::sync::Arc;

/// The output of one attempt, with the lines of the current batch.
#[derive(Debug)]
pub(super) struct OutputBuffer {
    spool: Arc<Mutex<Spool>>,
    attempt: Attempt,
    limiter: OutputLimiter,
    waiting: Vec<Line>,
    /// Whether incomplete lines are shown.
    shows_incomplete: bool,
    safe: OutputTotals,
    broken: Option<String>,
}

impl OutputBuffer {
    pub(super) fn new(spool: &Arc<Mutex<Spool>>, attempt: Attempt) -> Self {
        let limiter = OutputLimiter::default();
        let safe = limiter.totals();
        Self {
            spool: Arc::clone(spool),
            attempt,
            limiter,
            waiting: vec![],
            shows_incomplete: false,
            safe,
            broken: None,
        }
    }

    /// Appends printed bytes; returns the size of the completed lines in bytes.
    pub(super) fn take(&mut self, chunk: &Chunk) -> usize {
        let lines = self.limiter.take(chunk, clock::now());
        let size = lines.iter().map(Line::size).sum();
        self.waiting.extend(lines);
        size
    }

    /// Returns whether lines are waiting to be written.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Writes the pending lines. After the first failure nothing is written, so that the stored output is a prefix.
    pub(super) fn write(&mut self) -> Result<(), ()> {
        let lines = std::mem::take(&mut self.waiting);
        if self.broken.is_some() {
            return Err(());
        }
        // This usually writes to the page cache only, so it needs no blocking thread.
        let written = self.spool.lock().append(&lines);
        if let Err(error) = written {
            tracing::error!(attempt = %self.attempt, %error, "output cannot be written to disk");
            let cause = format!("It was stopped because its output could not be kept on the runner's disk: {error}");
            self.broken = Some(cause);
            return Err(());
        }
        self.safe = self.limiter.totals();
        if self.shows_incomplete {
            self.show_incomplete();
        }
        Ok(())
    }

    /// Shows the incomplete lines as they are now; returns whether there are any.
    pub(super) fn show_incomplete(&mut self) -> bool {
        let lines = self.limiter.incomplete(clock::now());
        self.shows_incomplete = !lines.is_empty();
        self.spool.lock().set_incomplete(lines);
        self.shows_incomplete
    }

    /// Writes the last lines. Returns the stored totals, and the error if output was lost.
    pub(super) fn finish(mut self, at: Timestamp) -> (OutputTotals, Option<String>) {
        let _ = self.write(); // an error is kept in `broken`
        let Self { spool, attempt, limiter, safe, broken, .. } = self;
        let (last, all) = limiter.finish(at);
        let limiter = OutputLimiter::default();
        let mut rest = Self { spool, attempt, limiter, waiting: last, shows_incomplete: true, safe, broken };
        match rest.write() {
            Ok(()) => (all, None),
            Err(()) => (OutputTotals { printed: all.printed, replaced: all.replaced, ..rest.safe }, rest.broken),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use bytes::Bytes;
    use domain::{RunnerId, TaskId, request::OutputDigest};
    use uuid::Uuid;

    use super::*;
    use crate::{folder::Folder, sandbox::Stream, spool::SpoolDirectory};

    fn chunk(text: &'static str) -> Chunk {
        Chunk { stream: Stream::Stdout, bytes: Bytes::from_static(text.as_bytes()) }
    }

    fn spool(folder: &std::path::Path) -> (Arc<Mutex<Spool>>, Attempt) {
        let (mut directory, _) = SpoolDirectory::open(&Folder::open(folder).unwrap(), RunnerId(Uuid::nil())).unwrap();
        let attempt = Attempt { task: TaskId(Uuid::from_u128(7)), number: 1 };
        (Arc::new(Mutex::new(directory.begin(attempt).unwrap().unwrap())), attempt)
    }

    #[test]
    fn a_receipt_covers_all_lines_if_they_were_stored() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, attempt) = spool(&folder.path().join("data"));
        let mut printed = OutputBuffer::new(&spool, attempt);
        printed.take(&chunk("one\nt"));
        printed.write().unwrap();
        printed.take(&chunk("wo"));
        let (kept, broken) = printed.finish(Timestamp(1));
        assert_eq!(
            (kept, broken),
            (OutputTotals { digest: OutputDigest::of(b"one\ntwo\n"), printed: 7, replaced: 0, lines: 2 }, None)
        );
        assert_eq!(spool.lock().next_line(), 3);
    }

    /// The receipt must not cover lines lost to a full disk, or the server would wait forever for them.
    #[test]
    fn a_receipt_covers_only_the_lines_that_were_stored() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, attempt) = spool(&folder.path().join("data"));
        let mut printed = OutputBuffer::new(&spool, attempt);
        printed.take(&chunk("one\n"));
        printed.write().unwrap();
        // Every write to this device fails with ENOSPC.
        symlink("/dev/full", folder.path().join("full")).unwrap();
        spool.lock().replace_file(&folder.path().join("full"));
        printed.take(&chunk("two\n"));
        printed.write().unwrap_err();
        printed.take(&chunk("three\nfour"));
        let (kept, broken) = printed.finish(Timestamp(1));
        assert_eq!(kept, OutputTotals { digest: OutputDigest::of(b"one\n"), printed: 18, replaced: 0, lines: 1 });
        assert!(broken.unwrap().contains("No space left"));
        assert_eq!(spool.lock().next_line(), 2);
    }
}
