//! The keys of this installation: made once, kept in files that nobody else can read.

mod deployment;
mod environment;
mod file;
mod process;
mod signing;

use std::{
    io,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};

pub use auth::SessionKey;
pub use deployment::check_authority;
pub use environment::{Given, take_secrets};
pub use file::SecretsDir;
pub use process::harden_process;
pub use signing::SigningKey;

/// 32 bytes that wrap every tenant's key.
pub type MasterKey = SecretBox<[u8; 32]>;

/// The file of the session secret.
const SESSIONS: &str = "sessions.key";

/// The session secret that was before, for as long as the database does not know the new one.
const SESSIONS_BEFORE: &str = "sessions.key.before";

/// Why a key cannot be used. The messages never show a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system refuses.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Others could read it, or it is not what it should be.
    #[error("{} {problem}; {fix}", path.display())]
    Unsafe {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        problem: String,
        /// What to do.
        fix: String,
    },
    /// The text is no such key.
    #[error(
        "{place} is not {expected}; restore it from where it was saved. A new key could not read what the old one wrote"
    )]
    Malformed {
        /// The file or variable.
        place: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The operating system gives no randomness, or the key was not passed on.
    #[error("{0}")]
    System(String),
}

/// Every key the server holds.
#[derive(Debug)]
pub struct Keys {
    /// Wraps the tenants' keys.
    pub master: MasterKey,
    /// Signs grants: what was approved may run.
    pub grants: SigningKey,
    /// Signs checkpoints of the audit log.
    pub checkpoints: SigningKey,
    /// Makes the next identifier of a session from its present one.
    pub sessions: SessionKey,
    /// Whether the session secret came from the environment, not from its file.
    pub configured: bool,
}

impl Keys {
    /// Reads the keys in `dir`, making those that are missing. `master` is the one that was given in
    /// the environment, and goes before the file.
    ///
    /// # Errors
    /// When a file is open to others, is no key, or cannot be read or made.
    pub fn open_or_create(dir: &SecretsDir, master: Option<MasterKey>) -> Result<Self, KeyError> {
        Self::open_with(dir, Given { master, ..Given::default() })
    }

    /// The same with all keys that the environment may give.
    ///
    /// # Errors
    /// As [`Keys::open_or_create`].
    pub fn open_with(dir: &SecretsDir, given: Given) -> Result<Self, KeyError> {
        let master = match given.master {
            Some(given) => given,
            None => symmetric(dir, "master.key")?,
        };
        let configured = given.sessions.is_some();
        let sessions = match given.sessions {
            Some(given) => given,
            None => symmetric(dir, SESSIONS)?,
        };
        Ok(Self {
            master,
            grants: SigningKey::open_or_create(dir, "grants.pem")?,
            checkpoints: SigningKey::open_or_create(dir, "checkpoints.pem")?,
            sessions,
            configured,
        })
    }
}

/// A key of `N` random bytes, kept as hex.
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

fn fill(bytes: &mut [u8]) -> Result<(), KeyError> {
    getrandom::fill(bytes)
        .map_err(|error| KeyError::System(format!("the operating system gives no randomness: {error}")))
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
    fn keys_are_made_once_and_nobody_else_can_read_them() {
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
    fn what_others_can_read_is_refused_with_the_fix() {
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
    fn a_link_in_the_place_of_a_key_is_not_followed() {
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
    fn keys_do_not_show_themselves() {
        let (_data, secrets) = fresh();
        let dir = SecretsDir::open_or_create(&secrets).unwrap();
        let keys = Keys::open_or_create(&dir, Some(from_hex(&"ab".repeat(32), String::new).unwrap())).unwrap();
        assert!(!secrets.join("master.key").exists(), "the given key goes before the file");
        let shown = format!("{keys:?}");
        assert!(shown.contains("REDACTED") && !shown.contains("171, 171"), "{shown}");
    }

    /// whatever a process was killed in the middle of, the next start takes its draft away and nothing else.
    #[test]
    fn a_draft_that_a_killed_process_left_is_taken_away() {
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
    fn two_starts_at_once_agree_on_one_key() {
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
