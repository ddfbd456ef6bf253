//! Why signing in at a provider came to nothing: fixed texts, in which nothing of what the provider said is repeated.
use crate::outcome::{Kind, Refusal};

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no such provider, or it does not lead in now.
    Closed,
    /// The answer belongs to no sign-in that this browser began, or came too late, or twice.
    Lost,
    /// The provider does not answer as it must.
    Unreachable,
    /// The provider, or the person there, said no.
    Declined,
    /// The provider's answer does not prove who somebody is.
    Untrusted,
    /// Somebody was to prove themselves anew, and the provider does not say that they did.
    Stale,
    /// A newcomer's address is not verified.
    Unverified,
    /// The address is of a domain that is not let in.
    Domain,
    /// Nobody here is linked to this identity, and newcomers are not let in.
    Uninvited,
    /// A newcomer's address is that of an account.
    Exists,
    /// An admin locked the account.
    Locked,
}

impl Trouble {
    /// The refusal that a browser sees, with our own name for the provider.
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

    /// The same for the audit log.
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

/// What was found wrong when an admin tried a provider out.
pub fn probe_failed(cause: &str) -> String {
    t!("provider-test-failed", cause = cause.to_owned())
}

/// For whoever is not signed in.
pub fn sign_in_first() -> String {
    t!("refused-signed-out")
}

/// For passwords, while one provider is the only way in; the same whether the password is right.
pub fn passwords_closed() -> String {
    t!("sign-in-closed")
}
