//! How a request becomes an actor: sessions of browsers, keys of programs. Nothing else makes one.

mod account;
mod attempt_lock;
mod bearer;
mod browser;
mod cookie;
pub(crate) mod device;
mod door;
mod factors;
pub(crate) mod invitation_cookie;
mod invitations;
mod key_usage_cache;
mod passkeys;
mod password;
mod providers;
mod refused;
mod session_start;
mod sessions;
mod totp;

pub use attempt_lock::AttemptLocks;
pub use bearer::Program;
pub use browser::{Browser, Halfway, RECHECK, identify};
pub use cookie::{layer, removal, sift, values as cookies};
pub use door::BrowserDoor;
pub use factors::Proof;
pub use key_usage_cache::KeyUsageCache;
pub use passkeys::Passkeys;
pub use password::{Hasher, check as check_password};
pub use providers::{Arrived, Comeback, Fetch, FetchError, Providers, Purpose, Setout};
pub use session_start::Authenticated;
pub use sessions::Sessions;

use sha2::{Digest, Sha256};
use std::time::Duration;

/// The hash under which a secret that somebody shows us is looked up.
pub fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The longest that a request waits until it is noted that a session or a key is in use.
const NOTING: Duration = Duration::from_millis(500);

/// Notes that a session or a key is in use. Reading goes on when that cannot be written down: while the disk is full, or
/// somebody holds the database.
async fn note_use(noting: impl Future<Output = store::Result<()>> + Send + 'static) {
    // A task of its own: a transaction that is given up half-way costs a connection.
    let noted = tokio::time::timeout(NOTING, tokio::spawn(noting)).await;
    if !matches!(noted, Ok(Ok(Ok(())))) {
        tracing::warn!(?noted, "that a session or a key is in use is not noted");
    }
}
