//! First-time setup: a one-time link that creates the first admin (D-02). There is no default account.
use crate::auth::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};
use store::Store;

/// Lifetime of the link.
const LINK_LIFETIME: Duration = Duration::from_hours(1);
/// File that contains the link, for people who do not see the terminal.
const FILE: &str = "setup-link";

/// Setup link error.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("the operating system provides no randomness: {0}")]
    Random(getrandom::Error),
    #[error("{FILE} cannot be written: {0}")]
    File(#[from] std::io::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Creates the setup link if there are no people yet. Earlier links become invalid.
///
/// # Errors
/// Fails if the link cannot be created or stored.
pub async fn offer_link(store: &Store, data: &Path, origin: &str) -> Result<Option<String>, SetupError> {
    if !store.system().is_empty().await? {
        forget_link(data);
        return Ok(None);
    }
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(SetupError::Random)?;
    let token = BASE64_URL_SAFE_NO_PAD.encode(random);
    store.system().offer_setup(digest(&token), store.now().after(LINK_LIFETIME)).await?;
    let link = format!("{origin}/setup?token={token}");
    forget_link(data);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(data.join(FILE))?;
    writeln!(file, "{link}")?;
    Ok(Some(link))
}

/// Removes the file with the link after setup.
pub fn forget_link(data: &Path) {
    if let Err(error) = fs::remove_file(data.join(FILE))
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "the file {FILE} cannot be removed");
    }
}
