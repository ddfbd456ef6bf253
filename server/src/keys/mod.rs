//! Secret keys of the deployment: generated once and stored in private files.

mod checkpoint_keys;
mod deployment;
mod environment;
mod file;
mod key_chain;
mod process;
mod signing;

use crate::config::{ENCRYPTION_KEY, SESSION_SECRET};
use domain::succession::GRANTS;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};
use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use auth::SessionKey;
pub use checkpoint_keys::{CheckpointKeys, NoteSignature};
pub use deployment::{authority_dir, check_authority, has_authority};
pub use environment::{EnvironmentSecrets, take_secrets};
pub use file::SecretsDir;
pub use key_chain::KeyChain;
pub use process::harden_process;
pub use signing::SigningKey;

/// 32-byte key that wraps the tenant keys.
pub type MasterKey = SecretBox<[u8; 32]>;

const MASTER_FILE: &str = "master.key";

const GRANTS_FILE: &str = "grants.pem";

const CHECKPOINTS_FILE: &str = "checkpoints.pem";

const SESSIONS_FILE: &str = "sessions.key";

/// File of the previous session secret during a rotation, until the database knows the new one.
const PREVIOUS_SESSIONS_FILE: &str = "sessions.key.before";

/// Key error. Messages never contain a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    /// Other users can read the file, or it has the wrong type or owner.
    #[error("{} {problem}; {fix}", path.display())]
    Unsafe { path: PathBuf, problem: String, fix: String },
    /// The file is lost. Another key would not be the one that the deployment was made with.
    #[error(
        "{} is missing, but the database belongs to a deployment that has this key. Restore the file from a backup, or copy data/secrets \
         from another node (cp -a){}. Nothing was changed", path.display(), variable_hint(path)
    )]
    Missing { path: PathBuf },
    /// The text is not a valid key.
    #[error(
        "{place} is not {expected}; restore it from a backup. Data that was encrypted with the old key cannot be read with a new one"
    )]
    Malformed { place: String, expected: &'static str },
    /// The operating system provides no randomness, or the key was not passed on to the new process.
    #[error("{0}")]
    System(String),
}

/// Returns which variable can hold the key instead of the file.
fn variable_hint(path: &Path) -> String {
    let variable = match path.file_name().and_then(OsStr::to_str) {
        Some(MASTER_FILE) => ENCRYPTION_KEY,
        Some(SESSIONS_FILE) => SESSION_SECRET,
        _ => return String::new(),
    };
    format!("; if the key was in the environment, set {variable} again")
}

/// Keys of the server.
#[derive(Debug)]
pub struct Keys {
    /// Wraps the tenant keys.
    pub master: MasterKey,
    /// Signs rules, judgments, decisions and grants.
    pub grants: Arc<KeyChain>,
    /// Signs checkpoints of the audit log.
    pub checkpoints: CheckpointKeys,
    /// Derives the next identifier of a session from the current one.
    pub sessions: SessionKey,
    /// Whether the session secret is from the environment instead of its file.
    pub configured: bool,
}

impl Keys {
    /// Reads the keys in `dir`, which generates missing ones if it may. `master`, from the environment, replaces the file.
    ///
    /// # Errors
    /// Fails if a file is missing, readable by others or not a valid key, or cannot be read or created.
    pub fn open_or_create(dir: &SecretsDir, master: Option<MasterKey>) -> Result<Self, KeyError> {
        Self::open_with(dir, EnvironmentSecrets { master, ..EnvironmentSecrets::default() })
    }

    /// Opens the keys with all secrets from the environment.
    ///
    /// # Errors
    /// Fails like [`Keys::open_or_create`].
    pub fn open_with(dir: &SecretsDir, given: EnvironmentSecrets) -> Result<Self, KeyError> {
        let master = match given.master {
            Some(given) => given,
            None => symmetric(dir, MASTER_FILE)?,
        };
        let grants = Arc::new(KeyChain::open_or_create(dir, GRANTS_FILE, GRANTS)?);
        let checkpoints = CheckpointKeys::open_or_create(dir)?;
        let configured = given.sessions.is_some();
        let sessions = match given.sessions {
            Some(given) => given,
            None => symmetric(dir, SESSIONS_FILE)?,
        };
        Ok(Self { master, grants, checkpoints, sessions, configured })
    }
}

/// Reads or generates a key of `N` random bytes, stored as hex.
fn symmetric<const N: usize>(dir: &SecretsDir, name: &str) -> Result<SecretBox<[u8; N]>, KeyError> {
    let text = dir.read_or_create(name, || {
        let mut bytes = SecretBox::new(Box::new([0_u8; N]));
        fill(bytes.expose_secret_mut())?;
        Ok(SecretString::from(hex::encode(bytes.expose_secret())))
    })?;
    from_hex(text.expose_secret().trim_end(), || dir.path(name).display().to_string())
}

fn from_hex<const N: usize>(text: &str, place: impl Fn() -> String) -> Result<SecretBox<[u8; N]>, KeyError> {
    let mut key = SecretBox::new(Box::new([0_u8; N]));
    hex::decode_to_slice(text, key.expose_secret_mut()).map_err(|_| KeyError::Malformed {
        place: place(),
        expected: if N == 32 { "64 hexadecimal digits" } else { "128 hexadecimal digits" },
    })?;
    Ok(key)
}

pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), KeyError> {
    getrandom::fill(bytes)
        .map_err(|error| KeyError::System(format!("the operating system provides no randomness: {error}")))
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |error| KeyError::Io { path, error }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, symlink},
    };

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn fresh() -> (tempfile::TempDir, PathBuf) {
        let data = tempfile::tempdir().unwrap();
        let secrets = data.path().join("deep/data/secrets");
        (data, secrets)
    }

    ///
    #[test]
    fn keys_are_generated_once_and_are_private() {
        let (_data, secrets) = fresh();
        let first = Keys::open_or_create(&SecretsDir::open_or_create(&secrets).unwrap(), None).unwrap();
        let again = Keys::open_or_create(&SecretsDir::open_or_create(&secrets).unwrap(), None).unwrap();
        assert_eq!(first.master.expose_secret(), again.master.expose_secret());
        assert_eq!(first.sessions.expose_secret(), again.sessions.expose_secret());
        assert_eq!(first.grants.public_key(), again.grants.public_key());
        assert_ne!(first.grants.public_key(), first.checkpoints.public_key());
        assert_eq!(mode(&secrets), 0o700);
        let mut names = Vec::new();
        for entry in fs::read_dir(&secrets).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            names.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
        names.sort();
        assert_eq!(names, [".gitignore", "checkpoints.pem", "grants.pem", "master.key", "sessions.key"]);
        assert_eq!(fs::read_to_string(secrets.join(".gitignore")).unwrap(), "*\n");
    }

    ///
    #[test]
    fn files_that_others_can_read_are_rejected_with_a_fix() {
        let (_data, secrets) = fresh();
        let dir = SecretsDir::open_or_create(&secrets).unwrap();
        Keys::open_or_create(&dir, None).unwrap();
        let file = secrets.join("master.key");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let message = Keys::open_or_create(&dir, None).unwrap_err().to_string();
        assert!(message.contains("chmod 600") && message.contains("master.key"), "{message}");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(&secrets, fs::Permissions::from_mode(0o750)).unwrap();
        let message = SecretsDir::open_or_create(&secrets).unwrap_err().to_string();
        assert!(message.contains("chmod 700"), "{message}");
    }

    #[test]
    fn a_symlink_instead_of_a_key_file_is_not_followed() {
        let (data, secrets) = fresh();
        let dir = SecretsDir::open_or_create(&secrets).unwrap();
        let elsewhere = data.path().join("elsewhere");
        fs::write(&elsewhere, "00".repeat(32)).unwrap();
        symlink(&elsewhere, secrets.join("master.key")).unwrap();
        assert!(Keys::open_or_create(&dir, None).is_err());
    }

    /// M-06.
    #[test]
    fn a_key_of_the_wrong_length_or_garbage_is_a_clear_error() {
        let (_data, secrets) = fresh();
        let dir = SecretsDir::open_or_create(&secrets).unwrap();
        Keys::open_or_create(&dir, None).unwrap();
        for garbage in ["", "00", &"0".repeat(63), &"0".repeat(66), &"g".repeat(64)] {
            fs::write(secrets.join("master.key"), garbage).unwrap();
            let message = Keys::open_or_create(&dir, None).unwrap_err().to_string();
            assert!(message.contains("master.key is not 64 hexadecimal digits"), "{message}");
        }
        fs::write(secrets.join("master.key"), "00".repeat(32)).unwrap();
        fs::write(secrets.join("grants.pem"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
            .unwrap();
        assert!(Keys::open_or_create(&dir, None).unwrap_err().to_string().contains("grants.pem"));
    }

    #[test]
    fn debug_output_does_not_contain_keys() {
        let (_data, secrets) = fresh();
        let dir = SecretsDir::open_or_create(&secrets).unwrap();
        let keys = Keys::open_or_create(&dir, Some(from_hex(&"ab".repeat(32), String::new).unwrap())).unwrap();
        assert!(!secrets.join("master.key").exists(), "the key from the environment replaces the file");
        let shown = format!("{keys:?}");
        assert!(shown.contains("REDACTED") && !shown.contains("171, 171"), "{shown}");
    }

    /// the next start removes temporary files of a killed process and nothing else.
    #[test]
    fn temporary_files_of_a_killed_process_are_removed() {
        let (_data, secrets) = fresh();
        let dir = SecretsDir::open_or_create(&secrets).unwrap();
        Keys::open_or_create(&dir, None).unwrap();
        let draft = secrets.join(".master.key.0123456789abcdef");
        for kept in [".gitignore", ".master.key.bak", "notes.0123456789abcdef"] {
            fs::write(secrets.join(kept), "*").unwrap();
        }
        fs::write(&draft, "half a key").unwrap();
        fs::set_permissions(secrets.join(".gitignore"), fs::Permissions::from_mode(0o600)).unwrap();
        SecretsDir::open_or_create(&secrets).unwrap();
        assert!(!draft.exists() && secrets.join("master.key").exists());
        assert!(secrets.join(".master.key.bak").exists() && secrets.join("notes.0123456789abcdef").exists());
    }

    #[test]
    fn concurrent_starts_agree_on_one_key() {
        let (_data, secrets) = fresh();
        let keys: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        let keys = Keys::open_or_create(&SecretsDir::open_or_create(&secrets).unwrap(), None).unwrap();
                        *keys.master.expose_secret()
                    })
                })
                .collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
