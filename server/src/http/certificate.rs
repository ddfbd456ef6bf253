//! TLS certificate of pages and API: reloaded when its files change, or self-signed.

use super::tls::TlsError;
use crate::{
    atomic_file,
    config::Config,
    keys::{KeyError, SecretsDir},
};
use parking_lot::{Mutex, RwLock};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P256_SHA256, SanType};
use rustls::{
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};
use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use time::OffsetDateTime;

/// Validity of a self-signed certificate, in days.
const SELF_SIGNED_DAYS: i64 = 365;
const RENEW_WITH_DAYS_LEFT: i64 = 30;
/// Minimum time between checks of the files, which TLS handshakes trigger.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// State of the certificate in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateState {
    pub not_after: OffsetDateTime,
    pub self_signed: bool,
    /// Why the current files could not be loaded, if so.
    pub trouble: Option<String>,
}

/// Certificate in use, and its files.
#[derive(Debug)]
pub struct SiteCertificate {
    certificate: PathBuf,
    key: PathBuf,
    self_signed: bool,
    current: RwLock<(Arc<CertifiedKey>, OffsetDateTime)>,
    files: Mutex<FileState>,
}

/// State of the files at the last check.
#[derive(Debug)]
struct FileState {
    checked_at: Instant,
    stamps: [Option<FileStamp>; 2],
    trouble: Option<String>,
}

/// Modification time, inode and size, which change when a file is written or replaced.
type FileStamp = (i64, i64, u64, u64);

impl SiteCertificate {
    /// Loads the files of `[tls]`.
    ///
    /// # Errors
    /// Fails if a file cannot be read or the key does not match the certificate.
    pub fn files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        Self::open(certificate.to_owned(), key.to_owned(), false)
    }

    /// Loads or generates the configured certificate; returns `None` if TLS is not configured.
    ///
    /// # Errors
    /// Fails like [`SiteCertificate::files`], or if a self-signed certificate cannot be generated.
    pub fn of(config: &Config, now: OffsetDateTime) -> Result<Option<Self>, TlsError> {
        match (&config.tls.certificate, &config.tls.key) {
            (Some(certificate), Some(key)) => Self::files(certificate, key).map(Some),
            _ if config.tls.self_signed => {
                let (certificate, key) = ensure_self_signed(config, now)?;
                Self::open(certificate, key, true).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn open(certificate: PathBuf, key: PathBuf, self_signed: bool) -> Result<Self, TlsError> {
        let stamps = [stamp(&certificate), stamp(&key)];
        let current = RwLock::new(load(&certificate, &key)?);
        let files = Mutex::new(FileState { checked_at: Instant::now(), stamps, trouble: None });
        Ok(Self { certificate, key, self_signed, current, files })
    }

    /// Checks the files and returns the current state.
    pub fn state(&self) -> CertificateState {
        self.reload_if_changed(Duration::ZERO);
        let trouble = self.files.lock().trouble.clone();
        let not_after = self.current.read().1;
        CertificateState { not_after, self_signed: self.self_signed, trouble }
    }

    /// Loads changed files. If they are invalid, the previous certificate stays in use and the error is logged. Open
    /// connections are not affected.
    fn reload_if_changed(&self, min_interval: Duration) {
        let mut files = self.files.lock();
        if files.checked_at.elapsed() < min_interval {
            return;
        }
        files.checked_at = Instant::now();
        let stamps = [stamp(&self.certificate), stamp(&self.key)];
        if stamps == files.stamps {
            return;
        }
        files.stamps = stamps;
        match load(&self.certificate, &self.key) {
            Ok(loaded) => {
                tracing::info!(not_after = %loaded.1, "the certificate was reloaded");
                *self.current.write() = loaded;
                files.trouble = None;
            }
            Err(error) => {
                tracing::error!(%error, "the new certificate is invalid; the previous one stays in use");
                files.trouble = Some(error.to_string());
            }
        }
    }
}

impl ResolvesServerCert for SiteCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.reload_if_changed(CHECK_INTERVAL);
        Some(Arc::clone(&self.current.read().0))
    }
}

fn stamp(path: &Path) -> Option<FileStamp> {
    let found = fs::metadata(path).ok()?;
    Some((found.mtime(), found.mtime_nsec(), found.ino(), found.len()))
}

fn load(certificate: &Path, key: &Path) -> Result<(Arc<CertifiedKey>, OffsetDateTime), TlsError> {
    let wrong = |key: &'static str, file: &Path, reason: String| TlsError::File { key, file: file.to_owned(), reason };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong("tls.certificate", certificate, error.to_string()))?;
    let Some(first) = chain.first() else {
        return Err(wrong("tls.certificate", certificate, "it contains no certificate".into()));
    };
    let not_after = match x509_parser::parse_x509_certificate(first) {
        Ok((_, parsed)) => parsed.validity().not_after.to_datetime(),
        Err(error) => return Err(wrong("tls.certificate", certificate, error.to_string())),
    };
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong("tls.key", key, error.to_string()))?;
    let certified = CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider())
        .map_err(|error| wrong("tls.key", key, format!("it does not match the certificate: {error}")))?;
    Ok((Arc::new(certified), not_after))
}

/// Returns the path of the self-signed certificate, which is public; its key is in the secrets directory.
pub fn self_signed_file(config: &Config) -> PathBuf {
    config.data_dir.join("self-signed.pem")
}

fn ensure_self_signed(config: &Config, now: OffsetDateTime) -> Result<(PathBuf, PathBuf), TlsError> {
    let (secrets, certificate) = (SecretsDir::open_or_create(&config.secrets_dir())?, self_signed_file(config));
    let key = secrets.read_or_create("self-signed.key", || {
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
            .map(|key| SecretString::from(key.serialize_pem()))
            .map_err(|error| KeyError::System(format!("the key could not be generated: {error}")))
    })?;
    let path = secrets.path("self-signed.key");
    let is_valid = load(&certificate, &path)
        .is_ok_and(|(_, not_after)| not_after - now > time::Duration::days(RENEW_WITH_DAYS_LEFT));
    if !is_valid {
        let pair = KeyPair::from_pem(key.expose_secret())?;
        let text = self_signed_params(config, now)?.self_signed(&pair)?.pem();
        let wrong = |error: std::io::Error| TlsError::File {
            key: "tls.self_signed",
            file: certificate.clone(),
            reason: error.to_string(),
        };
        atomic_file::replace(&certificate, text.as_bytes(), 0o644).map_err(wrong)?;
    }
    Ok((certificate, path))
}

/// Returns the parameters of a certificate for the loopback names, the listen address and the public host.
fn self_signed_params(config: &Config, now: OffsetDateTime) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()])?;
    let mut name = "localhost".to_owned();
    if !config.listen.ip().is_unspecified() && !config.listen.ip().is_loopback() {
        params.subject_alt_names.push(SanType::IpAddress(config.listen.ip()));
    }
    if let Some(public) = &config.public_url {
        name = public.host().to_owned();
        params.subject_alt_names.push(match public.address() {
            Some(address) => SanType::IpAddress(address),
            None => SanType::DnsName(public.host().try_into()?),
        });
    }
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name.chars().take(64).collect::<String>());
    params.distinguished_name.push(DnType::OrganizationName, "Castellan, self-signed");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = now - time::Duration::hours(24);
    params.not_after = now + time::Duration::days(SELF_SIGNED_DAYS);
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a matching certificate and key, valid for `days` days.
    fn write(folder: &Path, days: i64) {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (now, now + time::Duration::days(days));
        fs::write(folder.join("cert.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    }

    #[test]
    fn a_07_changed_files_are_reloaded_and_invalid_ones_keep_the_previous_certificate() {
        super::super::tls::install_provider();
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 10);
        let site = SiteCertificate::files(&folder.path().join("cert.pem"), &folder.path().join("key.pem")).unwrap();
        let first = site.state();
        assert_eq!((first.trouble.clone(), first.self_signed), (None, false));
        write(folder.path(), 20);
        let second = site.state();
        assert_eq!(second.not_after - first.not_after, time::Duration::days(10));
        // A mismatched key, as between two copies; then garbage; then a missing file.
        fs::write(folder.path().join("key.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
        let state = site.state();
        assert!(state.trouble.as_ref().is_some_and(|trouble| trouble.contains("tls.key")), "{state:?}");
        fs::write(folder.path().join("cert.pem"), "nonsense").unwrap();
        assert!(site.state().trouble.is_some_and(|trouble| trouble.contains("tls.certificate")));
        fs::remove_file(folder.path().join("cert.pem")).unwrap();
        let state = site.state();
        assert!(state.trouble.is_some() && state.not_after == second.not_after);
        write(folder.path(), 30);
        let state = site.state();
        assert_eq!((state.trouble, state.not_after - second.not_after), (None, time::Duration::days(10)));
    }

    #[test]
    fn a_07_a_self_signed_certificate_is_generated_once_and_replaced_before_it_expires() {
        super::super::tls::install_provider();
        let data = tempfile::tempdir().unwrap();
        let mut config = crate::config::load_from(None, std::iter::empty()).unwrap();
        (config.data_dir, config.tls.self_signed) = (data.path().to_owned(), true);
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let at = |days: i64| SiteCertificate::of(&config, now + time::Duration::days(days)).unwrap().unwrap().state();
        let first = at(0);
        assert!(first.self_signed && first.not_after == now + time::Duration::days(365));
        assert_eq!(at(300), first, "the certificate is kept");
        assert_eq!(at(340).not_after, now + time::Duration::days(340 + 365));
        let mode = fs::metadata(data.path().join("secrets/self-signed.key")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
