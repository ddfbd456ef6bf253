//! Creation of a backup while the server runs: a copy of the database, the checkpoints that cover it, and on request the keys.
use super::{
    POSTGRES, Passphrase, archive,
    manifest::{AUTHORITY, CHECKPOINTS, DATABASE, FORMAT, KEYS, Manifest, Part},
    sealed_keys,
};
use crate::{
    atomic_file::sync_parent,
    checkpoints::{self, Depth, Review, Signer, Witness},
    failure::Failure,
    keys::SecretsDir,
    state::App,
};
use domain::Timestamp;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, BufWriter, ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// A backup that was made.
#[derive(Debug)]
pub(crate) struct Created {
    pub created_at: Timestamp,
    /// In bytes.
    pub size: u64,
}

/// Makes a backup in the new file `file`, which others cannot read. With a passphrase, it contains the keys.
///
/// # Errors
/// Fails if the file exists, the audit log is not the one that was signed, or a disk is full. Then nothing is left behind.
pub(crate) async fn create(app: &App, file: &Path, passphrase: Option<Passphrase>) -> Result<Created, Failure> {
    if !app.store.is_embedded() {
        return Err(Failure::new(POSTGRES));
    }
    let exists = || Failure::new(format!("{} exists; name a new file", file.display()));
    if file.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let failed = |error: io::Error| Failure::new(format!("{}: {error}", file.display()));
    let draft = Draft::beside(file).map_err(failed)?;
    // A checkpoint of the present head covers everything that is acknowledged by now.
    let review = Review::of(app, Witness::default(), Depth::Heads).await?.require_clean()?;
    Signer::after(app.clone(), review).sign().await?;
    let created_at = app.store.now();
    let database = draft.0.join(DATABASE);
    new_file(&database).map_err(failed)?;
    let notes = app.store.copy_to(&database).await.map_err(|error| match error {
        store::Error::Full => Failure::new(format!("{}: the disk is full", file.display())),
        other => other.into(),
    })?;
    let (app, file, path) = (app.clone(), file.to_owned(), draft.0.join("archive"));
    tokio::task::spawn_blocking(move || {
        let failed = |error: io::Error| Failure::new(format!("{}: {error}", file.display()));
        let checkpoints =
            checkpoints::notes_until(&checkpoints::path(&app.config.data_dir), &notes, &app.keys.checkpoints)?;
        checkpoints::require_complete(&checkpoints, &app.keys.checkpoints)?;
        let mut parts = vec![Content::of_file(DATABASE, &database)?, Content::of_bytes(CHECKPOINTS, checkpoints)];
        match fs::read(app.config.data_dir.join(AUTHORITY)) {
            Ok(certificate) => parts.push(Content::of_bytes(AUTHORITY, certificate)),
            Err(error) if error.kind() == ErrorKind::NotFound => {} // no server has started yet
            Err(error) => return Err(error.into()),
        }
        if let Some(passphrase) = passphrase {
            let keys = sealed_keys::seal(&SecretsDir::open(&app.config.secrets_dir())?, &passphrase)?;
            parts.push(Content::of_bytes(KEYS, keys));
        }
        let (parts, contents) = parts.into_iter().map(|content| (content.part, content.bytes)).unzip();
        let manifest = Manifest {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            created_at,
            keys: app.keys.fingerprints(),
            parts,
        };
        let mut out = BufWriter::new(new_file(&path).map_err(failed)?);
        let sign = |message: &[u8]| app.keys.checkpoints.sign(message);
        archive::write(&mut out, &manifest, sign, contents).and_then(|()| out.flush()).map_err(failed)?;
        let out = out.into_inner().map_err(|error| failed(error.into_error()))?;
        out.sync_all().map_err(failed)?;
        let size = out.metadata().map_err(failed)?.len();
        publish(&path, &file).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::new(format!("{} exists; name a new file", file.display())),
            _ => failed(error),
        })?;
        drop(draft);
        sync_parent(&file).map_err(failed)?;
        Ok(Created { created_at, size })
    })
    .await?
}

/// A private folder beside the backup for the files that are not complete yet; removed when it is dropped.
struct Draft(PathBuf);

impl Draft {
    fn beside(file: &Path) -> io::Result<Self> {
        let mut name = file.file_name().ok_or(ErrorKind::InvalidFilename)?.to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let path = file.with_file_name(name);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "a temporary folder of a backup cannot be removed");
        }
    }
}

/// A part and where its bytes are.
struct Content {
    part: Part,
    bytes: Box<dyn Read>,
}

impl Content {
    fn of_bytes(name: &str, bytes: Vec<u8>) -> Self {
        let (size, sha256) = (u64::try_from(bytes.len()).unwrap_or(u64::MAX), hex::encode(Sha256::digest(&bytes)));
        Self { part: Part { name: name.to_owned(), size, sha256 }, bytes: Box::new(io::Cursor::new(bytes)) }
    }

    fn of_file(name: &str, path: &Path) -> io::Result<Self> {
        let mut hash = Sha256::new();
        let size = io::copy(&mut File::open(path)?, &mut HashWriter(&mut hash))?;
        let part = Part { name: name.to_owned(), size, sha256: hex::encode(hash.finalize()) };
        Ok(Self { part, bytes: Box::new(File::open(path)?) })
    }
}

struct HashWriter<'a>(&'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Gives the complete file its name, and never replaces another one.
fn publish(draft: &Path, file: &Path) -> io::Result<()> {
    match renameat_with(CWD, draft, CWD, file, RenameFlags::NOREPLACE) {
        // A file system without this flag, such as NFS.
        Err(rustix::io::Errno::INVAL) if file.symlink_metadata().is_err() => fs::rename(draft, file),
        renamed => Ok(renamed?),
    }
}
