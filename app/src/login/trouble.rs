//! Sign-in errors of identity providers. The texts are fixed: nothing the provider said is repeated.
use crate::outcome::{Kind, Refusal};

/// Why signing in with a provider failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no such provider, or it is disabled.
    Closed,
    /// The response matches no sign-in that this browser started, or it is late, or a repetition.
    Lost,
    /// The provider does not respond as the protocol requires.
    Unreachable,
    /// The provider, or the person there, declined.
    Declined,
    /// The response does not prove an identity.
    Untrusted,
    /// Step-up authentication was requested, and the provider does not confirm a new sign-in.
    Stale,
    /// The email address of a new person is not verified.
    Unverified,
    /// The email domain is not allowed.
    Domain,
    /// The identity is not linked to an account, and new people are not admitted.
    Uninvited,
    /// An account with the new person's address exists.
    Exists,
    Locked,
}

impl Trouble {
    /// Returns the refusal that a browser sees, with the configured name of the provider.
    pub fn refusal(self, provider: &str) -> Refusal {
        let provider = provider.to_owned();
        let (kind, text) = match self {
            Self::Closed => (Kind::NotFound, t!("provider-closed")),
            Self::Lost => (Kind::Conflict, t!("provider-lost")),
            Self::Unreachable => (Kind::Unavailable, t!("provider-unreachable", provider = provider)),
            Self::Declined => (Kind::SignedOut, t!("provider-declined", provider = provider)),
            Self::Untrusted => (Kind::SignedOut, t!("provider-untrusted", provider = provider)),
            Self::Stale => (Kind::SignedOut, t!("provider-stale", provider = provider)),
            Self::Unverified => (Kind::Forbidden, t!("provider-unverified", provider = provider)),
            Self::Domain => (Kind::Forbidden, t!("provider-domain", provider = provider)),
            Self::Uninvited => (Kind::Forbidden, t!("provider-uninvited", provider = provider)),
            Self::Exists => (Kind::Conflict, t!("provider-exists", provider = provider)),
            Self::Locked => (Kind::Forbidden, t!("provider-locked")),
        };
        Refusal::new(kind, text)
    }

    /// Returns the reason in the audit log.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Closed => "the provider is closed",
            Self::Lost => "the answer belongs to no sign-in",
            Self::Unreachable => "the provider does not answer",
            Self::Declined => "the provider said no",
            Self::Untrusted => "the answer is not believed",
            Self::Stale => "the provider does not say that they proved themselves anew",
            Self::Unverified => "the address is not verified",
            Self::Domain => "the address is of another domain",
            Self::Uninvited => "the identity is linked to nobody",
            Self::Exists => "the address is that of an account",
            Self::Locked => "the account is locked",
        }
    }
}

/// Returns the message for a failed provider test.
pub fn probe_failed(cause: &str) -> String {
    t!("provider-test-failed", cause = cause.to_owned())
}

/// Returns the message for people who are not signed in.
pub fn sign_in_first() -> String {
    t!("refused-signed-out")
}

/// Returns the message for password sign-in while a provider is mandatory; it does not depend on whether the password is right.
pub fn passwords_closed() -> String {
    t!("sign-in-closed")
}
