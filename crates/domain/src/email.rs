//! Email addresses in normalized form.
use crate::Invalid;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An address in lower case: one `@`, no white space or control characters, at most 254 bytes (RFC 5321, 4.5.3.1).
/// Deliverability is not checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// Parses an address, ignoring surrounding white space and letter case.
    ///
    /// ```
    /// use domain::Email;
    /// assert_eq!(Email::parse(" Ada@Example.ORG ").unwrap().as_str(), "ada@example.org");
    /// assert!(Email::parse("ada@").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim().to_lowercase();
        let invalid =
            || Invalid::new("email", "must be an email address such as name@example.org, with at most 254 characters");
        let (name, domain) = text.split_once('@').ok_or_else(invalid)?;
        let is_clean = text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !crate::text::is_invisible(c));
        if !is_clean || text.len() > 254 || name.is_empty() || domain.is_empty() || domain.contains('@') {
            return Err(invalid());
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Email {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_and_surrounding_space_are_ignored() {
        assert_eq!(Email::parse(" Ada@Example.ORG ").unwrap().as_str(), "ada@example.org");
    }

    #[test]
    fn an_invalid_address_is_refused() {
        for bad in ["", "ada", "@", "ada@", "@x", "a@b@c", "a b@c", "a\u{202e}@b", "a\n@b"] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
    }
}
