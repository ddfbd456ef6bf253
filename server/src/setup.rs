//! The first start: a one-time link that makes the first admin (D-02). There is no default account.
use crate::auth::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};
use store::Store;

/// How long the link works.
const LIFE: Duration = Duration::from_hours(1);
/// The file that holds it, for those who do not see the console.
const FILE: &str = "setup-link";

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness: {0}")]
    Random(getrandom::Error),
    /// The file cannot be written.
    #[error("{FILE} cannot be written: {0}")]
    File(#[from] std::io::Error),
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The set-up link on this origin, where nobody was made yet; earlier links end.
///
/// # Errors
/// When it cannot be made or kept.
pub async fn offer_link(store: &Store, data: &Path, origin: &str) -> Result<Option<String>, SetupError> {
    if !store.system().is_empty().await? {
        forget_link(data);
        return Ok(None);
    }
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(SetupError::Random)?;
    let token = BASE64_URL_SAFE_NO_PAD.encode(random);
    store.system().offer_setup(digest(&token), store.now().after(LIFE)).await?;
    let link = format!("{origin}/setup?token={token}");
    forget_link(data);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(data.join(FILE))?;
    writeln!(file, "{link}")?;
    Ok(Some(link))
}

/// Removes the file: the link was used, or is not needed.
pub fn forget_link(data: &Path) {
    if let Err(error) = fs::remove_file(data.join(FILE))
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "the file {FILE} cannot be removed");
    }
}
