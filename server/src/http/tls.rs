//! TLS as we speak it: rustls with one crypto provider, strict toward runners, usual toward browsers.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier},
    version::TLS13,
};
use rustls_pki_types::CertificateDer;

use super::SiteCertificate;
use crate::keys::KeyError;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file of `[tls]` is missing or holds something else.
    #[error("`{key}` is {}: {reason}", file.display())]
    File {
        /// The setting.
        key: &'static str,
        /// Its file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The key of a certificate of our own is missing, open to others or no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A certificate of our own cannot be made.
    #[error("a self-signed certificate cannot be made: {0}")]
    Making(#[from] rcgen::Error),
    /// rustls refuses the combination.
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] rustls::Error),
    /// The runners' CA certificate cannot be a trust anchor.
    #[error("the runners' CA cannot be used: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// Makes aws-lc-rs the crypto provider of the whole process; call it first in `main`. A second call changes nothing.
pub fn install_provider() {
    // The error says that there is one already, which is this one: no other is compiled in.
    let _already = aws_lc_rs::default_provider().install_default();
}

/// What S-04 allows with runners: two suites of TLS 1.3, X25519 or P-384.
pub fn runner_provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384,
            aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![aws_lc_rs::kx_group::X25519, aws_lc_rs::kx_group::SECP384R1],
        ..aws_lc_rs::default_provider()
    }
}

/// TLS for the runners' port: TLS 1.3 only, a client certificate of our CA required (S-04).
///
/// # Errors
/// When the CA's certificate is unusable.
pub fn runner_tls(
    ca: CertificateDer<'static>,
    certificate: Arc<dyn ResolvesServerCert>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(runner_provider());
    let mut roots = RootCertStore::empty();
    roots.add(ca)?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec()];
    // On a resumed connection the verifier is not called, so a revoked runner would come in (E13).
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

/// TLS for pages and API (M-05): TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, with a certificate that may change meanwhile.
///
/// # Errors
/// When rustls refuses the combination.
pub fn site_tls(certificate: Arc<SiteCertificate>) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
