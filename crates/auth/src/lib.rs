//! Sign-in: passwords, second factors, passkeys, identity providers, invitations and browser sessions.
//!
//! [`Auth`] is what all requests share, [`SignIn`] the service of one request. Pages call it, the server constructs it; it
//! knows HTTP headers and cookies, but no web framework.

#![deny(clippy::print_stdout, clippy::print_stderr)] // they panic if the output cannot be written

mod account;
mod attempt_lock;
mod attempt_log;
mod authenticated;
mod background;
mod browser;
pub mod cookie;
pub mod device;
mod error;
mod factors;
pub mod invitation_cookie;
mod invitations;
mod passkey_verifier;
mod passkeys;
mod password;
mod password_sign_in;
pub mod providers;
pub mod recovery_codes;
mod sealed_cookie;
mod service;
mod session_start;
mod sessions;
mod settings;
pub mod setup;
mod sign_in;
mod tenant_choice;
mod tenant_choice_cookie;
pub mod token;
mod totp;
mod typed_code;

pub use account::AddressChange;
pub use attempt_lock::AttemptLocks;
pub use authenticated::Authenticated;
pub use background::BackgroundWrites;
pub use browser::{Browser, IncompleteSignIn, SecondFactor, Stage, identify};
pub use error::Error;
pub use factors::{PROOF_PREFIX, Proof};
pub use invitations::{InvitationDetails, NewAccount};
pub use passkey_verifier::Passkeys;
pub use passkeys::{PasskeyPurpose, PasskeyResponse};
pub use password::{HashError, Hasher, check as check_password};
pub use password_sign_in::AfterPassword;
pub use providers::Providers;
pub use service::{Auth, AuthLog};
pub use sessions::{SessionKey, Sessions};
pub use settings::Settings;
pub use setup::FirstAdmin;
pub use sign_in::{SignIn, SignInRequest};
pub use tenant_choice::ChoosableTenant;
pub use tenant_choice_cookie::TenantChoice;
pub use token::Token;
pub use totp::TotpSetup;

use sha2::{Digest, Sha256};
use std::time::Duration;

/// Returns the SHA-256 hash under which the store looks up a secret that a client presents.
pub fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The longest that a request waits for its last-used timestamp to be written.
const NOTE_USE_TIMEOUT: Duration = Duration::from_millis(500);

/// Records that a session or a key is in use. A failure is logged and does not fail the request: reading works while the disk
/// is full or the database is locked.
pub async fn note_use(write: impl Future<Output = store::Result<()>> + Send + 'static) {
    // In a task of its own, because a transaction that is dropped half-way costs its connection.
    let noted = tokio::time::timeout(NOTE_USE_TIMEOUT, tokio::spawn(write)).await;
    if !matches!(noted, Ok(Ok(Ok(())))) {
        tracing::warn!(?noted, "the last use of a session or a key could not be recorded");
    }
}
