//! Output spool: stores output on disk until the server acknowledges it, so that no lost connection or killed server
//! loses a line.
//!
//! Its size is bounded by [`domain::log::MAX_OUTPUT`] and [`domain::log::MAX_LINES`].

mod directory;
mod durability;
mod record;
mod started;

use domain::{RunnerId, log::Line, receipt::Receipt};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::PathBuf,
};

pub use directory::SpoolDirectory;
pub use durability::{EndSync, StartSync};

const LINES: &str = "lines";
const RECEIPT: &str = "receipt";
const DRAFT: &str = "receipt.new";
/// The number of lines between two index entries.
const INDEX_INTERVAL: u64 = 256;
/// The maximum size of a record in bytes: its header and [`domain::log::MAX_LINE`].
const MAX_RECORD: usize = record::HEAD + domain::log::MAX_LINE;

/// A receipt with its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    pub receipt: String,
    pub signature: Vec<u8>,
}

impl Signed {
    /// Returns the runner that the receipt names.
    pub(super) fn runner(&self) -> Option<RunnerId> {
        Some(Receipt::read(self.receipt.as_bytes()).ok()?.runner)
    }
}

/// The output of one attempt.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    marker: Option<PathBuf>,
    file: File,
    length: u64,
    lines: u64,
    index: Vec<u64>,
    /// The incomplete last line of each stream; in memory only.
    incomplete: Vec<Line>,
}

impl Spool {
    fn create(folder: PathBuf, marker: PathBuf) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(&folder)?;
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(folder.join(LINES))?;
        Ok(Self { folder, marker: Some(marker), file, length: 0, lines: 0, index: Vec::new(), incomplete: Vec::new() })
    }

    /// Opens the spool of an ended attempt; `None` if it has not ended.
    ///
    /// # Errors
    /// Fails if lines that the receipt covers are missing after a power failure or a disk error: the server
    /// would request them forever.
    fn reopen(folder: PathBuf) -> io::Result<Option<(Self, Signed)>> {
        let signed: Signed = match fs::read(folder.join(RECEIPT)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => serde_json::from_slice(&read?)?,
        };
        let receipt = Receipt::read(signed.receipt.as_bytes()).map_err(|_| damaged("the receipt is invalid"))?;
        let bytes = fs::read(folder.join(LINES))?;
        let file = OpenOptions::new().read(true).write(true).open(folder.join(LINES))?;
        let mut spool =
            Self { folder, marker: None, file, length: 0, lines: 0, index: Vec::new(), incomplete: Vec::new() };
        let mut rest = bytes.as_slice();
        // Later data is incomplete, and the receipt does not cover it.
        while spool.lines < receipt.output_lines {
            let (_, later) = record::read(rest).ok_or_else(|| damaged("lines are missing"))?;
            spool.record_line(rest.len() - later.len());
            rest = later;
        }
        Ok(Some((spool, signed)))
    }

    /// Replaces the file of the lines, for tests of disk errors.
    #[cfg(test)]
    pub(crate) fn replace_file(&mut self, path: &std::path::Path) {
        self.file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    }

    /// Returns the number of the next line; the first is 1.
    pub fn next_line(&self) -> u64 {
        self.lines + 1
    }

    /// Replaces the incomplete lines, which are shown until they are appended.
    pub fn set_incomplete(&mut self, lines: Vec<Line>) {
        self.incomplete = lines;
    }

    pub fn incomplete(&self) -> &[Line] {
        &self.incomplete
    }

    /// Appends lines.
    ///
    /// # Errors
    /// Fails if the disk is full or fails.
    pub fn append(&mut self, lines: &[Line]) -> io::Result<()> {
        let mut bytes = Vec::new();
        let mut lengths = Vec::with_capacity(lines.len());
        for line in lines {
            let before = bytes.len();
            record::write(line, &mut bytes);
            lengths.push(bytes.len() - before);
        }
        if let Err(error) = self.file.write_all_at(&bytes, self.length) {
            // Partly written data must not be read after a restart. If truncation fails too, the last record is incomplete.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        for length in lengths {
            self.record_line(length);
        }
        Ok(())
    }

    /// Returns lines from number `from` on: about `max_bytes` bytes, but at least one line if there is one.
    ///
    /// # Errors
    /// Fails if a disk operation fails.
    pub fn read(&self, from: u64, max_bytes: usize) -> io::Result<Vec<Line>> {
        if from == 0 || from > self.lines {
            return Ok(Vec::new());
        }
        let steps = (from - 1) / INDEX_INTERVAL;
        let start = usize::try_from(steps).ok().and_then(|step| self.index.get(step)).copied().unwrap_or(0);
        let mut skip = from - 1 - steps * INDEX_INTERVAL;
        let (mut lines, mut taken, mut at) = (Vec::new(), 0, start);
        let mut buffer = Vec::new();
        while taken < max_bytes && at < self.length {
            let room = u64::try_from(max_bytes.max(MAX_RECORD)).unwrap_or(u64::MAX).min(self.length - at);
            buffer.resize(usize::try_from(room).unwrap_or(0), 0);
            self.file.read_exact_at(&mut buffer, at)?;
            let mut rest = buffer.as_slice();
            while taken < max_bytes
                && let Some((line, later)) = record::read(rest)
            {
                if skip > 0 {
                    skip -= 1;
                } else {
                    taken += rest.len() - later.len();
                    lines.push(line);
                }
                rest = later;
            }
            let read = buffer.len() - rest.len();
            if read == 0 {
                return Err(damaged("a line cannot be read"));
            }
            at += u64::try_from(read).unwrap_or(0);
        }
        Ok(lines)
    }

    /// Marks the attempt as ended; from here on its output survives the runner.
    ///
    /// # Errors
    /// Fails if the disk is full or fails.
    pub fn finish(&self, receipt: &Signed) -> io::Result<()> {
        let draft = self.folder.join(DRAFT);
        fs::write(&draft, serde_json::to_vec(receipt)?)?;
        fs::rename(draft, self.folder.join(RECEIPT))
    }

    /// Deletes the spool.
    ///
    /// # Errors
    /// Fails if a system call fails.
    pub fn remove(&self) -> io::Result<()> {
        // The receipt first: a spool without a receipt counts as not ended.
        match fs::remove_file(self.folder.join(RECEIPT)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::remove_dir_all(&self.folder)
    }

    fn record_line(&mut self, length: usize) {
        if self.lines.is_multiple_of(INDEX_INTERVAL) {
            self.index.push(self.length);
        }
        self.lines += 1;
        self.length += u64::try_from(length).unwrap_or(0);
    }
}

fn damaged(how: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, how)
}

#[cfg(test)]
mod tests {
    use domain::{
        RunnerId, TaskId, TenantId, Timestamp,
        log::Stream,
        receipt::End,
        request::{OutputDigest, RequestDigest},
    };
    use uuid::Uuid;

    use super::*;

    /// Returns the receipt of a run that printed `lines` lines.
    pub(super) fn signed(lines: u64) -> Signed {
        let receipt = Receipt {
            tenant: TenantId(Uuid::from_u128(1)),
            task: TaskId(Uuid::from_u128(2)),
            attempt: 1,
            runner: RunnerId(Uuid::from_u128(3)),
            request: RequestDigest::of(b"request"),
            started_at: Timestamp(1),
            ended_at: Timestamp(2),
            end: End::Exited(0),
            output: OutputDigest::of(b"output"),
            output_bytes: lines,
            out_of_memory: false,
            replaced_bytes: 0,
            output_lines: lines,
        };
        Signed { receipt: String::from_utf8(receipt.canonical()).unwrap(), signature: vec![1, 2] }
    }

    fn line(number: u64) -> Line {
        let stream = if number.is_multiple_of(3) { Stream::Stderr } else { Stream::Stdout };
        Line {
            at: Timestamp(i64::try_from(number).unwrap()),
            stream,
            text: "é".repeat(usize::try_from(number % 40).unwrap()),
            continued: number.is_multiple_of(7),
        }
    }

    fn filled(folder: PathBuf, lines: u64) -> Spool {
        let mut spool = Spool::create(folder, PathBuf::new()).unwrap();
        let all: Vec<Line> = (1..=lines).map(line).collect();
        for batch in all.chunks(97) {
            spool.append(batch).unwrap();
        }
        spool
    }

    #[test]
    fn every_line_is_read_from_any_line_on() {
        let data = tempfile::tempdir().unwrap();
        let spool = filled(data.path().join("a"), 2000);
        for from in [1, 2, 255, 256, 257, 258, 1025, 1999, 2000] {
            let mut next = from;
            while next < spool.next_line() {
                let lines = spool.read(next, 1000).unwrap();
                assert!(!lines.is_empty());
                for read in lines {
                    assert_eq!(read, line(next));
                    next += 1;
                }
            }
        }
        assert!(spool.read(2001, 1000).unwrap().is_empty());
        assert!(spool.read(0, 1000).unwrap().is_empty());
    }

    #[test]
    fn the_longest_line_is_read_regardless_of_the_requested_size() {
        let data = tempfile::tempdir().unwrap();
        let mut spool = Spool::create(data.path().join("a"), PathBuf::new()).unwrap();
        let long = Line { text: "x".repeat(domain::log::MAX_LINE), ..line(1) };
        spool.append(&[long.clone(), line(2)]).unwrap();
        assert_eq!(spool.read(1, 1).unwrap(), [long]);
        assert_eq!(spool.read(2, 1).unwrap(), [line(2)]);
    }

    #[test]
    fn ended_attempts_survive_a_restart_and_unfinished_ones_are_dropped() {
        let data = tempfile::tempdir().unwrap();
        let signed = signed(300);
        let path = data.path().join("a");
        drop(filled(path.clone(), 300));
        assert!(Spool::reopen(path.clone()).unwrap().is_none());

        let path = data.path().join("b");
        filled(path.clone(), 300).finish(&signed).unwrap();
        let (spool, receipt) = Spool::reopen(path.clone()).unwrap().unwrap();
        assert_eq!((spool.next_line(), receipt), (301, signed));
        assert_eq!(spool.read(300, 10).unwrap(), [line(300)]);
        spool.remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_spool_with_missing_or_unreadable_lines_is_not_opened() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("a");
        let spool = filled(path.clone(), 300);
        let (whole, last) = (spool.length, record::HEAD + line(300).text.len());
        let reopened = |lines| {
            spool.finish(&signed(lines)).unwrap();
            Spool::reopen(path.clone())
        };
        for (lines, length) in [(301, whole), (300, whole - 1), (300, 0)] {
            spool.file.set_len(length).unwrap();
            let error = reopened(lines).unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::InvalidData, "lines are missing"));
        }
        // Only the length is valid; the stream number is not.
        let spool = filled(data.path().join("b"), 300);
        spool.finish(&signed(300)).unwrap();
        spool.file.write_all_at(&[9], whole - u64::try_from(last).unwrap() + 12).unwrap();
        assert!(Spool::reopen(data.path().join("b")).is_err());

        fs::write(data.path().join("b").join(RECEIPT), r#"{"receipt":"{}","signature":[]}"#).unwrap();
        assert!(Spool::reopen(data.path().join("b")).unwrap_err().to_string().contains("receipt"));
    }

    /// A partial write that could not be undone may have left complete lines.
    #[test]
    fn lines_beyond_the_receipt_are_not_read() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("a");
        filled(path.clone(), 300).finish(&signed(257)).unwrap();
        let (spool, _) = Spool::reopen(path).unwrap().unwrap();
        assert_eq!(spool.next_line(), 258);
        assert_eq!(spool.read(257, 1 << 20).unwrap(), [line(257)]);
    }
}
