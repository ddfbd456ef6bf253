//! Enrollment token: validated before use and never displayed.

use domain::Invalid;
use std::{fmt, str::FromStr};

/// A token of 1 to 255 of `A-Z`, `a-z`, `0-9`, `_` and `-`: no character is special in a shell, a header or a path
/// (CVE-2022-36633).
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Returns the secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Token {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if (1..=255).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("token", "must be 1 to 255 of A-Z, a-z, 0-9, _ and -"))
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_with_other_characters_is_refused() {
        for bad in ["", "a b", "$(id)", "a;b", "a\r\nX: y", "../a", "a%2e", "ü", &"a".repeat(256)] {
            assert!(bad.parse::<Token>().is_err(), "{bad:?}");
        }
        let token: Token = "reg_aZ09-_".parse().unwrap();
        assert_eq!(token.expose(), "reg_aZ09-_");
        assert!(!format!("{token:?}").contains("aZ09"));
    }
}
