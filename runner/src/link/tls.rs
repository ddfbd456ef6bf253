//! TLS client configuration: version 1.3 only, the deployment's authority only, with a client certificate (S-04).

use super::LinkError;
use crate::identity::{Identity, RunnerKey};
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    crypto::{CryptoProvider, aws_lc_rs},
    version::TLS13,
};
use std::sync::Arc;

/// Returns the two cipher suites of S-04, with X25519 or P-384.
fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384,
            aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![aws_lc_rs::kx_group::X25519, aws_lc_rs::kx_group::SECP384R1],
        ..aws_lc_rs::default_provider()
    }
}

/// Returns the TLS client configuration.
///
/// # Errors
/// Fails if certificate, key and authority do not match.
pub(super) fn client(identity: &Identity, key: &RunnerKey) -> Result<Arc<ClientConfig>, LinkError> {
    let mut roots = RootCertStore::empty();
    roots.add(identity.authority()?)?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![identity.certificate()?], key.for_tls())?;
    // No resumption: every connection presents the certificate again (E13).
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}
