//! Line assembly: splits the bytes of one stream into lines, breaks long ones and replaces invalid UTF-8.

use domain::log::MAX_LINE;

/// A buffer for the incomplete last line.
#[derive(Debug, Default)]
pub struct Assembler {
    /// At most [`MAX_LINE`] bytes.
    pending: Vec<u8>,
}

impl Assembler {
    /// Appends bytes and returns the lines that they complete.
    pub fn push(&mut self, bytes: &[u8], lines: &mut Vec<String>) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                Some(end) => {
                    self.extend(end, lines);
                    emit(&std::mem::take(&mut self.pending), lines);
                }
                None => self.extend(piece, lines),
            }
        }
    }

    /// Returns the text after the last line feed.
    pub fn finish(&mut self, lines: &mut Vec<String>) {
        if !self.pending.is_empty() {
            emit(&std::mem::take(&mut self.pending), lines);
        }
    }

    /// Appends to the incomplete line, and breaks it while it is too long.
    fn extend(&mut self, mut bytes: &[u8], lines: &mut Vec<String>) {
        while self.pending.len() + bytes.len() > MAX_LINE {
            let (now, later) = bytes.split_at(MAX_LINE - self.pending.len());
            self.pending.extend_from_slice(now);
            let rest = self.pending.split_off(boundary(&self.pending));
            emit(&std::mem::replace(&mut self.pending, rest), lines);
            bytes = later;
        }
        self.pending.extend_from_slice(bytes);
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

/// Replacing invalid UTF-8 can make a line longer; then it is broken again.
fn emit(bytes: &[u8], lines: &mut Vec<String>) {
    let text = String::from_utf8_lossy(bytes);
    let mut rest: &str = &text;
    while rest.len() > MAX_LINE {
        let (line, later) = rest.split_at(rest.floor_char_boundary(MAX_LINE));
        lines.push(line.to_owned());
        rest = later;
    }
    lines.push(rest.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let (mut assembler, mut lines) = (Assembler::default(), Vec::new());
        for piece in pieces {
            assembler.push(piece, &mut lines);
        }
        assembler.finish(&mut lines);
        lines
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
}
