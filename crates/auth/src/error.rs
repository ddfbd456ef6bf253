//! Sign-in errors: why an attempt was refused, with messages for the log; `app` has the texts for people.
use crate::providers::ProviderFailure;
use domain::{Denied, Invalid};

/// Why an operation of [`SignIn`](crate::SignIn) was refused. Pages give each variant its HTTP status and its text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("not signed in")]
    NotSignedIn,
    #[error("sign-in expired")]
    SignInExpired,
    /// The account was changed, or the session was ended, by a concurrent request (E11).
    #[error("account changed or session ended in the meantime")]
    AccountChanged,
    /// The same for an unknown address and a wrong password.
    #[error("wrong address or password")]
    WrongPassword,
    /// A password sign-in while one provider is the only way in; the same whether the password is right.
    #[error("password sign-in is disabled")]
    PasswordSignInDisabled,
    /// Any other use of a password or passkey while one provider is the only way in.
    #[error("passwords are disabled")]
    PasswordsDisabled,
    /// The same for an unknown passkey, one that was removed, and a response that came too late.
    #[error("unknown passkey or attempt timed out")]
    UnknownPasskey,
    #[error("passkeys require a host name")]
    PasskeysUnsupported,
    #[error("invalid password link")]
    PasswordLinkInvalid,
    #[error("invalid setup link")]
    SetupLinkInvalid,
    #[error("invalid address confirmation link")]
    AddressLinkInvalid,
    /// The same for a link that is wrong, used, expired, revoked, or of another tenant than one's own.
    #[error("invalid invitation")]
    InvitationInvalid,
    #[error("already signed in")]
    AlreadySignedIn,
    #[error("email is not configured")]
    NoMail,
    #[error("too many attempts")]
    Throttled { seconds: u64 },
    /// A sign-in by the provider with this label failed.
    #[error("{failure:?}")]
    Provider { failure: ProviderFailure, label: String },
    /// An admin's test of a provider failed; the cause is escaped.
    #[error("{0}")]
    ProbeFailed(String),
    /// The cause is in the server's log.
    #[error("sign-in is temporarily unavailable")]
    Unavailable,
    #[error("the operating system returned no random bytes")]
    NoRandomness,
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        Self::Store(denied.into())
    }
}

impl Error {
    /// Returns a refusal of one field of a form.
    pub(crate) fn field(field: &str, reason: &str) -> Self {
        Invalid::new(field, reason).into()
    }
}

/// Logs an internal failure, which the person reads as [`Error::Unavailable`].
pub(crate) fn unavailable(error: &dyn std::error::Error) -> Error {
    tracing::error!(%error, "sign-in is unavailable");
    Error::Unavailable
}
