//! Provider failures: why a sign-in by an identity provider was refused. Nothing that the provider said is repeated in them.
use crate::Error;

/// Why a sign-in by a provider failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderFailure {
    /// The provider does not exist, or is disabled.
    Disabled,
    /// The response belongs to no sign-in of this browser, or came too late, or twice.
    UnknownSignIn,
    /// The provider does not respond, or not as the protocol requires.
    Unreachable,
    /// The provider, or the person there, declined.
    Declined,
    /// The response could not be verified.
    Unverified,
    /// The provider does not confirm the requested re-authentication.
    NotReauthenticated,
    /// The address of a new person is not verified.
    UnverifiedEmail,
    /// The address is of a domain that the provider's setup does not allow.
    DomainNotAllowed,
    /// The identity is linked to no account, and new people are not admitted.
    NoAccount,
    /// The address of a new person belongs to an account already.
    AccountExists,
    AccountLocked,
}

impl ProviderFailure {
    /// The error for the provider with this label.
    pub fn error(self, label: &str) -> Error {
        Error::Provider { failure: self, label: label.to_owned() }
    }

    /// The reason in the audit log.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Disabled => "the provider is closed",
            Self::UnknownSignIn => "the answer belongs to no sign-in",
            Self::Unreachable => "the provider does not answer",
            Self::Declined => "the provider said no",
            Self::Unverified => "the answer is not believed",
            Self::NotReauthenticated => "the provider does not say that they proved themselves anew",
            Self::UnverifiedEmail => "the address is not verified",
            Self::DomainNotAllowed => "the address is of another domain",
            Self::NoAccount => "the identity is linked to nobody",
            Self::AccountExists => "the address is that of an account",
            Self::AccountLocked => "the account is locked",
        }
    }
}
