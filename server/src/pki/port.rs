//! The certificate that the runners' port shows: made in memory, exchanged while running.

use std::sync::{Arc, PoisonError, RwLock};

use rcgen::{DnType, ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P384_SHA384, SanType};
use rustls::{
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};

use super::{Authority, ORGANIZATION, PkiError, authority::dated};
use crate::config::Config;

const DAYS: i64 = 90;
const RENEW_WITH_DAYS_LEFT: i64 = 30;

/// The port's certificate and key. They live in memory only: runners trust the authority, so a new pair at each
/// start costs nothing, and there is one secret less on disk.
#[derive(Debug)]
pub struct PortCertificate {
    hosts: Vec<SanType>,
    current: RwLock<Pair>,
}

#[derive(Debug)]
struct Pair {
    key: Arc<CertifiedKey>,
    not_after: OffsetDateTime,
}

impl PortCertificate {
    /// Makes a certificate for this machine's loopback names, the address the runners' port listens on and the
    /// public host.
    ///
    /// # Errors
    /// When the authority cannot sign.
    pub fn new(authority: &Authority, config: &Config, now: OffsetDateTime) -> Result<Self, PkiError> {
        let hosts = hosts(config)?;
        let current = RwLock::new(make(authority, &hosts, now)?);
        Ok(Self { hosts, current })
    }

    /// Exchanges the certificate when fewer than 30 days of its 90 are left; call it daily. Open connections
    /// keep the old one, new ones see the new one. Says whether it did.
    ///
    /// # Errors
    /// When the authority cannot sign; the old certificate then stays.
    pub fn renew_if_due(&self, authority: &Authority, now: OffsetDateTime) -> Result<bool, PkiError> {
        let not_after = self.current.read().unwrap_or_else(PoisonError::into_inner).not_after;
        if not_after - now >= Duration::days(RENEW_WITH_DAYS_LEFT) {
            return Ok(false);
        }
        let pair = make(authority, &self.hosts, now)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = pair;
        Ok(true)
    }
}

impl ResolvesServerCert for PortCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).key))
    }
}

fn make(authority: &Authority, hosts: &[SanType], now: OffsetDateTime) -> Result<Pair, PkiError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?;
    let mut template = dated(now, DAYS)?;
    template.params.distinguished_name.push(DnType::CommonName, "Castellan runner port");
    template.params.distinguished_name.push(DnType::OrganizationName, ORGANIZATION);
    template.params.subject_alt_names = hosts.to_vec();
    template.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let issued = authority.sign(template, &key)?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = CertifiedKey::from_der(vec![issued.der], private, &aws_lc_rs::default_provider())?;
    Ok(Pair { key: Arc::new(key), not_after: issued.not_after })
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
