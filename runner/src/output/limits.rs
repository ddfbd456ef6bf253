//! Output limits: which lines are stored, and their digest for the receipt.

use super::{Assembler, Part};
use crate::sandbox::{self, Chunk};
use domain::{
    Timestamp,
    log::{Line, LineFeeds, MAX_LINES, MAX_OUTPUT, MAX_TAIL_LINES, MAX_TAIL_OUTPUT, Stream},
    request::OutputDigest,
};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;

/// The totals for the receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputTotals {
    /// Over the text of the stored lines.
    pub digest: OutputDigest,
    /// Printed bytes, stored or not.
    pub printed: u64,
    /// Printed bytes that are not UTF-8.
    pub replaced: u64,
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
    fn of(line: &Line) -> Self {
        Self { bytes: u64::try_from(line.size()).unwrap_or(u64::MAX), lines: 1 }
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
    feeds: LineFeeds,
    printed: u64,
    lines: u64,
    head: Size,
    /// The stream of the last line.
    last: Option<Stream>,
    /// The lines after the head, without those that were left out.
    tail: VecDeque<Line>,
    tail_size: Size,
    left_out: Size,
}

impl OutputLimiter {
    /// Returns the lines to store that `chunk`, read at `at`, completes.
    pub fn take(&mut self, chunk: &Chunk, at: Timestamp) -> Vec<Line> {
        self.printed += u64::try_from(chunk.bytes.len()).unwrap_or(0);
        let mut parts = Vec::new();
        let (assembler, stream) = match chunk.stream {
            sandbox::Stream::Stdout => (&mut self.stdout, Stream::Stdout),
            sandbox::Stream::Stderr => (&mut self.stderr, Stream::Stderr),
        };
        assembler.push(&chunk.bytes, &mut parts);
        self.keep(parts, stream, at)
    }

    /// Returns the incomplete lines.
    pub fn incomplete(&self, at: Timestamp) -> Vec<Line> {
        let streams = [(&self.stdout, Stream::Stdout), (&self.stderr, Stream::Stderr)];
        let lines = streams.map(|(assembler, stream)| Line::new(at, stream, assembler.incomplete()));
        lines.into_iter().filter(|line| !line.text.is_empty()).collect()
    }

    /// Returns the totals of what is stored so far.
    pub fn totals(&self) -> OutputTotals {
        let digest = self.digest.clone().chain_update(self.feeds.end());
        OutputTotals {
            digest: OutputDigest(digest.finalize().into()),
            printed: self.printed,
            replaced: self.stdout.replaced() + self.stderr.replaced(),
            lines: self.lines,
        }
    }

    /// Returns the last lines, after a mark if lines before them were left out.
    pub fn finish(mut self, at: Timestamp) -> (Vec<Line>, OutputTotals) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        self.stdout.finish(&mut out);
        self.stderr.finish(&mut err);
        let mut last = self.keep(out, Stream::Stdout, at);
        last.extend(self.keep(err, Stream::Stderr, at));
        let (mut tail, mut mark) = (std::mem::take(&mut self.tail), None);
        if let (Size { bytes, lines: 1.. }, Some(next)) = (self.left_out, tail.front_mut()) {
            let text = format!(
                "{} lines ({bytes} bytes) are left out here: at most {} MiB and {MAX_LINES} lines of output are kept.",
                self.left_out.lines,
                MAX_OUTPUT >> 20,
            );
            next.continued = false;
            mark = Some(Line::new(next.at, Stream::Runner, text));
        }
        for line in mark.into_iter().chain(tail) {
            self.add(&line);
            last.push(line);
        }
        (last, self.totals())
    }

    /// Returns the lines of the head. After the first line beyond it, all belong to the tail.
    fn keep(&mut self, parts: Vec<Part>, stream: Stream, at: Timestamp) -> Vec<Line> {
        let mut lines = Vec::new();
        for Part { text, continued } in parts {
            // A line of the other stream in between ends the first part.
            let continued = continued && self.last == Some(stream);
            self.last = Some(stream);
            let line = Line { at, stream, text, continued };
            let size = Size::of(&line);
            let head = self.head.plus(size);
            if self.tail.is_empty() && !head.exceeds(HEAD) {
                self.head = head;
                self.add(&line);
                lines.push(line);
            } else {
                self.tail_size = self.tail_size.plus(size);
                self.tail.push_back(line);
                self.shorten_tail();
            }
        }
        lines
    }

    fn shorten_tail(&mut self) {
        while self.tail_size.exceeds(TAIL)
            && let Some(oldest) = self.tail.pop_front()
        {
            let size = Size::of(&oldest);
            self.tail_size = self.tail_size.minus(size);
            self.left_out = self.left_out.plus(size);
        }
    }

    fn add(&mut self, line: &Line) {
        self.lines += 1;
        self.digest.update(self.feeds.before(line));
        self.digest.update(&line.text);
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
        assert_eq!(
            kept,
            OutputTotals { digest: OutputDigest::of(b"one\noops\nhalf\n"), printed: 13, replaced: 0, lines: 3 }
        );
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

    #[test]
    fn case_bc05_the_digest_of_a_long_line_is_that_of_what_was_printed() {
        let mut limiter = OutputLimiter::default();
        let long = "x".repeat(70_707);
        let lines = limiter.take(&chunk(sandbox::Stream::Stdout, format!("{long}\nnext\n")), NOW);
        assert_eq!(lines.iter().map(|line| line.continued).collect::<Vec<_>>(), [false, true, true, true, true, false]);
        let (_, kept) = limiter.finish(NOW);
        let digest = OutputDigest::of(format!("{long}\nnext\n").as_bytes());
        assert_eq!(kept, OutputTotals { digest, printed: 70_713, replaced: 0, lines: 6 });
    }

    #[test]
    fn case_bc05_a_line_of_the_other_stream_ends_the_first_part_of_a_long_line() {
        let mut limiter = OutputLimiter::default();
        let mut lines = limiter.take(&chunk(sandbox::Stream::Stdout, "x".repeat(20_000)), NOW);
        lines.extend(limiter.take(&chunk(sandbox::Stream::Stderr, "oops\n"), NOW));
        lines.extend(limiter.take(&chunk(sandbox::Stream::Stdout, "\n"), NOW));
        assert!(lines.iter().all(|line| !line.continued) && lines.len() == 3, "{}", lines.len());
    }

    #[test]
    fn case_bc05_the_line_after_the_mark_is_not_continued() {
        let mut limiter = OutputLimiter::default();
        for _ in 0..20 * 1024 {
            limiter.take(&chunk(sandbox::Stream::Stdout, "x".repeat(1024)), NOW);
        }
        let (last, kept) = limiter.finish(NOW);
        let (mark, rest) = last.split_first().unwrap();
        assert_eq!(mark.stream, Stream::Runner);
        assert!(!rest[0].continued && rest[1..].iter().all(|line| line.continued));
        assert_eq!(kept.printed, 20 << 20);
    }

    #[test]
    fn case_bc04_incomplete_lines_of_both_streams_are_shown() {
        let mut limiter = OutputLimiter::default();
        limiter.take(&chunk(sandbox::Stream::Stdout, "one\nPassword: "), NOW);
        assert_eq!(limiter.incomplete(NOW), [Line::new(NOW, Stream::Stdout, "Password: ")]);
        limiter.take(&chunk(sandbox::Stream::Stderr, "50 %\r"), NOW);
        assert_eq!(limiter.incomplete(NOW).len(), 2);
        limiter.take(&chunk(sandbox::Stream::Stdout, "\n"), NOW);
        assert_eq!(limiter.incomplete(NOW), [Line::new(NOW, Stream::Stderr, "50 %\r")]);
    }
}
