//! Refusals for the browser, from errors of the store and of sign-in. Internal causes go to the log only.
use crate::outcome::{Kind, Refusal};
use auth::providers::ProviderFailure;
use domain::Denied;
use store::Error;

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::new(Kind::NotFound, t!("refused-not-found")),
            Error::Denied(denied) => denied.into(),
            Error::Invalid(invalid) => invalid.into(),
            Error::Conflict(conflict) => Self::new(Kind::Conflict, conflict.message()),
            Error::OpenTasks(n) => Self::new(Kind::Conflict, t!("refused-open-tasks", n = n)),
            Error::Busy => Self::new(Kind::Unavailable, t!("refused-busy")),
            Error::Full => {
                tracing::error!("the disk is full");
                Self::new(Kind::Unavailable, t!("refused-full"))
            }
            Error::Database(_) | Error::Unusable(_) | Error::Corrupt(_) => {
                tracing::error!(%error, "a page could not use the store");
                Self::new(Kind::Unavailable, t!("refused-unavailable"))
            }
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        let kind = if denied.stale { Kind::Stale } else { Kind::Forbidden };
        Self::new(kind, denied.reason)
    }
}

impl From<auth::Error> for Refusal {
    fn from(error: auth::Error) -> Self {
        use auth::Error;
        let kind = match error {
            Error::Store(error) => return error.into(),
            Error::Invalid(invalid) => return invalid.into(),
            Error::Throttled { seconds } => return Self::wait(seconds),
            Error::Provider { failure, label } => return provider_failure(failure, label),
            Error::ProbeFailed(cause) => return Self::new(Kind::Invalid, t!("provider-test-failed", cause = cause)),
            Error::NotSignedIn => return Self::new(Kind::SignedOut, t!("refused-signed-out")),
            Error::PasswordSignInDisabled => return Self::new(Kind::SignedOut, t!("sign-in-closed")),
            Error::PasswordsDisabled => return Self::new(Kind::Forbidden, t!("sign-in-closed")),
            Error::NoRandomness => return Self::new(Kind::Unavailable, t!("refused-unavailable")),
            Error::SignInExpired | Error::AccountChanged | Error::WrongPassword | Error::UnknownPasskey => {
                Kind::SignedOut
            }
            Error::PasswordLinkInvalid
            | Error::SetupLinkInvalid
            | Error::AddressLinkInvalid
            | Error::InvitationInvalid => Kind::NotFound,
            Error::AlreadySignedIn | Error::NoMail | Error::PasskeysUnsupported => Kind::Conflict,
            Error::Unavailable => Kind::Unavailable,
        };
        Self::new(kind, error.to_string())
    }
}

/// The refusal of a sign-in by the provider with this label.
fn provider_failure(failure: ProviderFailure, provider: String) -> Refusal {
    let (kind, text) = match failure {
        ProviderFailure::Disabled => (Kind::NotFound, t!("provider-closed")),
        ProviderFailure::UnknownSignIn => (Kind::Conflict, t!("provider-expired")),
        ProviderFailure::Unreachable => (Kind::Unavailable, t!("provider-unreachable", provider = provider)),
        ProviderFailure::Declined => (Kind::SignedOut, t!("provider-declined", provider = provider)),
        ProviderFailure::Unverified => (Kind::SignedOut, t!("provider-untrusted", provider = provider)),
        ProviderFailure::NotReauthenticated => (Kind::SignedOut, t!("provider-stale", provider = provider)),
        ProviderFailure::UnverifiedEmail => (Kind::Forbidden, t!("provider-unverified", provider = provider)),
        ProviderFailure::DomainNotAllowed => (Kind::Forbidden, t!("provider-domain", provider = provider)),
        ProviderFailure::NoAccount => (Kind::Forbidden, t!("provider-uninvited", provider = provider)),
        ProviderFailure::AccountExists => (Kind::Conflict, t!("provider-exists", provider = provider)),
        ProviderFailure::AccountLocked => (Kind::Forbidden, t!("provider-locked")),
    };
    Refusal::new(kind, text)
}
