//! Line assembly: splits the bytes of one stream into lines, long ones into parts, and replaces invalid UTF-8.

use domain::{
    ansi::break_before,
    log::{MAX_INCOMPLETE, MAX_LINE},
};

/// A line, or a part of one that is longer than [`MAX_LINE`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub text: String,
    /// Whether it continues the part before it.
    pub continued: bool,
}

/// A buffer for the incomplete last line.
#[derive(Debug, Default)]
pub struct Assembler {
    /// At most [`MAX_LINE`] bytes.
    pending: Vec<u8>,
    /// Whether the pending bytes continue a line whose beginning was returned.
    continued: bool,
    /// The number of bytes that were not UTF-8.
    replaced: u64,
}

impl Assembler {
    /// Appends bytes and returns the lines that they complete.
    pub fn push(&mut self, bytes: &[u8], lines: &mut Vec<Part>) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                Some(end) => {
                    self.extend(end, lines);
                    let line = std::mem::take(&mut self.pending);
                    self.emit(&line, lines);
                    self.continued = false;
                }
                None => self.extend(piece, lines),
            }
        }
    }

    /// Returns the text after the last line feed.
    pub fn finish(&mut self, lines: &mut Vec<Part>) {
        if !self.pending.is_empty() {
            let line = std::mem::take(&mut self.pending);
            self.emit(&line, lines);
        }
    }

    /// Returns the number of bytes that were not UTF-8 so far.
    pub fn replaced(&self) -> u64 {
        self.replaced
    }

    /// Returns the end of the incomplete line, at most [`MAX_INCOMPLETE`] bytes.
    pub fn incomplete(&self) -> String {
        // Replaced bytes can take three times the space.
        let end = self.pending.len().saturating_sub(MAX_INCOMPLETE / 3);
        let end = self.pending.get(end..).unwrap_or_default();
        let from = end.iter().position(|byte| !(0x80..=0xBF).contains(byte)).unwrap_or(0);
        String::from_utf8_lossy(end.get(from..boundary(end)).unwrap_or_default()).into_owned()
    }

    /// Appends to the incomplete line, and breaks it while it is too long.
    fn extend(&mut self, mut bytes: &[u8], lines: &mut Vec<Part>) {
        while self.pending.len() + bytes.len() > MAX_LINE {
            let (now, later) = bytes.split_at(MAX_LINE - self.pending.len());
            self.pending.extend_from_slice(now);
            let rest = self.pending.split_off(end_of_part(&self.pending));
            let part = std::mem::replace(&mut self.pending, rest);
            self.emit(&part, lines);
            bytes = later;
        }
        self.pending.extend_from_slice(bytes);
    }

    /// Replacing invalid UTF-8 can make a line longer; then it is broken again.
    fn emit(&mut self, bytes: &[u8], lines: &mut Vec<Part>) {
        let text = String::from_utf8_lossy(bytes);
        let replaced: usize = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
        self.replaced += u64::try_from(replaced).unwrap_or(0);
        let mut rest: &str = &text;
        loop {
            let (part, later) = rest.split_at(rest.floor_char_boundary(MAX_LINE));
            lines.push(Part { text: part.to_owned(), continued: std::mem::replace(&mut self.continued, true) });
            rest = later;
            if rest.is_empty() {
                return;
            }
        }
    }
}

/// Returns where to break a line that is too long: in its last quarter, so that the parts look like the line.
fn end_of_part(bytes: &[u8]) -> usize {
    let end = boundary(bytes);
    match str::from_utf8(bytes.get(..end).unwrap_or_default()) {
        Ok(text) => break_before(text, MAX_LINE / 4 * 3),
        Err(_) => end,
    }
}

/// Returns where to break without splitting a character: before an incomplete one at the end, if there is one.
fn boundary(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(3);
    let tail = bytes.get(from..).unwrap_or_default();
    // The first byte of a UTF-8 character encodes its length.
    let length = |lead: u8| match lead {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 1,
    };
    let torn = tail.iter().enumerate().rev().find(|(_, byte)| length(**byte) > 1);
    match torn {
        Some((at, lead)) if at + length(*lead) > tail.len() => from + at,
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        ansi::{Span, Styles},
        log::Stream,
    };

    fn parts(pieces: &[&[u8]]) -> Vec<Part> {
        let (mut assembler, mut lines) = (Assembler::default(), Vec::new());
        for piece in pieces {
            assembler.push(piece, &mut lines);
        }
        assembler.finish(&mut lines);
        lines
    }

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        parts(pieces).into_iter().map(|part| part.text).collect()
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_arrive() {
        let text = "one\n\nthree \u{1f3f0} Ünïcode\r\nlast";
        let whole = lines(&[text.as_bytes()]);
        assert_eq!(whole, ["one", "", "three \u{1f3f0} Ünïcode\r", "last"]);
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(lines(&bytes), whole);
    }

    #[test]
    fn empty_output_and_a_final_line_feed_make_no_line() {
        assert!(lines(&[b""]).is_empty());
        assert_eq!(lines(&[b"a\n"]), ["a"]);
    }

    #[test]
    fn a_line_of_exactly_the_maximum_length_stays_one_line() {
        let longest = "x".repeat(MAX_LINE);
        assert_eq!(lines(&[longest.as_bytes(), b"\n", b"y"]), [longest.as_str(), "y"]);
    }

    #[test]
    fn a_longer_line_is_broken_between_characters_and_loses_nothing() {
        let long = "ab€\u{1f3f0}".repeat(10_000);
        for size in [1, 7, 4096, long.len()] {
            let pieces: Vec<&[u8]> = long.as_bytes().chunks(size).collect();
            let broken = lines(&pieces);
            assert!(broken.iter().all(|line| line.len() <= MAX_LINE && !line.contains('\u{fffd}')));
            assert_eq!(broken.concat(), long);
        }
    }

    #[test]
    fn invalid_utf8_is_replaced_and_never_makes_a_line_too_long() {
        assert_eq!(lines(&[b"a\xffb\n"]), ["a\u{fffd}b"]);
        let broken = lines(&[&[0xff; 3 * MAX_LINE]]);
        assert!(broken.iter().all(|line| line.len() <= MAX_LINE));
        assert_eq!(broken.concat().chars().count(), 3 * MAX_LINE);
    }

    #[test]
    fn case_bc05_the_parts_of_a_long_line_continue_each_other_and_the_next_line_does_not() {
        let long = "x".repeat(2 * MAX_LINE + 1);
        for size in [1, 4096, long.len()] {
            let mut pieces: Vec<&[u8]> = long.as_bytes().chunks(size).collect();
            pieces.extend([b"\nnext\n".as_slice(), b"last"]);
            let continued: Vec<bool> = parts(&pieces).iter().map(|part| part.continued).collect();
            assert_eq!(continued, [false, true, true, false, false], "{size}");
        }
    }

    #[test]
    fn case_bc03_case_x02_parts_of_a_long_line_tear_neither_escape_sequences_nor_states() {
        let shown = |text: &str| {
            let mut styles = Styles::default();
            let spans = parts(&[text.as_bytes()]).into_iter().map(|part| styles.spans(Stream::Stdout, &part.text));
            spans.collect::<Vec<_>>()
        };
        let colored = shown(&format!("\u{1b}[31m{}\u{1b}[0m", "a".repeat(20_000)));
        assert_eq!(colored.len(), 2);
        assert!(colored.iter().all(|spans| spans.len() == 1 && spans[0].class == "ansi-fg-1"), "{colored:?}");
        let torn = shown(&format!("{}\u{1b}[31mred", "a".repeat(MAX_LINE - 2)));
        assert_eq!(torn[1], [Span { class: "ansi-fg-1".into(), text: "red".into() }]);
        let progress: String = (0..3_000).map(|n| format!("\rstep {n:05}")).collect();
        let states = shown(&progress).into_iter().map(|spans| spans[0].text.clone()).collect::<Vec<_>>();
        assert_eq!(states, ["step 01488", "step 02977", "step 02999"]);
        let lines = lines(&[progress.as_bytes()]);
        assert_eq!(lines.concat(), progress);
        assert!(lines.iter().all(|line| line.len() <= MAX_LINE));
    }

    #[test]
    fn case_bc07_bytes_that_are_not_utf8_are_counted() {
        let (mut assembler, mut lines) = (Assembler::default(), vec![]);
        assembler.push("a\u{fffd}\u{1f3f0}\n".as_bytes(), &mut lines);
        assert_eq!(assembler.replaced(), 0);
        assembler.push(b"\xe9t\xe9 \xf0\x9f\x8f\n", &mut lines);
        assert_eq!((assembler.replaced(), lines[1].text.as_str()), (5, "\u{fffd}t\u{fffd} \u{fffd}"));
    }

    #[test]
    fn case_bc04_the_end_of_an_incomplete_line_is_known() {
        let mut assembler = Assembler::default();
        assembler.push(b"done\nConnecting ... ", &mut vec![]);
        assert_eq!(assembler.incomplete(), "Connecting ... ");
        assembler.push(b"ok\n", &mut vec![]);
        assert_eq!(assembler.incomplete(), "");
        assembler.push("\u{1f3f0}".repeat(4_000).as_bytes(), &mut vec![]);
        let end = assembler.incomplete();
        assert!(end.len() > 1_000 && end.len() <= MAX_INCOMPLETE && !end.contains('\u{fffd}'));
        assembler.push(&[b"\n".as_slice(), &[0xff; MAX_LINE]].concat(), &mut vec![]);
        assert!(assembler.incomplete().len() <= MAX_INCOMPLETE);
        assembler.push(b"\n\xe2\x82", &mut vec![]);
        assert_eq!(assembler.incomplete(), "");
    }
}
