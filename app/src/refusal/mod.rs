//! Refusals for the browser, from errors of the store and of sign-in. Internal causes go to the log only.
mod conflict;
mod denial;
mod quota;

pub use conflict::conflict_text;
pub use denial::{denial_text, denied_text};
pub use quota::quota_text;

use crate::outcome::{Kind, Refusal};
use auth::providers::ProviderFailure;
use domain::{Denied, policy::DenialReason};
use store::{Error, Limited};

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::new(Kind::NotFound, t!("refused-not-found")),
            Error::Denied(denied) => denied.into(),
            Error::Invalid(invalid) => invalid.into(),
            Error::Conflict(conflict) => Self::new(Kind::Conflict, conflict_text(conflict)),
            Error::OpenTasks(n) => Self::new(Kind::Conflict, t!("refused-open-tasks", n = n)),
            Error::OutputDeleted(at) => Self::new(Kind::NotFound, crate::tasks::output_deleted(at)),
            Error::Quota(quota) => {
                let kind = match quota.limited {
                    Limited::Tasks => Kind::TooMany,
                    Limited::Bytes => Kind::TooLarge,
                };
                Self { wait: Some(quota.wait.as_secs() + 1), ..Self::new(kind, quota_text(quota)) }
            }
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
        Self::new(kind, denied_text(&denied))
    }
}

impl From<DenialReason> for Refusal {
    fn from(reason: DenialReason) -> Self {
        Self::new(Kind::Forbidden, denial_text(reason))
    }
}

impl From<auth::Error> for Refusal {
    fn from(error: auth::Error) -> Self {
        use auth::Error;
        let (kind, text) = match error {
            Error::Store(error) => return error.into(),
            Error::Invalid(invalid) => return invalid.into(),
            Error::Throttled { seconds } => return Self::wait(seconds),
            Error::Provider { failure, label } => return provider_failure(failure, label),
            Error::ProbeFailed(cause) => (Kind::Invalid, t!("provider-test-failed", cause = cause)),
            Error::NotSignedIn => (Kind::SignedOut, t!("refused-signed-out")),
            Error::PasswordSignInDisabled => (Kind::SignedOut, t!("sign-in-closed")),
            Error::PasswordsDisabled => (Kind::Forbidden, t!("sign-in-closed")),
            Error::NoRandomness => (Kind::Unavailable, t!("refused-unavailable")),
            Error::SignInExpired => (Kind::SignedOut, t!("sign-in-expired")),
            Error::AccountChanged => (Kind::SignedOut, t!("sign-in-account-changed")),
            Error::WrongPassword => (Kind::SignedOut, t!("sign-in-wrong-password")),
            Error::UnknownPasskey => (Kind::SignedOut, t!("sign-in-unknown-passkey")),
            Error::PasswordLinkInvalid => (Kind::NotFound, t!("sign-in-password-link-invalid")),
            Error::SetupLinkInvalid => (Kind::NotFound, t!("sign-in-setup-link-invalid")),
            Error::AddressLinkInvalid => (Kind::NotFound, t!("sign-in-address-link-invalid")),
            Error::InvitationInvalid => (Kind::NotFound, t!("sign-in-invitation-invalid")),
            Error::AlreadySignedIn => (Kind::Conflict, t!("sign-in-already-signed-in")),
            Error::NoMail => (Kind::Conflict, t!("sign-in-no-mail")),
            Error::PasskeysUnsupported => (Kind::Conflict, t!("sign-in-passkeys-unsupported")),
            Error::Unavailable => (Kind::Unavailable, t!("sign-in-unavailable")),
        };
        Self::new(kind, text)
    }
}

/// Returns the refusal of a sign-in by the provider with this label.
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
