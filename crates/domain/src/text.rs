//! Text validation and the display of hidden characters.
use unicode_script::{Script, UnicodeScript};

/// Returns whether a character changes how text looks without being visible: bidirectional controls, zero-width
/// characters, tags and other format characters ("Trojan Source", CVE-2021-42574).
pub fn is_invisible(c: char) -> bool {
    matches!(u32::from(c),
        0x00AD | 0x034F | 0x061C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
        | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB
        | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

/// Returns whether a character looks like another one: a space that is none, a blank, a full-width or mathematical letter, or a
/// private character, which every font may draw differently.
fn is_deceptive(c: char) -> bool {
    matches!(u32::from(c),
        0x00A0 | 0x1680 | 0x2000..=0x200A | 0x202F | 0x205F | 0x2800 | 0x3000 | 0xE000..=0xF8FF | 0xFF01..=0xFF5E
        | 0x1D400..=0x1D7FF | 0xF0000..=0x0010_FFFF)
}

/// Returns whether a word with Latin letters can contain letters of this script without being deceptive.
fn is_written_with_latin(script: Script) -> bool {
    use Script::{Bopomofo, Common, Han, Hangul, Hiragana, Inherited, Katakana, Latin};
    matches!(script, Common | Inherited | Latin | Han | Hiragana | Katakana | Hangul | Bopomofo)
}

/// Returns the visible characters of a text. Joiners within a word of a script that needs them or within an emoji are kept, and so are
/// variation selectors after an emoji.
///
/// ```
/// assert!(domain::text::visible("a\u{202e}b\0").eq("ab".chars()));
/// ```
pub fn visible(text: &str) -> impl Iterator<Item = char> {
    let (mut chars, mut previous) = (text.chars().peekable(), None);
    std::iter::from_fn(move || {
        loop {
            let c = chars.next()?;
            if is_visible_between(previous, c, chars.peek().copied()) {
                previous = Some(c);
                return Some(c);
            }
        }
    })
}

/// Returns whether [`visible`] keeps all characters of a text.
pub fn is_visible(text: &str) -> bool {
    visible(text).eq(text.chars())
}

/// Returns whether a character is visible between these, of which the previous one is visible.
pub(crate) fn is_visible_between(previous: Option<char>, c: char, next: Option<char>) -> bool {
    let (before, after) =
        (|test: fn(char) -> bool| previous.is_some_and(test), |test: fn(char) -> bool| next.is_some_and(test));
    match c {
        ZERO_WIDTH_NON_JOINER => before(needs_joiners) && after(needs_joiners),
        ZERO_WIDTH_JOINER => (before(needs_joiners) && after(needs_joiners)) || (before(is_emoji) && after(is_emoji)),
        TEXT_STYLE | EMOJI_STYLE => {
            before(is_emoji) || (before(|c| "0123456789#*".contains(c)) && next == Some('\u{20e3}')) // a keycap
        }
        _ => !c.is_control() && !is_invisible(c),
    }
}

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';
/// Variation selectors.
const TEXT_STYLE: char = '\u{fe0e}';
const EMOJI_STYLE: char = '\u{fe0f}';

/// Returns whether a character is a letter or mark of a script in which joiners change a word (Unicode 16, sections 9.2 and 12.1).
fn needs_joiners(c: char) -> bool {
    use Script::{
        Arabic, Bengali, Devanagari, Gujarati, Gurmukhi, Inherited, Kannada, Khmer, Malayalam, Mongolian, Myanmar,
        Oriya, Sinhala, Syriac, Tamil, Telugu,
    };
    matches!(
        c.script(),
        Arabic
            | Bengali
            | Devanagari
            | Gujarati
            | Gurmukhi
            | Kannada
            | Khmer
            | Malayalam
            | Mongolian
            | Myanmar
            | Oriya
            | Sinhala
            | Syriac
            | Tamil
            | Telugu
    ) || (c.script() == Inherited && !is_invisible(c))
}

/// Returns whether a character is drawn as an emoji, or changes how the one before it is drawn. Blocks count as a whole.
fn is_emoji(c: char) -> bool {
    matches!(u32::from(c),
        0xA9 | 0xAE | 0x203C | 0x2049 | 0x2122 | 0x2139 | 0x2194..=0x21AA | 0x231A..=0x2BFF | 0x3030 | 0x303D | 0x3297 | 0x3299
        | 0xFE0F | 0x1F000..=0x1FAFF)
}

/// A piece of text as it is shown for review (D-04).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Plain(String),
    /// The name of a hidden character: `U+202E`.
    Hidden(String),
}

/// Splits a line for review: control, invisible and deceptive characters are replaced by their names, including the carriage
/// return, which overwrites a line in a terminal. So are letters of another script in a word with Latin letters, such as a
/// Cyrillic `а`. Tabs are kept.
///
/// ```
/// use domain::text::{Piece, reveal};
/// assert_eq!(reveal("a\u{202e}"), [Piece::Plain("a".into()), Piece::Hidden("U+202E".into())]);
/// ```
pub fn reveal(line: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for word in line.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let is_latin = word.chars().any(|c| c.script() == Script::Latin);
        for c in word.chars() {
            let is_foreign = is_latin && !is_written_with_latin(c.script());
            if (c.is_control() && c != '\t') || is_invisible(c) || is_deceptive(c) || is_foreign {
                pieces.push(Piece::Hidden(format!("U+{:04X}", u32::from(c))));
            } else if let Some(Piece::Plain(text)) = pieces.last_mut() {
                text.push(c);
            } else {
                pieces.push(Piece::Plain(c.to_string()));
            }
        }
    }
    pieces
}

/// Returns the number of characters that [`reveal`] replaces in a text with several lines.
pub fn count_hidden(text: &str) -> usize {
    let pieces = text.split('\n').flat_map(reveal);
    pieces.filter(|piece| matches!(piece, Piece::Hidden(_))).count()
}

/// Validates a name: 1 to `max` characters after trimming, without control or invisible characters.
pub fn name(field: &str, text: &str, max: usize) -> Result<String, crate::Invalid> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > max || !is_visible(text) {
        return Err(crate::Invalid::new(field, format!("must be 1 to {max} visible characters")));
    }
    Ok(text.to_owned())
}

/// Validates text with several lines: returns it trimmed, or `None` if it has more than `max` characters or invisible
/// ones.
pub fn lines(text: &str, max: usize) -> Option<&str> {
    let text = text.trim();
    (text.split('\n').all(is_visible) && text.chars().count() <= max).then_some(text)
}

/// Validates the name of a runner: 1 to 63 of a-z, 0-9 and hyphen.
pub fn runner_name(name: &str) -> Result<(), crate::Invalid> {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    match (1..=63).contains(&name.len()) && name.bytes().all(is_plain) {
        true => Ok(()),
        false => Err(crate::Invalid::new("name", "must be 1 to 63 characters: a-z, 0-9 and hyphens")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_bc23_joiners_of_words_and_emoji_are_visible() {
        for text in [
            "علی\u{200c}رضا",
            "می\u{200c}خواهم",
            "🏳\u{fe0f}\u{200d}🌈 Ops",
            "⚠\u{fe0f} Deploy",
            "👩\u{200d}💻 on call",
            "👩🏽\u{200d}💻",
            "❤\u{fe0f}",
            "क्\u{200d}ष",
            "1\u{fe0f}\u{20e3} first",
        ] {
            assert_eq!(name("name", text, 80).as_deref(), Ok(text));
        }
        for text in [
            "\u{200c}ab",
            "a\u{200c}b",
            "a\u{200d}b",
            "علی\u{200c}",
            "علی\u{200c}\u{200c}رضا",
            "\u{200d}👩",
            "👩\u{200d}",
            "👩\u{200d}a",
            "a\u{fe0f}",
            "1\u{fe0f}",
            "a\u{202e}b",
            "علی\u{200f}رضا",
        ] {
            assert!(name("name", text, 80).is_err(), "{text:?}");
            assert!(is_visible(&visible(text).collect::<String>()), "{text:?}");
        }
    }

    #[test]
    fn d_04_hidden_characters_are_shown_by_name() {
        assert_eq!(
            reveal("a\u{202e}b\u{1b}[0m\r"),
            [
                Piece::Plain("a".into()),
                Piece::Hidden("U+202E".into()),
                Piece::Plain("b".into()),
                Piece::Hidden("U+001B".into()),
                Piece::Plain("[0m".into()),
                Piece::Hidden("U+000D".into()),
            ]
        );
    }

    #[test]
    fn d_04_characters_that_look_like_others_are_shown_by_name() {
        for c in ['\u{a0}', '\u{2000}', '\u{2800}', '\u{3000}', '\u{e000}', '\u{10fffd}', '\u{ff52}', '\u{1d42b}'] {
            let name = format!("U+{:04X}", u32::from(c));
            assert_eq!(
                reveal(&format!("rm{c}-rf")),
                [Piece::Plain("rm".into()), Piece::Hidden(name), Piece::Plain("-rf".into()),]
            );
        }
        // A Cyrillic letter in a Latin word, and words of one script or of scripts that are written together.
        let hidden = |text: &str| count_hidden(text);
        assert_eq!((hidden("cur\u{43b} example.org"), hidden("p\u{430}yp\u{430}l"), hidden("\u{3b1}lpha")), (1, 2, 1));
        for plain in ["Привет мир, echo", "naïve Zoë Łódź", "Tシャツ 東京 2026", "ελληνικά", "tab\tand space"]
        {
            assert_eq!(hidden(plain), 0, "{plain}");
        }
    }

    #[test]
    fn an_invisible_or_long_name_is_refused() {
        assert!(name("name", " \u{200b} ", 10).is_err());
        assert!(name("name", "eleven chars", 10).is_err());
        assert_eq!(name("name", " Ops ", 10).unwrap(), "Ops");
    }
}
