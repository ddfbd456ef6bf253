//! Restore of a backup: it is unpacked and verified completely beside the data, recorded in the restored audit logs, and switched to.
use super::{
    POSTGRES, Passphrase,
    archive::Archive,
    create::new_file,
    manifest::{AUTHORITY, CHECKPOINTS, DATABASE, KEYS, Manifest},
    sealed_keys,
    switch::{Switch, staging},
};
use crate::{
    atomic_file::sync_parent,
    checkpoints::{self, Cause, Depth, Finding, Review, Signer, Witness, acknowledge},
    config::Config,
    failure::Failure,
    keys::{EnvironmentSecrets, Keys, SecretsDir, check_authority, has_authority},
    pki::Authority,
    state::App,
};
use domain::{Timestamp, consent::Signer as _};
use std::{
    fs::{self, DirBuilder, File},
    io::{BufReader, ErrorKind},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use store::{DatabaseLock, Store, is_initialized, sqlite_file, verify_copy};
use time::OffsetDateTime;

/// Names in a data folder whose database and keys are missing.
const KNOWN: [&str; 5] = ["restore", "secrets", "checkpoints", "castellan.db", "lost+found"];

/// What is restored, and why.
#[derive(Debug)]
pub(crate) struct Source {
    pub file: PathBuf,
    pub reason: String,
    /// Copies of checkpoints that show how far the log had grown.
    pub against: Option<PathBuf>,
}

/// A finished restore.
#[derive(Debug)]
pub(crate) struct Restored {
    /// When the backup was made.
    pub created_at: Timestamp,
    /// The differences to the log as it was known before.
    pub findings: Vec<Finding>,
    /// The former database.
    pub kept: Option<PathBuf>,
    pub remarks: Vec<String>,
}

/// Restores a backup while no server runs. `passphrase` is called if keys are needed that only the backup has.
///
/// # Errors
/// Fails if the backup is incomplete, changed, or of another deployment, and if a server runs. Then the data are as they were, or the next
/// call continues.
pub(crate) async fn restore(
    config: &Config,
    given: EnvironmentSecrets,
    source: &Source,
    passphrase: impl FnOnce() -> Result<Passphrase, Failure>,
) -> Result<Restored, Failure> {
    let url = config.database().expose().to_owned();
    let database = sqlite_file(&url).ok_or_else(|| Failure::new(POSTGRES))?;
    let of_file = |failure: Failure| Failure::new(format!("{}: {failure}", source.file.display()));
    let file = File::open(&source.file).map_err(|error| of_file(error.into()))?;
    let mut archive = Archive::open(BufReader::new(file)).map_err(of_file)?;
    let data = std::path::absolute(&config.data_dir)?;
    assert_known(&data, &database)?;
    DirBuilder::new().recursive(true).mode(0o700).create(&data)?;
    let _lock = DatabaseLock::take(&url)?;
    if let Some(interrupted) = Switch::interrupted(&data)? {
        interrupted.finish(&data)?;
        if interrupted.backup == archive.id {
            return Ok(Restored {
                created_at: archive.manifest.created_at,
                findings: vec![],
                kept: interrupted.former(&database),
                remarks: vec!["This continued the restore that was interrupted.".to_owned()],
            });
        }
    }
    let staging = Staging::create(&data)?;
    archive.extract(|part| new_file(&staging.0.join(&part.name))).map_err(of_file)?;
    for part in &archive.manifest.parts {
        File::open(staging.0.join(&part.name))?.sync_all()?;
    }
    let secrets = secrets(config, &archive.manifest, &staging.0, passphrase)?;
    let keys = Arc::new(Keys::open_with(&secrets, given)?);
    if let Some(name) = keys.first_other(&archive.manifest.keys) {
        return Err(Failure::new(format!(
            "{} is not the key with which the backup was made. Restore it in the data folder of that deployment; or in an empty one, into \
             which you copied its data/secrets (cp -a), or with a backup that contains the keys. Nothing was changed",
            secrets.path(name).display()
        )));
    }
    let is_own = |message: &[u8], signature: &[u8]| {
        keys.checkpoints.verifies(message, signature) || keys.checkpoints.verifies_retired(message, signature)
    };
    if !archive.is_signed_by(is_own) {
        return Err(of_file(Failure::new("it was changed or is damaged: its signature is not valid")));
    }
    let app = open_staged(config, &staging.0, &secrets, &keys, &archive.manifest).await?;
    let mut remarks = verify(&app).await.map_err(of_file)?;
    let mut witness = Witness::default();
    if let Some(place) = &source.against {
        witness.add_copies(place, &keys.checkpoints)?;
    }
    let former = match is_initialized(&url).await {
        Ok(true) => sign_former(config, &url, &secrets, &keys).await,
        Ok(false) => Ok(()),
        Err(error) => Err(error.into()),
    };
    if let Err(failure) = former {
        remarks.push(format!("The former database could not be compared: {failure}"));
    }
    remarks.extend(witness.add_former(&checkpoints::path(&data), &keys.checkpoints));
    let findings = acknowledge(&app, Cause::Replaced, &source.reason, witness).await?;
    if keys.fingerprints().get("grants.pem") != archive.manifest.keys.get("grants.pem") {
        remarks.push(
            "The grant key was rotated after the backup. Rotate it again before you start the server, so that open tasks can run: \
             castellan admin rotate-grant-key"
                .to_owned(),
        );
    }
    // A legal hold or a longer retention time that was set after the backup is missing in it.
    app.store.system().postpone_retention().await?;
    let now = app.store.now();
    app.store.close().await;
    require_folded(&staging.0.join(DATABASE))?;
    let switch = plan(archive.id, config, &database, &staging.0, now)?;
    staging.commit(&switch)?;
    switch.finish(&data)?;
    Ok(Restored { created_at: archive.manifest.created_at, findings, kept: switch.former(&database), remarks })
}

/// Fails if the folder contains data that are not those of Castellan, as after a typing error.
fn assert_known(data: &Path, database: &Path) -> Result<(), Failure> {
    if database.exists() || data.join("secrets").exists() {
        return Ok(());
    }
    let entries = match fs::read_dir(data) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?.collect::<Result<Vec<_>, _>>()?,
    };
    let is_known = |name: &str| KNOWN.iter().any(|known| name == *known || name.starts_with(&format!("{known}.")));
    match entries.iter().find(|entry| !entry.file_name().to_str().is_some_and(is_known)) {
        None => Ok(()),
        Some(entry) => Err(Failure::new(format!(
            "{} is not a data folder of Castellan: it contains {}. Name an empty folder or an existing data folder: set CASTELLAN_DATA_DIR",
            data.display(),
            entry.file_name().display()
        ))),
    }
}

/// Fails if closing the database did not fold its write-ahead log into it, as on a full disk: only the database is switched to.
fn require_folded(database: &Path) -> Result<(), Failure> {
    let log = suffixed(database, "-wal");
    match fs::metadata(log).is_ok_and(|log| log.len() > 0) {
        true => {
            Err(Failure::new("the restored database could not be written completely; free disk space and run it again"))
        }
        false => Ok(()),
    }
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The folder where a backup is unpacked; removed unless the switch to it began.
struct Staging(PathBuf, bool);

impl Staging {
    /// Creates the folder, without what an earlier attempt left.
    fn create(data: &Path) -> Result<Self, Failure> {
        let path = staging(data);
        let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        DirBuilder::new().mode(0o700).create(&path).and_then(|()| sync_parent(&path)).map_err(failed)?;
        Ok(Self(path, false))
    }

    fn commit(mut self, switch: &Switch) -> Result<(), Failure> {
        switch.begin(&self.0)?;
        self.1 = true;
        Ok(())
    }
}

/// How often, and at which interval, a folder is removed in which a database is being closed.
const REMOVAL_ATTEMPTS: u32 = 20;
const REMOVAL_INTERVAL: Duration = Duration::from_millis(10);

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.1 {
            // First the keys. Files of the database, which is being closed, can appear meanwhile.
            drop(fs::remove_dir_all(self.0.join("secrets")));
            for _ in 0..REMOVAL_ATTEMPTS {
                if fs::remove_dir_all(&self.0).is_ok() {
                    break;
                }
                std::thread::sleep(REMOVAL_INTERVAL);
            }
        }
    }
}

/// Returns the directory of the keys: that of the data folder, or, if it has none, those of the backup.
fn secrets(
    config: &Config,
    manifest: &Manifest,
    staging: &Path,
    passphrase: impl FnOnce() -> Result<Passphrase, Failure>,
) -> Result<SecretsDir, Failure> {
    let own = SecretsDir::open(&config.secrets_dir())?;
    if !own.names()?.is_empty() {
        return Ok(own);
    }
    if !manifest.has(KEYS) {
        return Err(Failure::new(format!(
            "the backup contains no keys, and {} has none. Copy the data/secrets of the deployment there first (cp -a)",
            config.secrets_dir().display()
        )));
    }
    let path = staging.join("secrets");
    sealed_keys::unseal(&fs::read(staging.join(KEYS))?, &passphrase()?, &SecretsDir::open_or_create(&path)?)?;
    Ok(SecretsDir::open(&path)?)
}

/// Opens the unpacked deployment, whose database must belong to the keys.
async fn open_staged(
    config: &Config,
    staging: &Path,
    secrets: &SecretsDir,
    keys: &Arc<Keys>,
    manifest: &Manifest,
) -> Result<App, Failure> {
    let database = staging.join(DATABASE);
    verify_copy(&database).await?;
    let mut config = config.clone();
    (config.data_dir, config.database_url) = (staging.to_owned(), None);
    let url = config.database().expose().to_owned();
    // The secret may have been replaced since; it only derives new identifiers of sessions.
    let is_same = |name| keys.fingerprints().get(name) == manifest.keys.get(name);
    if !is_same("sessions.key") {
        let store = Store::open(App::settings(keys, url.clone())).await?;
        keys.accept_session_secret(&store).await?;
        store.close().await;
    }
    let app = App::open_with_keys(config, url, secrets, keys.clone()).await?;
    if has_authority(&app.store).await? {
        let now = OffsetDateTime::from_unix_timestamp(app.store.now().seconds())?;
        let authority = Authority::open_or_create(secrets, staging, now)?;
        check_authority(&app.store, &authority.public_key()).await?;
    }
    Ok(app)
}

/// Verifies the audit logs of the backup against its checkpoints. Returns what does not prevent its use.
async fn verify(app: &App) -> Result<Vec<String>, Failure> {
    let review = Review::of(app, Witness::default(), Depth::Everything).await?;
    let (starts, altered): (Vec<_>, Vec<_>) = review.findings.iter().partition(|finding| finding.start().is_some());
    match altered.first() {
        Some(finding) => Err(Failure::new(format!("its audit log is not the one that was signed: {finding}"))),
        None => Ok(starts.into_iter().map(|finding| format!("{}{finding}", finding.prefix())).collect()),
    }
}

/// Signs the present heads of the logs that are replaced, so that the restore records how far they had grown.
async fn sign_former(config: &Config, url: &str, secrets: &SecretsDir, keys: &Arc<Keys>) -> Result<(), Failure> {
    let app = App::open_with_keys(config.clone(), url.to_owned(), secrets, keys.clone()).await?;
    let signed = match Review::of(&app, Witness::default(), Depth::Heads).await.and_then(Review::require_clean) {
        Ok(review) => Signer::after(app.clone(), review).sign().await,
        Err(failure) => Err(failure),
    };
    app.store.close().await;
    signed
}

/// Returns the moves that put the restored files in place. What was there is kept.
fn plan(backup: String, config: &Config, database: &Path, staging: &Path, now: Timestamp) -> Result<Switch, Failure> {
    let data = staging.parent().unwrap_or(staging);
    let database = database.canonicalize().or_else(|_| std::path::absolute(database))?;
    let device = |path: Option<&Path>| fs::metadata(path.unwrap_or(data)).map(|found| found.dev());
    if device(database.parent())? != device(Some(data))? {
        return Err(Failure::new(format!(
            "{} is on another file system than {}, so it cannot be exchanged at once. Set CASTELLAN_DATA_DIR or CASTELLAN_DATABASE_URL so \
             that both are on one. Nothing was changed",
            database.display(),
            data.display()
        )));
    }
    let checkpoints = checkpoints::path(data);
    let numbers = std::iter::successors(Some(now.seconds()), |number| number.checked_add(1));
    let mut names = numbers.map(|number| format!(".before-restore-{number}"));
    let is_free = |name: &String| ![&database, &checkpoints].iter().any(|file| suffixed(file, name).exists());
    let suffix = names.find(is_free).unwrap_or_default();
    let side_files =
        ["", "-wal", "-shm"].map(|side| (suffixed(&database, side), suffixed(&suffixed(&database, &suffix), side)));
    let kept = side_files.into_iter().chain([(checkpoints.clone(), suffixed(&checkpoints, &suffix))]);
    let place = |name: &str, to: PathBuf| (staging.join(name), to);
    let mut placed = vec![place(DATABASE, database.clone()), place(CHECKPOINTS, checkpoints)];
    if !data.join(AUTHORITY).exists() {
        placed.push(place(AUTHORITY, data.join(AUTHORITY)));
    }
    if staging.join("secrets").exists() {
        // Of a directory without keys; another file in it would stop the switch.
        drop(fs::remove_file(config.secrets_dir().join(".gitignore")));
        placed.push(place("secrets", std::path::absolute(config.secrets_dir())?));
    }
    Ok(Switch { backup, keep: kept.filter(|(from, _)| from.symlink_metadata().is_ok()).collect(), place: placed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_13_a_database_with_a_write_ahead_log_is_not_switched_to() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join(DATABASE);
        fs::write(&database, "pages").unwrap();
        require_folded(&database).unwrap();
        let log = suffixed(&database, "-wal");
        fs::write(&log, "").unwrap();
        require_folded(&database).unwrap();
        fs::write(&log, "pages").unwrap();
        assert!(require_folded(&database).unwrap_err().to_string().contains("could not be written completely"));
    }
}
