//! Codes as people type them: digits of any keyboard, with spaces, dashes or invisible characters between them.
use unicode_normalization::UnicodeNormalization;

/// A typed code of an authenticator app, or a recovery code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TypedCode {
    /// Six ASCII digits.
    Totp(String),
    /// Letters and digits, with whatever was typed between them.
    Recovery(String),
}

impl TypedCode {
    /// Returns `None` for malformed input, which does not count as an attempt.
    pub fn parse(typed: &str) -> Option<Self> {
        let plain: String = typed.nfkc().filter_map(western).filter(char::is_ascii_alphanumeric).collect();
        let digits = plain.bytes().all(|byte| byte.is_ascii_digit());
        match (plain.len(), digits) {
            (6, true) => Some(Self::Totp(plain)),
            (16, _) => Some(Self::Recovery(plain)),
            _ => None,
        }
    }
}

/// Arabic-Indic digits and their Persian forms have no compatibility mapping.
fn western(c: char) -> Option<char> {
    match c {
        '\u{660}'..='\u{669}' => char::from_digit(u32::from(c) - 0x660, 10),
        '\u{6f0}'..='\u{6f9}' => char::from_digit(u32::from(c) - 0x6f0, 10),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::TypedCode;

    #[test]
    fn case_bc35_six_digits_are_a_code_of_the_app_however_they_are_typed() {
        for typed in [
            "123456",
            "123 456",
            "123\u{a0}456",
            "\t123456\r\n",
            "123-456",
            "123\u{2013}456",
            "123.456",
            "123456\u{200b}",
            "\u{ff11}\u{ff12}\u{ff13}\u{ff14}\u{ff15}\u{ff16}",
            "\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}",
            "\u{6f1}\u{6f2}\u{6f3}\u{6f4}\u{6f5}\u{6f6}",
        ] {
            assert_eq!(TypedCode::parse(typed), Some(TypedCode::Totp("123456".into())), "{typed:?}");
        }
    }

    #[test]
    fn case_bc35_what_cannot_be_a_code_is_no_guess() {
        for typed in ["", "12345", "1234567", "123 45", "twelve", "abcdef", "abcd-efgh-jkmn"] {
            assert_eq!(TypedCode::parse(typed), None, "{typed:?}");
        }
        let recovery = TypedCode::parse("ABCD-2345-efgh-\u{ff17}890").unwrap();
        assert_eq!(recovery, TypedCode::Recovery("ABCD2345efgh7890".into()));
    }
}
