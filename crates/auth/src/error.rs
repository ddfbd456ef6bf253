//! Sign-in errors: why an attempt was refused, with the sentence that its person reads.
use crate::providers::ProviderFailure;
use domain::{Denied, Invalid};

/// Why an operation of [`SignIn`](crate::SignIn) was refused. Pages give each variant its HTTP status; the text of
/// [`Error::Provider`] and of the variants without a sentence of their own is in the pages' text catalog.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("not signed in")]
    NotSignedIn,
    #[error("Your sign-in has expired. Sign in again.")]
    SignInExpired,
    /// The account was changed, or the session was ended, by a concurrent request (E11).
    #[error("Your account was changed or signed out in the meantime. Sign in again.")]
    AccountChanged,
    /// The same for an unknown address and a wrong password.
    #[error("The email address or the password is wrong.")]
    WrongPassword,
    /// A password sign-in while one provider is the only way in; the same whether the password is right.
    #[error("password sign-in is disabled")]
    PasswordSignInDisabled,
    /// Any other use of a password or passkey while one provider is the only way in.
    #[error("passwords are disabled")]
    PasswordsDisabled,
    /// The same for an unknown passkey, one that was removed, and a response that came too late.
    #[error("This passkey is not registered here, or the attempt timed out. Try again.")]
    UnknownPasskey,
    #[error("Passkeys require a host name, but this server is reached by an IP address. Set public_url.")]
    PasskeysUnsupported,
    #[error("This link has expired or was already used. Ask an admin for a new one.")]
    PasswordLinkInvalid,
    #[error("This link has expired or was already used. Restart the server to get a new one.")]
    SetupLinkInvalid,
    #[error("This link has expired or was already used. Request a new one.")]
    AddressLinkInvalid,
    /// The same for a link that is wrong, used, expired, revoked, or of another tenant than one's own.
    #[error(
        "This invitation does not work: it was used, revoked, or is too old, or you are signed in elsewhere than where it leads. \
         Ask the sender for a new one."
    )]
    InvitationInvalid,
    #[error("You are signed in. Accept with this account, or sign out first.")]
    AlreadySignedIn,
    #[error("This server cannot send email, so a new address cannot be confirmed.")]
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
    #[error("Sign-in is temporarily unavailable. Try again.")]
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
    /// A refusal of one field of a form.
    pub(crate) fn field(field: &str, reason: &str) -> Self {
        Invalid::new(field, reason).into()
    }
}

/// Logs an internal failure, which the person reads as [`Error::Unavailable`].
pub(crate) fn unavailable(error: &dyn std::error::Error) -> Error {
    tracing::error!(%error, "sign-in is unavailable");
    Error::Unavailable
}
