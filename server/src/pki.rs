//! The runners' certificate authority: who a runner is, and which server it may trust (S-03, S-04).

mod authority;
mod identity;
mod port;
mod request;
#[cfg(test)]
mod tests;

use std::{fmt, path::PathBuf};

pub use authority::{Authority, Issued};
pub use identity::{RunnerPeer, runner_identity};
pub use port::PortCertificate;
pub use request::proven_key;

use crate::keys::KeyError;

/// What runners' certificates name as their organization.
const ORGANIZATION: &str = "Castellan";

/// A certificate's serial number: 128 random bits, written as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Serial(pub u128);

impl fmt::Display for Serial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:032x}", self.0)
    }
}

/// Why the authority cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// Its key is missing, open to others or no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Its certificate cannot be read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// The certificate's file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A signing request is refused; the text is for whoever sent it.
    #[error("the certificate request is refused: {0}")]
    Request(&'static str),
    /// A certificate is not one of ours.
    #[error("the certificate is not a runner's: {0}")]
    Identity(&'static str),
    /// A certificate could not be made.
    #[error("the certificate could not be made: {0}")]
    Making(#[from] rcgen::Error),
    /// TLS refuses the certificate.
    #[error("the certificate cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}
