//! Randomness from the operating system.
use crate::{Error, Result};

/// Returns random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::Unusable("the operating system gave no randomness".into()))?;
    Ok(bytes)
}
