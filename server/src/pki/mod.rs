//! Runner certificate authority: issues the certificates of runners and the runner port (S-03, S-04).

mod authority;
mod identity;
mod port;
mod request;
#[cfg(test)]
mod tests;

use crate::keys::KeyError;
use std::{fmt, path::PathBuf};

pub use authority::{Authority, Issued};
pub use identity::{RunnerPeer, runner_identity};
pub use port::PortCertificate;
pub use request::proven_key;

/// Organization name in issued certificates.
const ORGANIZATION: &str = "Castellan";

/// Certificate serial number: 128 random bits, written as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Serial(pub u128);

impl fmt::Display for Serial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:032x}", self.0)
    }
}

/// Certificate authority error.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// The CA key cannot be read or created.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The CA certificate cannot be read or written.
    #[error("{}: {reason}", path.display())]
    File { path: PathBuf, reason: String },
    /// A signing request is rejected; the reason is sent to the client.
    #[error("the certificate request was rejected: {0}")]
    Request(&'static str),
    /// The certificate was not issued to a runner.
    #[error("the certificate is not a runner certificate: {0}")]
    Identity(&'static str),
    #[error("the certificate could not be generated: {0}")]
    Generation(#[from] rcgen::Error),
    /// rustls rejects the certificate.
    #[error("the certificate cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}
