//! Terminal output as text with fixed CSS classes: colors and weights are kept, a line is what a terminal shows at its end, and
//! every other escape sequence is dropped. Output of a task only ever becomes text nodes with these classes (Coder
//! GHSA-7qw2-f75v-62f7).
use crate::{log::Stream, text::is_visible_between};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};

/// A part of a line in one style.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Class names of a fixed set, separated by spaces: `ansi-fg-0` … `ansi-fg-15`, `ansi-bg-0` … `ansi-bg-15`,
    /// `ansi-bold`, `ansi-dim`, `ansi-italic`, `ansi-underline`, `ansi-strike`.
    pub class: String,
    /// Contains no control characters except tab.
    pub text: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

    /// Applies the parameters of one `CSI … m` sequence (ECMA-48, 8.3.117). Semicolons separate parameters, colons the
    /// sub-parameters of one (ITU-T T.416, 13.1.8); colors are written with either.
    fn apply(&mut self, parameters: &str) {
        let mut parameters = parameters.split(';');
        while let Some(parameter) = parameters.next() {
            let mut parts = parameter.split(':').map(number);
            let code = parts.next().unwrap_or(0);
            match code {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underline = parts.next() != Some(0),
                7 => self.inverse = true,
                9 => self.strike = true,
                21 => self.underline = true, // doubly
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
                38 | 48 | 58 => {
                    let color = match parameter.contains(':') {
                        true => color_of_parts(&parts.collect::<Vec<_>>()),
                        false => color(&mut parameters.by_ref().map(number)),
                    };
                    match code {
                        38 => self.fg = color.or(self.fg),
                        48 => self.bg = color.or(self.bg),
                        _ => {} // the color of the underline is not shown
                    }
                }
                _ => {}
            }
        }
    }
}

/// The parameters of the `CSI … m` sequence that sets this style; empty for the default.
impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let color = |n: u8, base: u16| if n < 8 { base + u16::from(n) } else { base + 52 + u16::from(n) };
        let flags =
            [(self.bold, 1), (self.dim, 2), (self.italic, 3), (self.underline, 4), (self.inverse, 7), (self.strike, 9)];
        let flags = flags.into_iter().filter_map(|(is_set, code)| is_set.then_some(code));
        let colors = [self.fg.map(|n| color(n, 30)), self.bg.map(|n| color(n, 40))];
        let codes: Vec<_> = flags.chain(colors.into_iter().flatten()).map(|code| code.to_string()).collect();
        f.write_str(&codes.join(";"))
    }
}

/// The styles in which the next line of each stream begins: a color lasts until it is reset, also beyond the end of a line. The text
/// form is `STDOUT/STDERR`, each the parameters of a `CSI … m` sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Styles {
    stdout: Style,
    stderr: Style,
}

impl Styles {
    /// Returns the spans of the next line of a stream.
    pub fn spans(&mut self, stream: Stream, line: &str) -> Vec<Span> {
        match self.of(stream) {
            Some(style) => spans_from(line, style),
            None => spans(line),
        }
    }

    /// Continues after a line of a stream that is not shown.
    pub fn skip(&mut self, stream: Stream, line: &str) {
        let Some(style) = self.of(stream) else { return };
        for element in Elements(line) {
            if let Element::Control('m', parameters) = element {
                style.apply(parameters);
            }
        }
    }

    fn of(&mut self, stream: Stream) -> Option<&mut Style> {
        match stream {
            Stream::Stdout => Some(&mut self.stdout),
            Stream::Stderr => Some(&mut self.stderr),
            Stream::Runner => None,
        }
    }
}

impl fmt::Display for Styles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stdout, self.stderr)
    }
}

/// The text is not that of [`Styles`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the styles of two streams")]
pub struct InvalidStyles;

impl FromStr for Styles {
    type Err = InvalidStyles;

    fn from_str(text: &str) -> Result<Self, InvalidStyles> {
        let (stdout, stderr) = text.split_once('/').ok_or(InvalidStyles)?;
        let mut styles = Self::default();
        styles.stdout.apply(stdout);
        styles.stderr.apply(stderr);
        if styles.to_string() == text { Ok(styles) } else { Err(InvalidStyles) }
    }
}

/// Returns the value of a parameter; an empty one is 0.
fn number(text: &str) -> u16 {
    if text.is_empty() { 0 } else { text.parse().unwrap_or(u16::MAX) }
}

/// Parses the color after 38, 48 or 58, `5;n` or `2;r;g;b`, and returns the nearest of the 16 colors.
fn color(codes: &mut impl Iterator<Item = u16>) -> Option<u8> {
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

/// Parses the color of sub-parameters: `5:n`, `2:r:g:b`, or `2:COLORSPACE:r:g:b`, perhaps with tolerances.
fn color_of_parts(parts: &[u16]) -> Option<u8> {
    match parts {
        [2, _, r, g, b, ..] => Some(nearest([*r, *g, *b])),
        _ => color(&mut parts.iter().copied()),
    }
}

/// Returns the nearest of the 16 colors: one bit each for red, green and blue, plus 8 if the color is bright.
fn nearest(rgb: [u16; 3]) -> u8 {
    let bits = rgb.iter().zip([1, 2, 4]).filter(|(level, _)| **level >= 100).map(|(_, bit)| bit).sum::<u8>();
    if rgb.iter().any(|level| *level >= 200) { bits + 8 } else { bits }
}

/// Returns a line as a terminal shows it at its end, without escape sequences and invisible characters.
///
/// ```
/// assert_eq!(domain::ansi::plain("\u{1b}[31mred\u{1b}[0m"), "red");
/// assert_eq!(domain::ansi::plain("10%\r100%"), "100%");
/// ```
pub fn plain(line: &str) -> Cow<'_, str> {
    if is_plain(line) {
        return Cow::Borrowed(line);
    }
    Cow::Owned(visible(&cells(line, &mut Style::default())).map(|(c, _)| c).collect())
}

/// Returns whether a line is shown as it is.
fn is_plain(line: &str) -> bool {
    line.chars().all(|c| (!c.is_control() || c == '\t') && !crate::text::is_invisible(c))
}

/// Returns where to break a line that is too long, in bytes from its start: before what its end would tear, if that begins after `from`. It
/// would tear an escape sequence, or the text with which a program overwrites the line after a carriage return.
///
/// ```
/// assert_eq!(domain::ansi::break_before("abc\u{1b}[3", 2), 3);
/// assert_eq!(domain::ansi::break_before("10%\r55%\r10", 2), 7);
/// assert_eq!(domain::ansi::break_before("abc\u{1b}[3", 4), 6);
/// ```
pub fn break_before(text: &str, from: usize) -> usize {
    let (mut elements, mut at, mut found) = (Elements(text), 0, None);
    while let Some(element) = elements.next() {
        found = match element {
            Element::Character('\r') if at > from => Some(at),
            Element::Unterminated if at > from => found.or(Some(at)),
            _ => found,
        };
        at = text.len() - elements.0.len();
    }
    found.unwrap_or(text.len())
}

/// The maximum number of spans of a line; the last one takes the rest of the text. A page shows hundreds of lines, and
/// each span is an element.
const MAX_SPANS: usize = 200;

/// The last column to which escape sequences move the cursor beyond the end of the text.
const MAX_COLUMN: usize = 1024;

/// The maximum number of cells that escape sequences fill with blanks in one line, so that the work is proportional to its length.
const MAX_BLANKS: usize = 16 * 1024;

/// Returns the spans of one line by itself.
pub fn spans(line: &str) -> Vec<Span> {
    spans_from(line, &mut Style::default())
}

/// Returns the spans of a line that begins in this style, which becomes the one at its end.
fn spans_from(line: &str, style: &mut Style) -> Vec<Span> {
    if is_plain(line) {
        let span = Span { class: style.class(), text: line.to_owned() };
        return if line.is_empty() { vec![] } else { vec![span] };
    }
    let (mut spans, mut last_style) = (Vec::<Span>::new(), None);
    for (c, style) in visible(&cells(line, style)) {
        let is_full = spans.len() >= MAX_SPANS;
        match spans.last_mut() {
            Some(last) if is_full || last_style == Some(style) => last.text.push(c),
            _ => spans.push(Span { class: style.class(), text: c.to_string() }),
        }
        last_style = Some(style);
    }
    spans
}

/// A column of a terminal. Wide characters take one, and marks one of their own.
type Cell = (char, Style);

/// Returns the cells of a line at its end. The cursor returns, moves and erases as in a terminal (ECMA-48, 8.3), within the line.
fn cells(line: &str, style: &mut Style) -> Vec<Cell> {
    let (mut cells, mut cursor, mut blanks) = (Vec::<Cell>::new(), 0_usize, MAX_BLANKS);
    let mut may_fill = |count: usize| match blanks.checked_sub(count) {
        Some(rest) => {
            blanks = rest;
            true
        }
        None => false,
    };
    for element in Elements(line) {
        match element {
            Element::Character('\r') => cursor = 0,
            Element::Character('\u{8}') => cursor = cursor.saturating_sub(1),
            Element::Character(c) if c.is_control() && c != '\t' => {}
            Element::Character(c) => {
                let gap = cursor.saturating_sub(cells.len());
                if gap > 0 && !may_fill(gap) {
                    cursor = cells.len();
                }
                if cursor >= cells.len() {
                    cells.resize(cursor + 1, (' ', Style::default()));
                }
                cells[cursor] = (c, *style);
                cursor += 1;
            }
            Element::Control('m', parameters) => style.apply(parameters),
            Element::Control('K', parameters) => match number(parameters) {
                0 => cells.truncate(cursor),
                1 if may_fill(cells.len().min(cursor + 1)) => {
                    cells.iter_mut().take(cursor + 1).for_each(|cell| *cell = (' ', Style::default()));
                }
                1 => {}
                _ => cells.clear(),
            },
            Element::Control(command @ ('C' | 'D' | 'G'), parameters) => {
                let columns = usize::from(number(parameters).max(1));
                let to = match command {
                    'C' => cursor.saturating_add(columns),
                    'D' => cursor.saturating_sub(columns),
                    _ => columns - 1,
                };
                cursor = to.min(cells.len().max(MAX_COLUMN));
            }
            Element::Control(..) | Element::Other | Element::Unterminated => {}
        }
    }
    cells
}

/// Returns the cells whose characters are visible.
fn visible(cells: &[Cell]) -> impl Iterator<Item = Cell> {
    let character = |number: usize| cells.get(number).map(|(c, _)| *c);
    let mut previous = None;
    cells.iter().enumerate().filter_map(move |(number, (c, style))| {
        let is_visible = *c == '\t' || is_visible_between(previous, *c, character(number + 1));
        is_visible.then(|| {
            previous = Some(*c);
            (*c, *style)
        })
    })
}

/// The elements of a line.
struct Elements<'a>(&'a str);

enum Element<'a> {
    Character(char),
    /// A control sequence: its final character and its parameters, which are digits, semicolons and colons.
    Control(char, &'a str),
    /// Another escape sequence.
    Other,
    /// The beginning of an escape sequence that the line ends in.
    Unterminated,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let c = self.0.chars().next()?;
        let (length, element) = match c {
            '\u{1b}' | '\u{90}' | '\u{9b}' | '\u{9d}'..='\u{9f}' | '\u{98}' => escape(self.0),
            _ => (c.len_utf8(), Element::Character(c)),
        };
        self.0 = self.0.get(length..).unwrap_or("");
        Some(element)
    }
}

/// Returns the escape sequence at the start of `text` and its length in bytes.
fn escape(text: &str) -> (usize, Element<'_>) {
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
            Some(end) if body[end..].starts_with('\u{1b}') => (start + end, Element::Other),
            Some(end) => {
                let parameters = &body[..end];
                let is_standard = parameters.bytes().all(|b| b.is_ascii_digit() || b == b';' || b == b':');
                let command = body[end..].chars().next().filter(|_| is_standard);
                (start + end + 1, command.map_or(Element::Other, |command| Element::Control(command, parameters)))
            }
            None => (text.len(), Element::Unterminated),
        },
        // Strings (OSC, DCS, SOS, PM, APC) end at BEL or ST; an unterminated one hides the rest of the line.
        Some(']' | 'P' | 'X' | '^' | '_') => match body.find(['\u{7}', '\u{9c}', '\u{1b}']) {
            Some(end) if body[end..].starts_with("\u{1b}\\") => (start + end + 2, Element::Other),
            Some(end) if body[end..].starts_with('\u{1b}') => (start + end, Element::Other),
            Some(end) => (start + end + body[end..].chars().next().map_or(1, char::len_utf8), Element::Other),
            None => (text.len(), Element::Unterminated),
        },
        Some(c) if (' '..='/').contains(&c) => match body.chars().next() {
            Some(last) => (start + last.len_utf8(), Element::Other),
            None => (start, Element::Unterminated),
        },
        Some(_) => (start, Element::Other),
        None => (start, Element::Unterminated),
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

    /// A color lasts beyond the end of a line, separately for each stream, and also after lines that are not shown.
    #[test]
    fn case_bc01_a_style_lasts_until_it_is_reset() {
        let lines = [
            (Stream::Stdout, "\u{1b}[31mred", "ansi-fg-1"),
            (Stream::Stderr, "\u{1b}[1mE1", "ansi-bold"),
            (Stream::Runner, "from the runner", ""),
            (Stream::Stdout, "two", "ansi-fg-1"),
            (Stream::Stdout, "three\u{1b}[0m", "ansi-fg-1"),
            (Stream::Stderr, "E2", "ansi-bold"),
            (Stream::Stdout, "plain", ""),
        ];
        for shown_from in 0..lines.len() {
            let mut styles = Styles::default();
            for (number, (stream, line, class)) in lines.into_iter().enumerate() {
                styles = styles.to_string().parse().unwrap();
                if number < shown_from {
                    styles.skip(stream, line);
                } else {
                    let spans = styles.spans(stream, line);
                    assert_eq!(spans.iter().map(|span| span.class.as_str()).collect::<Vec<_>>(), [class], "{line}");
                }
            }
        }
    }

    #[test]
    fn case_bc02_sub_parameters_belong_to_their_parameter() {
        for (parameters, class) in [
            ("1;4:3", "ansi-bold ansi-underline"),
            ("1;31;58;5;2", "ansi-fg-1 ansi-bold"),
            ("38:2::255:135:0", "ansi-fg-11"),
            ("38:2:255:135:0", "ansi-fg-11"),
            ("38;5;208", "ansi-fg-11"),
            ("38:5:196", "ansi-fg-9"),
            ("1;31;4:0", "ansi-fg-1 ansi-bold"),
            ("31;58:2::0:0:1", "ansi-fg-1"),
            ("31;58;2;0;0;1", "ansi-fg-1"),
            ("31;4;24", "ansi-fg-1"),
        ] {
            assert_eq!(shown(&format!("\u{1b}[{parameters}mx")), [(class.into(), "x".into())], "{parameters}");
        }
    }

    /// A line is what a terminal shows at its end.
    #[test]
    fn case_bc03_case_x01_overwritten_and_erased_text_is_not_shown() {
        for (line, text) in [
            ("got 10%\rgot 55%\rgot 100%", "got 100%"),
            ("abcdef\rXY", "XYcdef"),
            ("line end\r", "line end"),
            ("ab\u{8}\u{8}XY", "XY"),
            ("Downloading\u{1b}[2K\rDone", "Done"),
            ("abcdef\u{1b}[3DX", "abcXef"),
            ("abcdef\r\u{1b}[2C\u{1b}[K!", "ab!"),
            ("abc\u{1b}[1Kd", "   d"),
            ("a\u{1b}[5Gb", "a   b"),
            ("\u{8}\u{8}a", "a"),
        ] {
            assert_eq!(plain(line), text, "{line:?}");
        }
        assert_eq!(shown("\u{1b}[31mabc\rX"), [("ansi-fg-1".into(), "Xbc".into())]);
    }

    /// A line that is too long is not broken within an escape sequence, and not within the text that overwrites it.
    #[test]
    fn the_parts_of_a_long_line_are_shown_as_the_line() {
        for (text, from, first) in [
            ("abc\u{1b}[31mdef", 0, "abc\u{1b}[31mdef"),
            ("abc\u{1b}[31", 0, "abc"),
            ("abc\u{1b}", 0, "abc"),
            ("abc\u{1b}(", 0, "abc"),
            ("abc\u{9b}3", 0, "abc"),
            ("abc\u{1b}]8;;https://exam", 0, "abc"),
            ("abc\u{1b}]0;title\u{1b}", 0, "abc\u{1b}]0;title"),
            ("abc\u{1b}]0;title\u{1b}\\", 0, "abc\u{1b}]0;title\u{1b}\\"),
            ("10%\r55%\r10", 0, "10%\r55%"),
            ("10%\r55%\r", 0, "10%\r55%"),
            ("10%\r55%\u{1b}[3", 0, "10%"),
            // No part is empty or much shorter than it may be.
            ("\r10%", 0, "\r10%"),
            ("10%\r55%\r10", 7, "10%\r55%\r10"),
            ("abc\u{1b}[31", 3, "abc\u{1b}[31"),
        ] {
            assert_eq!(text.split_at(break_before(text, from)).0, first, "{text:?}");
        }
    }

    #[test]
    fn erasing_and_moving_beyond_the_end_are_limited() {
        let letters = "x".repeat(MAX_BLANKS / 2);
        let erased = |times: usize| format!("{letters}\u{1b}[1K\r").repeat(times) + &letters + "\u{1b}[1K";
        assert_eq!(plain(&erased(1)), " ".repeat(letters.len()));
        assert_eq!(plain(&erased(2)), letters, "the third time");
        let moved = |times: usize| "\u{1b}[1025Gx\u{1b}[2K".repeat(times) + "\r\u{1b}[3Gy";
        assert_eq!(plain(&moved(MAX_BLANKS / MAX_COLUMN - 1)), "  y");
        assert_eq!(plain(&moved(MAX_BLANKS / MAX_COLUMN)), "y", "without space before it");
    }

    #[test]
    fn a_cursor_far_beyond_the_text_takes_little_space() {
        let line = "\u{1b}[65535Gx\u{1b}[65535Cy".repeat(1_000);
        assert_eq!(plain(&line).len(), MAX_COLUMN + 2_000);
    }

    #[test]
    fn every_other_escape_sequence_is_dropped() {
        for (line, text) in [
            ("\u{1b}]8;;javascript:alert(1)\u{7}click\u{1b}]8;;\u{7}", "click"),
            ("\u{1b}]0;title\u{1b}\\x", "x"),
            ("\u{1b}[2J\u{1b}[10;10Hx", "x"),
            ("\u{1b}Pq#0\u{1b}\\x", "x"),
            ("a\u{0}b", "ab"),
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
            let mut styles = Styles::default();
            let carried = styles.spans(Stream::Stdout, &raw).into_iter().chain(styles.spans(Stream::Stdout, &line));
            for span in carried.collect::<Vec<_>>().into_iter().chain(spans(&raw)) {
                prop_assert!(span.text.chars().all(|c| !c.is_control() || c == '\t'));
                prop_assert!(span.class.split(' ').all(|c| c.is_empty() || c.starts_with("ansi-")));
            }
            prop_assert_eq!(styles.to_string().parse(), Ok(styles));
            let mut skipped = Styles::default();
            skipped.skip(Stream::Stdout, &raw);
            skipped.skip(Stream::Stdout, &line);
            prop_assert_eq!(skipped, styles);
        }
    }
}
