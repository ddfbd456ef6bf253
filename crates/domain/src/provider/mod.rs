//! Identity providers and their admission rules.
use crate::{Email, Invalid, role::Role, string_enum::string_enum, text};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

mod form;
mod groups;
mod issuer;

pub use form::ProviderForm;
pub use groups::GroupRule;
pub use issuer::{GITHUB, GOOGLE, is_loopback};

string_enum! {
    /// The kind of an identity provider: its protocol and the source of its endpoints.
    Kind, "kind", {
        /// OpenID Connect at a fixed issuer.
        Google = "google",
        /// Gitea or Forgejo: OpenID Connect at the address of the server.
        Gitea = "gitea",
        /// OAuth 2 and GitHub's API.
        Github = "github",
        /// Any OpenID Connect issuer, by discovery.
        Oidc = "oidc",
    }
}

string_enum! {
    /// Who gets an account at the first sign-in.
    NewAccounts, "new_accounts", {
        /// Only people who linked the provider to an existing account can sign in.
        Nobody = "nobody",
        /// People with a verified address in an allowed domain.
        Domains = "domains",
        /// Everyone with a verified address.
        Anybody = "anybody",
    }
}

/// The settings of a provider, without its client secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    pub kind: Kind,
    /// The label of its button after "Sign in with".
    pub label: String,
    /// The exact issuer identifier; an identity is an issuer and a subject.
    pub issuer: String,
    pub client_id: String,
    /// Audiences that its ID tokens may name beside the client.
    #[serde(default)]
    pub audiences: Vec<String>,
    pub new_accounts: NewAccounts,
    /// If not empty, addresses must be in one of these domains (lower case).
    pub domains: Vec<String>,
    /// The claim that lists groups; without it, no group rule applies.
    pub groups_claim: Option<String>,
    pub groups: Vec<GroupRule>,
    pub enabled: bool,
}

impl Provider {
    /// Returns whether the provider accepts a verified address. Domains are compared exactly: a subdomain is another
    /// domain.
    pub fn takes(&self, email: Option<&Email>) -> bool {
        let domain = |email: &Email| email.as_str().rsplit_once('@').map(|(_, domain)| domain.to_owned());
        self.domains.is_empty() || email.and_then(domain).is_some_and(|domain| self.domains.contains(&domain))
    }

    /// Returns whether a person with this verified address gets an account.
    pub fn admits(&self, email: &Email) -> bool {
        match self.new_accounts {
            NewAccounts::Nobody => false,
            // An empty list allows no domain, not every domain.
            NewAccounts::Domains => !self.domains.is_empty() && self.takes(Some(email)),
            NewAccounts::Anybody => self.takes(Some(email)),
        }
    }
}

/// Validates the key of a provider in URLs and settings: 1 to 40 of a-z, 0-9 and hyphen, beginning with a letter or
/// digit.
pub fn key(text: &str) -> Result<String, Invalid> {
    let is_plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if text.is_empty() || text.len() > 40 || !is_plain || text.starts_with('-') {
        return Err(Invalid::new(
            "id",
            "must be 1 to 40 characters: a-z, 0-9 and hyphens, not beginning with a hyphen",
        ));
    }
    Ok(text.to_owned())
}

/// Validates client ids, secrets and claims: visible ASCII without spaces.
fn visible(field: &str, text: &str, max: usize) -> Result<String, Invalid> {
    let text = text.trim();
    if text.is_empty() || text.len() > max || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Invalid::new(field, format!("must be 1 to {max} visible characters without spaces")));
    }
    Ok(text.to_owned())
}

/// Validates a client secret.
pub fn client_secret(text: &str) -> Result<String, Invalid> {
    visible("client_secret", text, 512)
}

/// Returns whether `acr` and `amr` confirm a second factor: `mfa` (RFC 8176), or one of the well-known classes.
pub fn confirms_second_factor<'a>(acr: Option<&str>, mut amr: impl Iterator<Item = &'a str>) -> bool {
    const CLASSES: [&str; 3] = ["phr", "phrh", "http://schemas.openid.net/pape/policies/2007/06/multi-factor"];
    amr.any(|method| method == "mfa") || acr.is_some_and(|class| CLASSES.contains(&class))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(new_accounts: NewAccounts, domains: &[&str]) -> Provider {
        let mut form = ProviderForm { kind: "google".into(), client_id: "us".into(), ..ProviderForm::default() };
        form.domains = domains.join(",");
        Provider { new_accounts, ..form.check().unwrap() }
    }

    fn email(text: &str) -> Email {
        Email::parse(text).unwrap()
    }

    #[test]
    fn a_02_domains_are_compared_exactly() {
        let acme = provider(NewAccounts::Domains, &["acme.example"]);
        assert!(acme.admits(&email("ada@acme.example")) && acme.admits(&email("Ada@ACME.example")));
        for other in ["ada@sub.acme.example", "ada@notacme.example", "ada@acme.example.evil", "ada@example"] {
            assert!(!acme.admits(&email(other)) && !acme.takes(Some(&email(other))), "{other}");
        }
        assert!(!acme.takes(None), "without a verified address");
    }

    #[test]
    fn a_02_an_empty_list_of_domains_admits_nobody() {
        assert!(!provider(NewAccounts::Domains, &[]).admits(&email("ada@acme.example")));
        assert!(!provider(NewAccounts::Nobody, &["acme.example"]).admits(&email("ada@acme.example")));
        assert!(provider(NewAccounts::Anybody, &[]).admits(&email("ada@acme.example")));
        assert!(provider(NewAccounts::Nobody, &[]).takes(None), "a linked account is accepted");
    }

    #[test]
    fn only_known_values_confirm_a_second_factor() {
        assert!(
            confirms_second_factor(None, ["pwd", "mfa"].into_iter())
                && confirms_second_factor(Some("phr"), [].into_iter())
        );
        assert!(
            !confirms_second_factor(Some("1"), ["pwd", "MFA", "otp"].into_iter())
                && !confirms_second_factor(None, [].into_iter())
        );
    }

    #[test]
    fn provider_keys_are_plain() {
        assert!(["google", "gitea-2", "0"].iter().all(|text| key(text).is_ok()));
        assert!(["", "-a", "A", "a/b", "ä", "a b"].iter().all(|text| key(text).is_err()));
    }
}
