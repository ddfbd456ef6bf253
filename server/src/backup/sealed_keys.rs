//! Keys in a backup: the files of `data/secrets`, encrypted with AES-256-GCM under a passphrase (Argon2id).
use crate::{failure::Failure, keys::SecretsDir};
use aes_gcm::{
    Aes256Gcm, Key, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{
    ExposeSecret, SecretString,
    zeroize::{Zeroize, Zeroizing},
};
use std::collections::BTreeMap;

/// Memory in KiB, passes and lanes of Argon2id: the second recommendation of RFC 9106, which suits attacks on a stolen file.
const COST: (u32, u32, u32) = (64 * 1024, 3, 4);
/// What the encryption is bound to.
const PURPOSE: &[u8] = b"castellan backup keys 1";

/// The passphrase of the keys in a backup.
#[derive(Debug)]
pub(crate) struct Passphrase(SecretString);

impl Passphrase {
    pub(crate) fn new(text: SecretString) -> Self {
        Self(text)
    }

    /// Fails if the passphrase is short or easily guessed: with a copy of the file, an attacker can try many.
    ///
    /// # Errors
    /// With what is wrong.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        auth::check_password(self.0.expose_secret(), &[])
            .map_err(|invalid| Failure::new(format!("the passphrase {}", invalid.reason)))
    }

    fn key(&self, salt: &[u8]) -> Result<Zeroizing<[u8; 32]>, Failure> {
        let failed = |error: argon2::Error| Failure::new(format!("the passphrase cannot be hashed: {error}"));
        let (memory, passes, lanes) = COST;
        let params = Params::new(memory, passes, lanes, Some(32)).map_err(failed)?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(self.0.expose_secret().as_bytes(), salt, &mut *key)
            .map_err(failed)?;
        Ok(key)
    }
}

/// Encrypts the files of the directory: salt, nonce, and the ciphertext of a JSON object of contents by name.
///
/// # Errors
/// Fails if a file cannot be read, or the system provides no randomness.
pub(super) fn seal(secrets: &SecretsDir, passphrase: &Passphrase) -> Result<Vec<u8>, Failure> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for name in secrets.names()? {
        if let Some(text) = secrets.read(&name)? {
            files.insert(name, text.expose_secret().to_owned());
        }
    }
    let plain = Zeroizing::new(serde_json::to_vec(&files)?);
    files.values_mut().for_each(Zeroize::zeroize);
    let mut random = [0; 28];
    crate::keys::fill(&mut random)?;
    let (salt, nonce) = random.split_at(16);
    let nonce: [u8; 12] = nonce.try_into().unwrap_or_default();
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*passphrase.key(salt)?));
    let sealed = cipher
        .encrypt(&Nonce::from(nonce), Payload { msg: &plain, aad: PURPOSE })
        .map_err(|_| Failure::new("the keys cannot be encrypted"))?;
    Ok([random.as_slice(), &sealed].concat())
}

/// Decrypts the files and writes them into the empty directory.
///
/// # Errors
/// Fails if the passphrase is wrong, or a file cannot be written.
pub(super) fn unseal(sealed: &[u8], passphrase: &Passphrase, into: &SecretsDir) -> Result<(), Failure> {
    let wrong = || Failure::new("the passphrase is not the one with which the keys in the backup were encrypted");
    let (random, body) = sealed.split_first_chunk::<28>().ok_or_else(wrong)?;
    let (salt, nonce) = random.split_at(16);
    let nonce: [u8; 12] = nonce.try_into().map_err(|_| wrong())?;
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*passphrase.key(salt)?));
    let plain = cipher.decrypt(&Nonce::from(nonce), Payload { msg: body, aad: PURPOSE }).map_err(|_| wrong())?;
    let plain = Zeroizing::new(plain);
    let files: BTreeMap<String, SecretString> = serde_json::from_slice::<BTreeMap<String, String>>(&plain)?
        .into_iter()
        .map(|(name, text)| (name, text.into()))
        .collect();
    for (name, text) in files {
        let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        if !is_plain || name.starts_with('.') || name.is_empty() {
            return Err(Failure::new("the keys in the backup have names that Castellan does not use"));
        }
        into.replace(&name, &text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_13_keys_in_a_backup_open_only_with_their_passphrase() {
        let data = tempfile::tempdir().unwrap();
        let from = SecretsDir::open_or_create(&data.path().join("from")).unwrap();
        from.replace("master.key", &"one".into()).unwrap();
        from.replace("sessions.key.before", &"two".into()).unwrap();
        let passphrase = |text: &str| Passphrase::new(text.to_owned().into());
        let sealed = seal(&from, &passphrase("a long passphrase")).unwrap();
        assert!(!sealed.windows(3).any(|window| window == b"one"));
        let into = SecretsDir::open_or_create(&data.path().join("into")).unwrap();
        for wrong in ["", "a long passphrasf", "a long passphrase "] {
            let error = unseal(&sealed, &passphrase(wrong), &into).unwrap_err().to_string();
            assert!(error.contains("passphrase"), "{error}");
        }
        for at in [0, 16, 28, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(unseal(&changed, &passphrase("a long passphrase"), &into).is_err(), "byte {at}");
        }
        assert!(into.names().unwrap().is_empty());
        unseal(&sealed, &passphrase("a long passphrase"), &into).unwrap();
        assert_eq!(into.names().unwrap(), ["master.key", "sessions.key.before"]);
        assert_eq!(into.read("master.key").unwrap().unwrap().expose_secret(), "one");
    }

    #[test]
    fn d_13_a_weak_passphrase_is_refused() {
        for weak in ["", "short", "passwordpassword"] {
            assert!(Passphrase::new(weak.to_owned().into()).check().is_err(), "{weak}");
        }
        assert!(Passphrase::new("tidal copper lantern voyage".to_owned().into()).check().is_ok());
    }
}
