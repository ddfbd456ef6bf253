//! Email addresses in normalized form.
use crate::Invalid;
use serde::{Deserialize, Serialize};
use std::fmt;
use unicode_normalization::UnicodeNormalization;

/// An address in one form, however it was typed: lower case, NFC, and the host name in letters instead of `xn--` (UTS 46). The part
/// before the `@` is a dot-atom (RFC 5322, section 3.2.3), the whole has at most 254 bytes (RFC 5321, section 4.5.3.1).
///
/// Whether a mail arrives is not checked.
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
        let parsed = text.trim().split_once('@').and_then(|(name, host)| {
            let name: String = name.to_lowercase().nfc().collect();
            let text = format!("{name}@{}", host_name(host)?);
            (is_dot_atom(&name) && text.len() <= 254).then_some(Self(text))
        });
        parsed.ok_or_else(|| {
            Invalid::new("email", "must be an email address such as name@example.org, with at most 254 characters")
        })
    }

    /// Returns the address with its host name in ASCII, as mail servers without SMTPUTF8 take it.
    ///
    /// ```
    /// use domain::Email;
    /// assert_eq!(Email::parse("info@M\u{fc}ller.example").unwrap().ascii_host(), "info@xn--mller-kva.example");
    /// ```
    pub fn ascii_host(&self) -> String {
        let ascii = |(name, host): (&str, &str)| Some(format!("{name}@{}", idna::domain_to_ascii(host).ok()?));
        self.0.split_once('@').and_then(ascii).unwrap_or_else(|| self.0.clone())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns a host name in letters; `None` if it is not one (RFC 1123, section 2.1; UTS 46).
fn host_name(text: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii_strict(text).ok().filter(|ascii| !ascii.ends_with('.'))?;
    let (unicode, checked) = idna::domain_to_unicode(&ascii);
    checked.ok().map(|()| unicode)
}

/// Returns whether `name` consists of words of letters, digits and signs (`atext`, RFC 5322) with single dots between them.
fn is_dot_atom(name: &str) -> bool {
    let allowed = |c: char| {
        c.is_alphanumeric() && !crate::text::is_invisible(c) || c.is_ascii_graphic() && !r#"()<>[]:;@\,"."#.contains(c)
    };
    name.split('.').all(|word| !word.is_empty() && word.chars().all(allowed))
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
        for bad in [
            "",
            "ada",
            "@",
            "ada@",
            "@x",
            "a@b@c",
            "a b@c",
            "a\u{202e}@b",
            "a\n@b",
            &format!("{}@x.org", "a".repeat(250)),
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn case_bc24_one_address_has_one_form() {
        let typed = [
            "info@müller.example",
            "info@xn--mller-kva.example",
            "INFO@MU\u{308}LLER.example",
            "info@XN--MLLER-KVA.example",
        ];
        for text in typed {
            assert_eq!(Email::parse(text).unwrap().as_str(), "info@müller.example", "{text}");
        }
        assert!(Email::parse("İ@x.example").is_err(), "no other address, and none that mail programs take");
        assert_eq!(Email::parse("e\u{301}va@x.org").unwrap(), Email::parse("éva@x.org").unwrap());
    }

    #[test]
    fn case_bc27_what_no_mail_server_takes_is_refused() {
        for bad in [
            "ada@example.org,",
            "<ada@x.org>",
            "mailto:ada@x.org",
            ".ada@x.org",
            "ada.@x.org",
            "a..b@x.org",
            "ada@x..org",
            "ada@-x.org",
            "ada@x-.org",
            "ada@x_y.org",
            "ada@[127.0.0.1]",
            "ada@x.org.",
        ] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }
}
