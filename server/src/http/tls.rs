//! TLS configuration: rustls with one crypto provider, TLS 1.3 only for runners, compatible defaults for browsers.

use crate::keys::KeyError;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier},
    version::TLS13,
};
use rustls_pki_types::CertificateDer;
use std::{path::PathBuf, sync::Arc};

/// TLS setup error.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file of `[tls]` is missing or invalid.
    #[error("`{key}` is {}: {reason}", file.display())]
    File { key: &'static str, file: PathBuf, reason: String },
    /// The key of the self-signed certificate cannot be read or created.
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the self-signed certificate cannot be generated: {0}")]
    Generation(#[from] rcgen::Error),
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] rustls::Error),
    #[error("the runners' CA cannot be used: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// Installs aws-lc-rs as the crypto provider of the process. Repeated calls have no effect.
pub fn install_provider() {
    // The error means that a provider is installed; no other one is compiled in.
    let _already = aws_lc_rs::default_provider().install_default();
}

/// Returns the crypto provider for runners (S-04): two TLS 1.3 cipher suites, X25519 and P-384.
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

/// Configures TLS for the runner port: TLS 1.3 only, with a client certificate of our CA (S-04).
///
/// # Errors
/// Fails if the CA certificate is invalid.
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
    // Session resumption skips the verifier, so a revoked runner could reconnect (E13).
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

/// Configures TLS for pages and API (M-05): TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, with a reloadable certificate.
///
/// # Errors
/// Fails if rustls rejects the configuration.
pub fn site_tls(certificate: Arc<dyn ResolvesServerCert>) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
