//! Secrets directory: files are written atomically and read only if they are private.

use super::{KeyError, fill, io_error};
use rustix::fs::{FlockOperation, OFlags, flock};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Maximum length of a file in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// Directory of generated keys with mode 0700; its files have mode 0600.
#[derive(Debug, Clone)]
pub struct SecretsDir {
    path: PathBuf,
    /// Whether missing files are created.
    creates: bool,
}

impl SecretsDir {
    /// Opens or creates the directory, with a `.gitignore`.
    ///
    /// # Errors
    /// Fails if other users can access or own it, or it cannot be created.
    pub fn open_or_create(path: &Path) -> Result<Self, KeyError> {
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error(path))?;
        let dir = Self { path: path.to_owned(), creates: true };
        dir.check()?;
        dir.read_or_create(".gitignore", || Ok("*\n".into()))?;
        Ok(dir)
    }

    /// Opens the directory of a deployment whose keys exist. A missing file is an error, because no new key could replace it.
    ///
    /// # Errors
    /// Fails if other users can access or own it.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let dir = Self { path: path.to_owned(), creates: false };
        if path.exists() {
            dir.check()?;
        }
        Ok(dir)
    }

    fn check(&self) -> Result<(), KeyError> {
        let path = &self.path;
        let found = fs::symlink_metadata(path).map_err(io_error(path))?;
        if !found.is_dir() {
            return Err(unsafe_file(
                path,
                "is not a directory",
                format!("move it away: mv {0} {0}.old", path.display()),
            ));
        }
        check_private(path, &found, "700")?;
        self.remove_leftover_drafts()
    }

    /// Returns the path of the file `name`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns the names of the key files, in order.
    ///
    /// # Errors
    /// Fails if the directory cannot be read.
    pub fn names(&self) -> Result<Vec<String>, KeyError> {
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            entries => entries.and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(io_error(&self.path))?,
        };
        let names = entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        Ok(names)
    }

    /// Reads the file `name`, or creates it with the content from `make` if this directory may create files.
    ///
    /// # Errors
    /// Fails with [`KeyError::Missing`] if it may not, and if the file is not a private regular file, or cannot be read or created.
    pub fn read_or_create(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<SecretString, KeyError>,
    ) -> Result<SecretString, KeyError> {
        let path = self.path(name);
        if let Some(text) = read(&path)? {
            return Ok(text);
        }
        if !self.creates {
            return Err(KeyError::Missing { path });
        }
        self.create(name, &make()?)?;
        // With concurrent starts, the first file wins.
        read(&path)?.ok_or_else(|| io_error(&path)(io::ErrorKind::NotFound.into()))
    }

    /// Atomically replaces or creates the file `name`.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    pub fn replace(&self, name: &str, text: &SecretString) -> Result<(), KeyError> {
        let _lock = self.lock()?;
        self.write(name, text, |draft, path| fs::rename(draft, path))
    }

    /// Atomically replaces the file `name` by what `edit` makes of its content, under the lock of the directory; `None` leaves it.
    /// Returns whether it was replaced.
    ///
    /// # Errors
    /// Fails if the file does not exist, is not a private regular file, or cannot be written, and if `edit` fails.
    pub fn edit(
        &self,
        name: &str,
        edit: impl FnOnce(&str) -> Result<Option<SecretString>, KeyError>,
    ) -> Result<bool, KeyError> {
        let _lock = self.lock()?;
        let path = self.path(name);
        let text = read(&path)?.ok_or_else(|| io_error(&path)(io::ErrorKind::NotFound.into()))?;
        let Some(edited) = edit(text.expose_secret())? else { return Ok(false) };
        self.write(name, &edited, |draft, path| fs::rename(draft, path))?;
        Ok(true)
    }

    /// Removes the file `name`, if it exists.
    ///
    /// # Errors
    /// Fails if it cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), KeyError> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(&self.path(name))(error)),
            _ => Ok(()),
        }
    }

    /// Reads the file `name`; returns `None` if it does not exist.
    ///
    /// # Errors
    /// Fails if the file is not a private regular file or cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<SecretString>, KeyError> {
        read(&self.path(name))
    }

    /// Locks the directory while a draft is written, so that drafts found under the lock are leftovers.
    fn lock(&self) -> Result<File, KeyError> {
        let dir = File::open(&self.path).map_err(io_error(&self.path))?;
        flock(&dir, FlockOperation::LockExclusive).map_err(|error| io_error(&self.path)(error.into()))?;
        Ok(dir)
    }

    /// Removes drafts of killed processes.
    fn remove_leftover_drafts(&self) -> Result<(), KeyError> {
        let _lock = self.lock()?;
        for entry in fs::read_dir(&self.path).map_err(io_error(&self.path))? {
            let entry = entry.map_err(io_error(&self.path))?;
            let name = entry.file_name();
            let draft = name.to_str().and_then(|name| name.strip_prefix('.')?.rsplit_once('.'));
            let random = |tail: &str| tail.len() == 16 && tail.bytes().all(|b| b.is_ascii_hexdigit());
            if draft.is_some_and(|(_, tail)| random(tail)) {
                fs::remove_file(entry.path()).map_err(io_error(&self.path))?;
            }
        }
        Ok(())
    }

    /// Writes a draft and links it to its final name, so that a crash cannot leave an incomplete key.
    fn create(&self, name: &str, text: &SecretString) -> Result<(), KeyError> {
        let _lock = self.lock()?;
        self.write(name, text, |draft, path| match fs::hard_link(draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::remove_file(draft),
            linked => linked.and_then(|()| fs::remove_file(draft)),
        })
    }

    fn write(
        &self,
        name: &str,
        text: &SecretString,
        publish: impl FnOnce(&Path, &Path) -> io::Result<()>,
    ) -> Result<(), KeyError> {
        let mut random = [0_u8; 8];
        fill(&mut random)?;
        let draft = self.path(&format!(".{name}.{}", hex::encode(random)));
        let path = self.path(name);
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
            file.write_all(text.expose_secret().as_bytes())?;
            file.sync_all()?;
            publish(&draft, &path)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&draft); // report the first error
        }
        written.map_err(io_error(&path))?;
        File::open(&self.path).and_then(|dir| dir.sync_all()).map_err(io_error(&self.path))
    }
}

/// Reads a private regular file; returns `None` if it does not exist.
fn read(path: &Path) -> Result<Option<SecretString>, KeyError> {
    let flags = i32::try_from(OFlags::NOFOLLOW.bits() | OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(path)(error)),
    };
    let found = file.metadata().map_err(io_error(path))?;
    if !found.is_file() {
        return Err(unsafe_file(
            path,
            "is not a regular file",
            format!("move it away: mv {0} {0}.old", path.display()),
        ));
    }
    check_private(path, &found, "600")?;
    // One allocation, so that no copy stays in memory.
    let mut text = Zeroizing::new(String::with_capacity(MAX_BYTES));
    let length = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    file.take(length).read_to_string(&mut text).map_err(io_error(path))?;
    Ok(Some(text.as_str().into()))
}

/// Fails if other users can access or own the file.
fn check_private(path: &Path, found: &Metadata, mode: &str) -> Result<(), KeyError> {
    let me = rustix::process::geteuid().as_raw();
    if found.uid() != me {
        let problem = format!("is owned by user {}, but this process runs as user {me}", found.uid());
        return Err(unsafe_file(path, &problem, format!("chown {me} {}", path.display())));
    }
    if found.mode() & 0o077 != 0 {
        let problem = format!("is accessible to other users (mode {:04o})", found.mode() & 0o7777);
        return Err(unsafe_file(path, &problem, format!("chmod {mode} {}", path.display())));
    }
    Ok(())
}

fn unsafe_file(path: &Path, problem: &str, fix: String) -> KeyError {
    KeyError::Unsafe { path: path.to_owned(), problem: problem.to_owned(), fix }
}
