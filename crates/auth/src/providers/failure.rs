//! Provider failures: why a sign-in by an identity provider was refused, without any text of the provider.
use crate::Error;

/// The reason why a sign-in by a provider failed.
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
    /// Returns the error for the provider with this label.
    pub fn error(self, label: &str) -> Error {
        Error::Provider { failure: self, label: label.to_owned() }
    }

    /// Returns the reason for the audit log.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Disabled => "the provider is disabled",
            Self::UnknownSignIn => "the response does not belong to a sign-in of this browser",
            Self::Unreachable => "the provider is unreachable",
            Self::Declined => "the provider declined",
            Self::Unverified => "the response could not be verified",
            Self::NotReauthenticated => "the provider did not confirm the re-authentication",
            Self::UnverifiedEmail => "the address is not verified",
            Self::DomainNotAllowed => "the domain of the address is not allowed",
            Self::NoAccount => "the identity is not linked to an account",
            Self::AccountExists => "the address belongs to an existing account",
            Self::AccountLocked => "the account is locked",
        }
    }
}
