//! Identity providers: who else may say who somebody is, and what follows from what they say.
use crate::{Email, Invalid, role::Role, text};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

mod form;
mod groups;
mod issuer;

pub use form::ProviderForm;
pub use groups::GroupRule;
pub use issuer::{GITHUB, GOOGLE, is_loopback};

crate::string_enum::string_enum! {
    /// How a provider is spoken to.
    Kind, "kind", {
        /// Google: OpenID Connect at a fixed issuer.
        Google = "google",
        /// A Gitea (or Forgejo) server: OpenID Connect at its address.
        Gitea = "gitea",
        /// GitHub: OAuth 2 and its own API.
        Github = "github",
        /// Any OpenID Connect issuer, by discovery.
        Oidc = "oidc",
    }
}

crate::string_enum::string_enum! {
    /// Who gets an account by signing in for the first time.
    Newcomers, "newcomers", {
        /// Nobody: only those who linked the provider to an account.
        Nobody = "nobody",
        /// Those with a verified address of an allowed domain.
        Domains = "domains",
        /// Everybody with a verified address whom the provider lets in.
        Anybody = "anybody",
    }
}

/// A provider as it was set up; its client secret stands elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// How it is spoken to.
    pub kind: Kind,
    /// What its button says after "Sign in with".
    pub label: String,
    /// Exactly what it calls itself; with the subject it is who somebody is.
    pub issuer: String,
    /// What it calls us.
    pub client_id: String,
    /// Who gets an account by it.
    pub newcomers: Newcomers,
    /// Where addresses must be of one of these domains, in lower case; empty where they need not.
    pub domains: Vec<String>,
    /// The claim that lists somebody's groups; without one, no rule applies.
    pub groups_claim: Option<String>,
    /// What follows from groups.
    pub groups: Vec<GroupRule>,
    /// Whether it is a way in now.
    pub enabled: bool,
}

impl Provider {
    /// Whether a verified address may come in by it. Domains are compared whole: one within another is another.
    pub fn takes(&self, email: Option<&Email>) -> bool {
        let domain = |email: &Email| email.as_str().rsplit_once('@').map(|(_, domain)| domain.to_owned());
        self.domains.is_empty() || email.and_then(domain).is_some_and(|domain| self.domains.contains(&domain))
    }

    /// Whether somebody with this verified address gets an account.
    pub fn admits(&self, email: &Email) -> bool {
        match self.newcomers {
            Newcomers::Nobody => false,
            // No domain is none, not all of them.
            Newcomers::Domains => !self.domains.is_empty() && self.takes(Some(email)),
            Newcomers::Anybody => self.takes(Some(email)),
        }
    }
}

/// The key of a provider in addresses and settings: 1 to 40 of a-z, 0-9 and hyphen, beginning with a letter or digit.
pub fn key(text: &str) -> Result<String, Invalid> {
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if text.is_empty() || text.len() > 40 || !plain || text.starts_with('-') {
        return Err(Invalid::new("id", "must be 1 to 40 of a-z, 0-9 and hyphen"));
    }
    Ok(text.to_owned())
}

/// Visible ASCII without spaces, as client ids, secrets and claims are.
fn visible(field: &str, text: &str, max: usize) -> Result<String, Invalid> {
    let text = text.trim();
    if text.is_empty() || text.len() > max || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Invalid::new(field, format!("must be 1 to {max} visible characters without spaces")));
    }
    Ok(text.to_owned())
}

/// A client secret as a provider gives it out.
pub fn client_secret(text: &str) -> Result<String, Invalid> {
    visible("client_secret", text, 512)
}

/// Whether `acr` and `amr` say that somebody used a second factor: `mfa` (RFC 8176), or one of the well-known classes.
pub fn is_vouched<'a>(acr: Option<&str>, mut amr: impl Iterator<Item = &'a str>) -> bool {
    const CLASSES: [&str; 3] = ["phr", "phrh", "http://schemas.openid.net/pape/policies/2007/06/multi-factor"];
    amr.any(|method| method == "mfa") || acr.is_some_and(|class| CLASSES.contains(&class))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(newcomers: Newcomers, domains: &[&str]) -> Provider {
        let mut form = ProviderForm { kind: "google".into(), client_id: "us".into(), ..ProviderForm::default() };
        form.domains = domains.join(",");
        Provider { newcomers, ..form.check().unwrap() }
    }

    fn email(text: &str) -> Email {
        Email::parse(text).unwrap()
    }

    #[test]
    fn a_02_domains_are_compared_whole() {
        let acme = provider(Newcomers::Domains, &["acme.example"]);
        assert!(acme.admits(&email("ada@acme.example")) && acme.admits(&email("Ada@ACME.example")));
        for other in ["ada@sub.acme.example", "ada@notacme.example", "ada@acme.example.evil", "ada@example"] {
            assert!(!acme.admits(&email(other)) && !acme.takes(Some(&email(other))), "{other}");
        }
        assert!(!acme.takes(None), "no verified address is of no domain");
    }

    #[test]
    fn a_02_no_domain_is_none_and_not_all() {
        assert!(!provider(Newcomers::Domains, &[]).admits(&email("ada@acme.example")));
        assert!(!provider(Newcomers::Nobody, &["acme.example"]).admits(&email("ada@acme.example")));
        assert!(provider(Newcomers::Anybody, &[]).admits(&email("ada@acme.example")));
        assert!(provider(Newcomers::Nobody, &[]).takes(None), "who is linked comes in");
    }

    #[test]
    fn a_second_factor_is_vouched_for_in_these_words_only() {
        assert!(is_vouched(None, ["pwd", "mfa"].into_iter()) && is_vouched(Some("phr"), [].into_iter()));
        assert!(!is_vouched(Some("1"), ["pwd", "MFA", "otp"].into_iter()) && !is_vouched(None, [].into_iter()));
    }

    #[test]
    fn keys_are_plain() {
        assert!(["google", "gitea-2", "0"].iter().all(|text| key(text).is_ok()));
        assert!(["", "-a", "A", "a/b", "ä", "a b"].iter().all(|text| key(text).is_err()));
    }
}
