//! Output limits: which lines are stored, and their digest for the receipt.

use super::Assembler;
use crate::sandbox::{self, Chunk};
use domain::{
    Timestamp,
    log::{Line, MAX_LINES, MAX_OUTPUT, Stream},
    request::OutputDigest,
};
use sha2::{Digest, Sha256};

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

/// A filter that takes output as it arrives and returns the lines to store.
#[derive(Debug, Default)]
pub struct OutputLimiter {
    stdout: Assembler,
    stderr: Assembler,
    digest: Sha256,
    printed: u64,
    kept: u64,
    lines: u64,
    cut: bool,
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

    /// Returns the totals so far.
    pub fn totals(&self) -> OutputTotals {
        let digest = OutputDigest(self.digest.clone().finalize().into());
        OutputTotals { digest, printed: self.printed, lines: self.lines }
    }

    /// Returns the incomplete last lines, and the mark if output was truncated.
    pub fn finish(mut self, at: Timestamp) -> (Vec<Line>, OutputTotals) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        self.stdout.finish(&mut out);
        self.stderr.finish(&mut err);
        let mut last = self.keep(out, Stream::Stdout, at);
        last.extend(self.keep(err, Stream::Stderr, at));
        if self.cut {
            let mark = format!(
                "Output beyond {} MiB or {MAX_LINES} lines is not kept; {} bytes were printed in all.",
                MAX_OUTPUT >> 20,
                self.printed
            );
            self.add(&mark);
            last.push(Line { at, stream: Stream::Runner, text: mark });
        }
        let digest = OutputDigest(self.digest.finalize().into());
        (last, OutputTotals { digest, printed: self.printed, lines: self.lines })
    }

    /// After the first line beyond the limit, none is stored, so that the stored output is a prefix.
    fn keep(&mut self, texts: Vec<String>, stream: Stream, at: Timestamp) -> Vec<Line> {
        let mut lines = Vec::new();
        for text in texts {
            let size = u64::try_from(text.len()).unwrap_or(u64::MAX) + 1;
            self.cut = self.cut || self.kept + size > MAX_OUTPUT || self.lines >= MAX_LINES;
            if self.cut {
                break;
            }
            self.kept += size;
            self.add(&text);
            lines.push(Line { at, stream, text });
        }
        lines
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
    fn beyond_the_limit_output_is_cut_with_one_mark_and_still_counted() {
        let mut limiter = OutputLimiter::default();
        let line = format!("{}\n", "x".repeat(1023));
        let mut lines = 0;
        for _ in 0..20 * 1024 {
            lines += limiter.take(&chunk(sandbox::Stream::Stdout, line.clone()), NOW).len();
        }
        assert_eq!(lines, 16 * 1024);
        let (last, kept) = limiter.finish(NOW);
        assert_eq!(last.len(), 1);
        assert_eq!(last.first().map(|line| line.stream), Some(Stream::Runner));
        assert!(last.iter().all(|line| line.text.contains("20971520 bytes")));
        assert_eq!((kept.printed, kept.lines), (20 << 20, 16 * 1024 + 1));
    }

    #[test]
    fn a_flood_of_empty_lines_is_cut_too() {
        let mut limiter = OutputLimiter::default();
        let flood = Bytes::from(vec![b'\n'; 1 << 20]);
        let kept = limiter.take(&chunk(sandbox::Stream::Stderr, flood.clone()), NOW).len();
        assert_eq!(kept, 1 << 20);
        assert!(limiter.take(&chunk(sandbox::Stream::Stderr, flood), NOW).is_empty());
    }
}
