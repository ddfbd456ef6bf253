//! Server certificate of the runner port: generated in memory and renewed at runtime.

use super::{Authority, ORGANIZATION, PkiError, authority::dated};
use crate::config::Config;
use parking_lot::RwLock;
use rcgen::{DnType, ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P384_SHA384, SanType};
use rustls::{
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;
use time::{Duration, OffsetDateTime};

const VALIDITY_DAYS: i64 = 90;
const RENEW_WITH_DAYS_LEFT: i64 = 30;

/// Certificate and key of the runner port. They exist only in memory: runners trust the CA, so each start can generate a new
/// pair, and no key is stored on disk.
#[derive(Debug)]
pub struct PortCertificate {
    hosts: Vec<SanType>,
    current: RwLock<PortKeyPair>,
}

#[derive(Debug)]
struct PortKeyPair {
    key: Arc<CertifiedKey>,
    not_after: OffsetDateTime,
}

impl PortCertificate {
    /// Creates a certificate for the loopback names, the listen address and the public host.
    ///
    /// # Errors
    /// Fails if the authority cannot sign.
    pub fn new(authority: &Authority, config: &Config, now: OffsetDateTime) -> Result<Self, PkiError> {
        let hosts = hosts(config)?;
        let current = RwLock::new(issue(authority, &hosts, now)?);
        Ok(Self { hosts, current })
    }

    /// Renews the certificate if fewer than 30 of its 90 days remain, and returns whether it did. Call it daily. Open connections
    /// are not affected.
    ///
    /// # Errors
    /// Fails if the authority cannot sign; the old certificate stays in use.
    pub fn renew_if_due(&self, authority: &Authority, now: OffsetDateTime) -> Result<bool, PkiError> {
        let not_after = self.current.read().not_after;
        if not_after - now >= Duration::days(RENEW_WITH_DAYS_LEFT) {
            return Ok(false);
        }
        let pair = issue(authority, &self.hosts, now)?;
        *self.current.write() = pair;
        Ok(true)
    }
}

impl ResolvesServerCert for PortCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().key))
    }
}

fn issue(authority: &Authority, hosts: &[SanType], now: OffsetDateTime) -> Result<PortKeyPair, PkiError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?;
    let mut template = dated(now, VALIDITY_DAYS)?;
    template.params.distinguished_name.push(DnType::CommonName, "Castellan runner port");
    template.params.distinguished_name.push(DnType::OrganizationName, ORGANIZATION);
    template.params.subject_alt_names = hosts.to_vec();
    template.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let issued = authority.sign(template, &key)?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = CertifiedKey::from_der(vec![issued.der], private, &aws_lc_rs::default_provider())?;
    Ok(PortKeyPair { key: Arc::new(key), not_after: issued.not_after })
}

fn hosts(config: &Config) -> Result<Vec<SanType>, PkiError> {
    let mut hosts = vec![
        SanType::DnsName("localhost".try_into()?),
        SanType::IpAddress(std::net::Ipv4Addr::LOCALHOST.into()),
        SanType::IpAddress(std::net::Ipv6Addr::LOCALHOST.into()),
    ];
    let mut add = |host| {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    };
    let listen = config.runner_listen.ip();
    if !listen.is_unspecified() {
        add(SanType::IpAddress(listen));
    }
    if let Some(public) = &config.public_url {
        add(match public.address() {
            Some(address) => SanType::IpAddress(address),
            None => SanType::DnsName(public.host().try_into()?),
        });
    }
    Ok(hosts)
}
