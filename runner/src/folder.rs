//! Data folder of the runner: private, locked by one process, with atomic file replacement.

use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// An error of the data folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} is accessible to other users or has another owner; it must belong to this user and be accessible to no one else", .0.display())]
    Open(PathBuf),
    #[error("another runner uses {}; give this one a --data-dir of its own", .0.display())]
    InUse(PathBuf),
}

/// The data folder, locked as long as this value exists.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Opens the folder, creating it if necessary.
    ///
    /// # Errors
    /// Fails if others can access it, another runner uses it, or a system call fails.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let path = private(path)?;
        let failed = |source| FolderError::Io { path: path.clone(), source };
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(failed)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(FolderError::InUse(path)),
            Err(error) => Err(failed(error.into())),
        }
    }

    /// Returns the path of the file `name` in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns a private subfolder, created if it does not exist.
    ///
    /// # Errors
    /// Fails if a system call fails.
    pub fn subfolder(&self, name: &str) -> Result<PathBuf, FolderError> {
        let path = self.path(name);
        let created = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        created.map_err(|source| FolderError::Io { path: path.clone(), source })?;
        Ok(path)
    }

    /// Reads a file; `None` if it does not exist.
    ///
    /// # Errors
    /// Fails if a system call fails.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, FolderError> {
        match fs::read(self.path(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(FolderError::Io { path: self.path(name), source }),
        }
    }

    /// Writes or replaces a file.
    ///
    /// # Errors
    /// Fails if a system call fails; the file is then unchanged.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let path = self.path(name);
        replace(&path, bytes).map_err(|source| FolderError::Io { path, source })
    }
}

/// Returns the absolute path of a folder that only this user can access, creating it if necessary.
///
/// # Errors
/// Fails if others can access it, or a system call fails.
pub(crate) fn private(path: &Path) -> Result<PathBuf, FolderError> {
    let failed = |source| FolderError::Io { path: path.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    // Absolute, so that a change of the working directory has no effect.
    let path = path.canonicalize().map_err(failed)?;
    let found = fs::symlink_metadata(&path).map_err(failed)?;
    if found.mode() & 0o077 != 0 || found.uid() != rustix::process::geteuid().as_raw() {
        return Err(FolderError::Open(path));
    }
    Ok(path)
}

/// Writes or replaces `path` atomically: after a crash, the file has either its old or its new content.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    sync_parent(path)
}

/// Syncs a folder, so that a new file name survives a power failure.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn two_runners_cannot_share_a_folder() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("runner");
        let first = Folder::open(&path).unwrap();
        assert!(matches!(Folder::open(&path), Err(FolderError::InUse(_))));
        drop(first);
        Folder::open(&path).unwrap();
    }

    #[test]
    fn a_folder_that_others_can_enter_is_refused() {
        let data = tempfile::tempdir().unwrap();
        fs::set_permissions(data.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(Folder::open(data.path()), Err(FolderError::Open(_))));
    }

    #[test]
    fn a_12_written_files_are_private_and_read_back() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::open(&data.path().join("runner")).unwrap();
        assert_eq!(folder.read("a.json").unwrap(), None);
        folder.write("a.json", b"one").unwrap();
        folder.write("a.json", b"two").unwrap();
        assert_eq!(folder.read("a.json").unwrap().unwrap(), b"two");
        assert_eq!(fs::metadata(folder.path("a.json")).unwrap().mode() & 0o777, 0o600);
    }
}
