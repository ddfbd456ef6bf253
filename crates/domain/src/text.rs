//! Text from outside, made safe to look at: what cannot be seen is made visible.

/// True for characters that change how text looks without being seen themselves: bidirectional controls, zero-width
/// characters, tags and other format characters ("Trojan Source", CVE-2021-42574).
pub fn is_invisible(c: char) -> bool {
    matches!(u32::from(c),
        0x00AD | 0x034F | 0x061C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
        | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB
        | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

/// A stretch of text as it is shown for review (D-04).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Shown as it is.
    Plain(String),
    /// A character that would not be seen, as its name: `U+202E`.
    Hidden(String),
}

/// Splits a line for review: control and invisible characters stand out by name, a carriage return among them
/// (in a terminal it overwrites what stands before it); a tab is shown as the space that it is.
pub fn reveal(line: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for c in line.chars() {
        if (c.is_control() && c != '\t') || is_invisible(c) {
            pieces.push(Piece::Hidden(format!("U+{:04X}", u32::from(c))));
        } else if let Some(Piece::Plain(text)) = pieces.last_mut() {
            text.push(c);
        } else {
            pieces.push(Piece::Plain(c.to_string()));
        }
    }
    pieces
}

/// A name for people: 1 to `max` characters, trimmed, none of them control or invisible.
pub fn name(field: &str, text: &str, max: usize) -> Result<String, crate::Invalid> {
    let text = text.trim();
    let seen = text.chars().all(|c| !c.is_control() && !is_invisible(c));
    if text.is_empty() || text.chars().count() > max || !seen {
        return Err(crate::Invalid::new(field, format!("must be 1 to {max} visible characters")));
    }
    Ok(text.to_owned())
}

/// What somebody wrote, line by line, trimmed; `None` where it has more than `max` characters, or some that nobody sees.
pub fn lines(text: &str, max: usize) -> Option<&str> {
    let text = text.trim();
    let seen = text.chars().all(|c| (!c.is_control() || c == '\n') && !is_invisible(c));
    (seen && text.chars().count() <= max).then_some(text)
}

/// What a runner may be called.
pub fn runner_name(name: &str) -> Result<(), crate::Invalid> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    match (1..=63).contains(&name.len()) && name.bytes().all(plain) {
        true => Ok(()),
        false => Err(crate::Invalid::new("name", "must be 1 to 63 of a-z, 0-9 and hyphen")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_04_hidden_characters_are_named() {
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
    fn a_name_that_cannot_be_seen_is_refused() {
        assert!(name("name", " \u{200b} ", 10).is_err());
        assert!(name("name", "eleven chars", 10).is_err());
        assert_eq!(name("name", " Ops ", 10).unwrap(), "Ops");
    }
}
