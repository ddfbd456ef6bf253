//! Terminal output as text with fixed CSS classes: colors and weights are kept, every other escape sequence is
//! dropped. Output of a task only ever becomes text nodes with these classes (Coder GHSA-7qw2-f75v-62f7).
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A part of a line in one style.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Class names of a fixed set, separated by spaces: `ansi-fg-0` … `ansi-fg-15`, `ansi-bg-0` … `ansi-bg-15`,
    /// `ansi-bold`, `ansi-dim`, `ansi-italic`, `ansi-underline`, `ansi-strike`.
    pub class: String,
    /// Contains no control characters except tab.
    pub text: String,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Style {
    fg: Option<u8>,
    bg: Option<u8>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    strike: bool,
    inverse: bool,
}

impl Style {
    fn class(self) -> String {
        let (fg, bg) = if self.inverse { (self.bg.or(Some(0)), self.fg.or(Some(7))) } else { (self.fg, self.bg) };
        let flags = [
            (self.bold, "ansi-bold"),
            (self.dim, "ansi-dim"),
            (self.italic, "ansi-italic"),
            (self.underline, "ansi-underline"),
            (self.strike, "ansi-strike"),
        ];
        let colors = [fg.map(|n| format!("ansi-fg-{n}")), bg.map(|n| format!("ansi-bg-{n}"))];
        let classes = colors.into_iter().flatten();
        classes.chain(flags.into_iter().filter(|(on, _)| *on).map(|(_, c)| c.to_owned())).collect::<Vec<_>>().join(" ")
    }

    /// Applies the parameters of one `CSI … m` sequence (ECMA-48, 8.3.117).
    fn apply(&mut self, numbers: &str) {
        let mut codes = numbers.split([';', ':']).map(|n| if n.is_empty() { 0 } else { n.parse().unwrap_or(u16::MAX) });
        while let Some(code) = codes.next() {
            match code {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underline = true,
                7 => self.inverse = true,
                9 => self.strike = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                27 => self.inverse = false,
                29 => self.strike = false,
                30..=37 => self.fg = u8::try_from(code - 30).ok(),
                90..=97 => self.fg = u8::try_from(code - 82).ok(),
                40..=47 => self.bg = u8::try_from(code - 40).ok(),
                100..=107 => self.bg = u8::try_from(code - 92).ok(),
                39 => self.fg = None,
                49 => self.bg = None,
                38 => self.fg = extended(&mut codes).or(self.fg),
                48 => self.bg = extended(&mut codes).or(self.bg),
                _ => {}
            }
        }
    }
}

/// Parses the color after 38 or 48, `5;n` or `2;r;g;b`, and returns the nearest of the 16 colors.
fn extended(codes: &mut impl Iterator<Item = u16>) -> Option<u8> {
    match codes.next()? {
        5 => match codes.next()? {
            n @ 0..=15 => u8::try_from(n).ok(),
            n @ 16..=231 => {
                let n = n - 16;
                Some(nearest([n / 36, n / 6 % 6, n % 6].map(|level| level * 51)))
            }
            n @ 232..=255 => Some(nearest([(n - 232) * 10 + 8; 3])),
            _ => None,
        },
        2 => Some(nearest([codes.next()?, codes.next()?, codes.next()?])),
        _ => None,
    }
}

/// Returns the nearest of the 16 colors: one bit each for red, green and blue, plus 8 if the color is bright.
fn nearest(rgb: [u16; 3]) -> u8 {
    let bits = rgb.iter().zip([1, 2, 4]).filter(|(level, _)| **level >= 100).map(|(_, bit)| bit).sum::<u8>();
    if rgb.iter().any(|level| *level >= 200) { bits + 8 } else { bits }
}

/// Returns a line without escape sequences and invisible characters.
///
/// ```
/// assert_eq!(domain::ansi::plain("\u{1b}[31mred\u{1b}[0m"), "red");
/// ```
pub fn plain(line: &str) -> Cow<'_, str> {
    if line.chars().all(|c| (!c.is_control() && !crate::text::is_invisible(c)) || c == '\t') {
        return Cow::Borrowed(line);
    }
    Cow::Owned(spans(line).into_iter().map(|span| span.text).collect())
}

/// The maximum number of spans of a line; the last one takes the rest of the text. A page shows hundreds of lines, and
/// each span is an element.
const MAX_SPANS: usize = 200;

/// Returns the spans of one line. The style does not carry over to the next line, so that any line can be shown alone.
pub fn spans(line: &str) -> Vec<Span> {
    let (mut spans, mut style, mut rest) = (Vec::<Span>::new(), Style::default(), line);
    let mut class = style.class();
    while let Some(c) = rest.chars().next() {
        let (length, sgr) = match c {
            '\u{1b}' | '\u{90}' | '\u{9b}' | '\u{9d}'..='\u{9f}' | '\u{98}' => escape(rest),
            _ => (c.len_utf8(), None),
        };
        if let Some(numbers) = sgr {
            style.apply(numbers);
            class = style.class();
        } else if (!c.is_control() && !crate::text::is_invisible(c)) || c == '\t' {
            let is_full = spans.len() >= MAX_SPANS;
            match spans.last_mut() {
                Some(last) if is_full || last.class == class => last.text.push(c),
                _ => spans.push(Span { class: class.clone(), text: c.to_string() }),
            }
        }
        rest = rest.get(length..).unwrap_or("");
    }
    spans
}

/// Returns the length in bytes of the escape sequence at the start of `text`, and its parameters if it sets colors.
fn escape(text: &str) -> (usize, Option<&str>) {
    let mut chars = text.char_indices();
    let opener = match chars.next() {
        Some((_, '\u{1b}')) => chars.next().map(|(_, c)| c),
        Some((_, c)) => char::from_u32(u32::from(c) - 0x40), // C1 controls are ESC and the letter 0x40 below
        None => None,
    };
    let body = chars.as_str();
    let start = text.len() - body.len();
    match opener {
        Some('[') => match body.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c) || c == '\u{1b}') {
            Some(end) if body[end..].starts_with('\u{1b}') => (start + end, None),
            Some(end) => {
                let numbers = &body[..end];
                let plain = numbers.bytes().all(|b| b.is_ascii_digit() || b == b';' || b == b':');
                (start + end + 1, (body[end..].starts_with('m') && plain).then_some(numbers))
            }
            None => (text.len(), None),
        },
        // Strings (OSC, DCS, SOS, PM, APC) end at BEL or ST; an unterminated one hides the rest of the line.
        Some(']' | 'P' | 'X' | '^' | '_') => match body.find(['\u{7}', '\u{9c}', '\u{1b}']) {
            Some(end) if body[end..].starts_with("\u{1b}\\") => (start + end + 2, None),
            Some(end) if body[end..].starts_with('\u{1b}') => (start + end, None),
            Some(end) => (start + end + body[end..].chars().next().map_or(1, char::len_utf8), None),
            None => (text.len(), None),
        },
        Some(c) if (' '..='/').contains(&c) => (start + body.chars().next().map_or(0, char::len_utf8), None),
        _ => (start, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(line: &str) -> Vec<(String, String)> {
        spans(line).into_iter().map(|s| (s.class, s.text)).collect()
    }

    #[test]
    fn a_line_with_thousands_of_color_changes_has_few_spans_and_all_of_its_text() {
        let line = "\u{1b}[7ma\u{1b}[mb".repeat(3_000);
        let spans = spans(&line);
        assert_eq!((spans.len(), plain(&line).len()), (MAX_SPANS, 6_000));
    }

    #[test]
    fn colors_become_classes() {
        assert_eq!(
            shown("a\u{1b}[1;31mb\u{1b}[0mc"),
            [("".into(), "a".into()), ("ansi-fg-1 ansi-bold".into(), "b".into()), ("".into(), "c".into())]
        );
        assert_eq!(shown("\u{1b}[38;5;196mx"), [("ansi-fg-9".into(), "x".into())]);
        assert_eq!(shown("\u{1b}[48;2;0;0;120my"), [("ansi-bg-4".into(), "y".into())]);
    }

    #[test]
    fn every_other_escape_sequence_is_dropped() {
        for (line, text) in [
            ("\u{1b}]8;;javascript:alert(1)\u{7}click\u{1b}]8;;\u{7}", "click"),
            ("\u{1b}]0;title\u{1b}\\x", "x"),
            ("\u{1b}[2J\u{1b}[10;10Hx", "x"),
            ("\u{1b}Pq#0\u{1b}\\x", "x"),
            ("a\u{8}\u{0}\rb", "ab"),
            ("\u{9b}31mx\u{202e}y", "xy"),
            ("<script>alert(1)</script>", "<script>alert(1)</script>"),
            ("\u{1b}]0;never ends <b>", ""),
        ] {
            assert_eq!(spans(line).into_iter().map(|s| s.text).collect::<String>(), text, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn no_input_produces_a_control_character_or_an_unknown_class(line in any::<String>(), raw in "(\u{1b}\\[[0-9;:]{0,12}[a-zA-Z]|\u{1b}.|.){0,40}") {
            for span in spans(&line).into_iter().chain(spans(&raw)) {
                prop_assert!(span.text.chars().all(|c| !c.is_control() || c == '\t'));
                prop_assert!(span.class.split(' ').all(|c| c.is_empty() || c.starts_with("ansi-")));
            }
        }
    }
}
