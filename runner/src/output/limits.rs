//! Output limits: which lines are stored, and their digest for the receipt.

use super::Assembler;
use crate::sandbox::{self, Chunk};
use domain::{
    Timestamp,
    log::{Line, MAX_LINES, MAX_OUTPUT, MAX_TAIL_LINES, MAX_TAIL_OUTPUT, Stream},
    request::OutputDigest,
};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;

/// The totals for the receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputTotals {
    /// Over every stored line, each followed by a line feed.
    pub digest: OutputDigest,
    /// Printed bytes, stored or not.
    pub printed: u64,
    /// Stored lines.
    pub lines: u64,
}

/// What is kept back for the end of the output, which often has the reason of a failure.
const TAIL: Size = Size { bytes: MAX_TAIL_OUTPUT, lines: MAX_TAIL_LINES };
/// What is stored as it arrives.
const HEAD: Size = Size { bytes: MAX_OUTPUT - TAIL.bytes, lines: MAX_LINES - TAIL.lines };

/// Lines and their bytes, line feeds included.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    bytes: u64,
    lines: u64,
}

impl Size {
    fn of(text: &str) -> Self {
        Self { bytes: u64::try_from(text.len()).unwrap_or(u64::MAX).saturating_add(1), lines: 1 }
    }

    fn plus(self, other: Self) -> Self {
        Self { bytes: self.bytes.saturating_add(other.bytes), lines: self.lines.saturating_add(other.lines) }
    }

    fn minus(self, other: Self) -> Self {
        Self { bytes: self.bytes.saturating_sub(other.bytes), lines: self.lines.saturating_sub(other.lines) }
    }

    fn exceeds(self, limit: Self) -> bool {
        self.bytes > limit.bytes || self.lines > limit.lines
    }
}

/// A filter that takes output as it arrives and returns the lines to store: from the first on until the limit, and at the end the
/// last ones. The lines in between are counted.
#[derive(Debug, Default)]
pub struct OutputLimiter {
    stdout: Assembler,
    stderr: Assembler,
    digest: Sha256,
    printed: u64,
    lines: u64,
    head: Size,
    /// The lines after the head, without those that were left out.
    tail: VecDeque<Line>,
    tail_size: Size,
    left_out: Size,
}

impl OutputLimiter {
    /// Returns the lines to store that `chunk`, read at `at`, completes.
    pub fn take(&mut self, chunk: &Chunk, at: Timestamp) -> Vec<Line> {
        self.printed += u64::try_from(chunk.bytes.len()).unwrap_or(0);
        let mut texts = Vec::new();
        let (assembler, stream) = match chunk.stream {
            sandbox::Stream::Stdout => (&mut self.stdout, Stream::Stdout),
            sandbox::Stream::Stderr => (&mut self.stderr, Stream::Stderr),
        };
        assembler.push(&chunk.bytes, &mut texts);
        self.keep(texts, stream, at)
    }

    /// Returns the totals of what is stored so far.
    pub fn totals(&self) -> OutputTotals {
        let digest = OutputDigest(self.digest.clone().finalize().into());
        OutputTotals { digest, printed: self.printed, lines: self.lines }
    }

    /// Returns the last lines, after a mark if lines before them were left out.
    pub fn finish(mut self, at: Timestamp) -> (Vec<Line>, OutputTotals) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        self.stdout.finish(&mut out);
        self.stderr.finish(&mut err);
        let mut last = self.keep(out, Stream::Stdout, at);
        last.extend(self.keep(err, Stream::Stderr, at));
        let (tail, mut mark) = (std::mem::take(&mut self.tail), None);
        if let (Size { bytes, lines: 1.. }, Some(next)) = (self.left_out, tail.front()) {
            let text = format!(
                "{} lines ({bytes} bytes) are left out here: at most {} MiB and {MAX_LINES} lines of output are kept.",
                self.left_out.lines,
                MAX_OUTPUT >> 20,
            );
            mark = Some(Line { at: next.at, stream: Stream::Runner, text });
        }
        for line in mark.into_iter().chain(tail) {
            self.add(&line.text);
            last.push(line);
        }
        let digest = OutputDigest(self.digest.finalize().into());
        (last, OutputTotals { digest, printed: self.printed, lines: self.lines })
    }

    /// Returns the lines of the head. After the first line beyond it, all belong to the tail.
    fn keep(&mut self, texts: Vec<String>, stream: Stream, at: Timestamp) -> Vec<Line> {
        let mut lines = Vec::new();
        for text in texts {
            let size = Size::of(&text);
            let head = self.head.plus(size);
            if self.tail.is_empty() && !head.exceeds(HEAD) {
                self.head = head;
                self.add(&text);
                lines.push(Line { at, stream, text });
            } else {
                self.tail_size = self.tail_size.plus(size);
                self.tail.push_back(Line { at, stream, text });
                self.shorten_tail();
            }
        }
        lines
    }

    fn shorten_tail(&mut self) {
        while self.tail_size.exceeds(TAIL)
            && let Some(oldest) = self.tail.pop_front()
        {
            let size = Size::of(&oldest.text);
            self.tail_size = self.tail_size.minus(size);
            self.left_out = self.left_out.plus(size);
        }
    }

    fn add(&mut self, text: &str) {
        self.lines += 1;
        self.digest.update(text.as_bytes());
        self.digest.update(b"\n");
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const NOW: Timestamp = Timestamp(7);

    fn chunk(stream: sandbox::Stream, bytes: impl Into<Bytes>) -> Chunk {
        Chunk { stream, bytes: bytes.into() }
    }

    #[test]
    fn s_14_the_digest_is_over_the_kept_lines_of_both_streams_in_order() {
        let mut limiter = OutputLimiter::default();
        let mut lines = limiter.take(&chunk(sandbox::Stream::Stdout, "one\nhal"), NOW);
        lines.extend(limiter.take(&chunk(sandbox::Stream::Stderr, "oops\n"), NOW));
        lines.extend(limiter.take(&chunk(sandbox::Stream::Stdout, "f"), NOW));
        let (last, kept) = limiter.finish(NOW);
        lines.extend(last);
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["one", "oops", "half"]);
        assert_eq!(kept, OutputTotals { digest: OutputDigest::of(b"one\noops\nhalf\n"), printed: 13, lines: 3 });
    }

    #[test]
    fn case_bc06_beyond_the_limit_the_beginning_and_the_end_are_kept() {
        let mut limiter = OutputLimiter::default();
        let line = format!("{}\n", "x".repeat(1023));
        let mut head = 0;
        for _ in 0..20 * 1024 {
            head += limiter.take(&chunk(sandbox::Stream::Stdout, line.clone()), NOW).len();
        }
        assert_eq!(head, 16 * 1024 - 256);
        assert_eq!(limiter.take(&chunk(sandbox::Stream::Stderr, "FATAL: the reason\n"), NOW), []);
        let (last, kept) = limiter.finish(NOW);
        let (mark, reason) = (last.first().unwrap(), last.last().unwrap());
        assert_eq!(mark.stream, Stream::Runner);
        assert!(mark.text.starts_with("4097 lines (4195328 bytes) are left out here"), "{}", mark.text);
        assert_eq!((reason.stream, reason.text.as_str()), (Stream::Stderr, "FATAL: the reason"));
        assert_eq!(last.len(), 1 + 255 + 1);
        assert_eq!(kept.lines, u64::try_from(head + last.len()).unwrap());
        assert_eq!(kept.printed, (20 << 20) + 18);
    }

    #[test]
    fn case_bc06_output_up_to_the_limit_is_complete_and_without_a_mark() {
        let mut limiter = OutputLimiter::default();
        let line = format!("{}\n", "x".repeat(1023));
        let mut lines = vec![];
        for _ in 0..16 * 1024 {
            lines.extend(limiter.take(&chunk(sandbox::Stream::Stdout, line.clone()), NOW));
        }
        let (last, kept) = limiter.finish(NOW);
        lines.extend(last);
        assert!(lines.iter().all(|line| line.stream == Stream::Stdout));
        assert_eq!((lines.len(), kept.lines, kept.printed), (16 * 1024, 16 * 1024, 16 << 20));
        assert_eq!(kept.digest, OutputDigest::of(line.repeat(16 * 1024).as_bytes()));
    }

    #[test]
    fn a_flood_of_empty_lines_is_cut_too() {
        let mut limiter = OutputLimiter::default();
        let flood = Bytes::from(vec![b'\n'; 1 << 20]);
        let kept = limiter.take(&chunk(sandbox::Stream::Stderr, flood.clone()), NOW).len();
        assert_eq!(kept, (1 << 20) - 4096);
        assert!(limiter.take(&chunk(sandbox::Stream::Stderr, flood), NOW).is_empty());
        let (last, _) = limiter.finish(NOW);
        assert_eq!(last.len(), 4097);
    }
}
