//! Scheduled backups: one file for each interval in a folder, of which the newest are kept. A failure is reported to the admins.
use super::create;
use crate::{failure::Failure, state::App};
use domain::Timestamp;
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Time until the next attempt after a failure.
const RETRY: Duration = Duration::from_mins(10);

/// Free space that is left for the server's own data, in bytes.
const RESERVE: u64 = 64 << 20;

/// Makes backups until `stop`, if they are configured.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let Some(folder) = app.config.backup.folder.clone() else { return };
    let interval = app.config.backup.interval;
    let mut notified = false;
    loop {
        let wait = match app.backups.failure() {
            Some(_) => RETRY.min(interval),
            None => {
                let folder = folder.clone();
                let last = on_disk(move || Ok(last(&folder))).await.ok().flatten();
                last.map_or(Duration::ZERO, |at| interval.saturating_sub(app.store.now().since(at)))
            }
        };
        if tokio::time::timeout(wait, stop.cancelled()).await.is_ok() {
            return;
        }
        let Some(made) = stop.run_until_cancelled(make(&app, &folder)).await else { return };
        let failure = made.err().map(|failure| failure.to_string());
        app.backups.set_failure(failure.clone());
        let Some(why) = failure else {
            notified = false;
            continue;
        };
        tracing::error!(%why, "the scheduled backup failed");
        // Once, and not for each further attempt.
        if !notified {
            match app.store.system().notify_failed_backup(&why).await {
                Ok(()) => notified = true,
                Err(error) => tracing::error!(%error, "the admins could not be notified of the failed backup"),
            }
        }
    }
}

/// Makes one backup and deletes the oldest ones beyond the limit.
async fn make(app: &App, folder: &Path) -> Result<(), Failure> {
    let (before, data) = (folder.to_owned(), app.config.data_dir.clone());
    on_disk(move || {
        // A folder that is missing can be a disk that is not mounted, so it is not created.
        if !before.is_dir() {
            return Err(Failure::new(format!("{} is not a folder", before.display())));
        }
        remove_drafts(&before)?;
        require_space(&before, &data)
    })
    .await?;
    let file = folder.join(name(app.store.now()));
    create(app, &file, None).await?;
    let (folder, keep) = (folder.to_owned(), app.config.backup.keep.get());
    on_disk(move || {
        delete_outdated(&folder, &file, keep);
        Ok(())
    })
    .await
}

/// Runs what may wait for a disk, such as one of another machine, outside the workers of the runtime.
async fn on_disk<T: Send + 'static>(run: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(run).await?
}

/// Fails if the disk has too little space for a copy of the database and the backup that is made of it.
fn require_space(folder: &Path, data: &Path) -> Result<(), Failure> {
    let size = |name: &str| fs::metadata(data.join(name)).map_or(0, |file| file.len());
    let needed = (size("castellan.db") + size("castellan.db-wal")).saturating_mul(2).saturating_add(RESERVE);
    let disk = rustix::fs::statvfs(folder).map_err(io::Error::from)?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    match free < needed {
        true => Err(Failure::new(format!(
            "{} has {} MiB of free space, and a backup needs {} MiB",
            folder.display(),
            free >> 20,
            needed >> 20
        ))),
        false => Ok(()),
    }
}

/// Deletes the oldest backups beyond the limit, never the one just made. What cannot be deleted is only logged: the backup was made.
fn delete_outdated(folder: &Path, made: &Path, keep: usize) {
    let mut all = backups(folder);
    all.sort();
    let outdated = all.len().saturating_sub(keep);
    for (_, path) in all.into_iter().take(outdated).filter(|(_, path)| path != made) {
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "an outdated backup could not be deleted");
        }
    }
}

/// Returns when the newest backup in the folder was made.
pub(crate) fn last(folder: &Path) -> Option<Timestamp> {
    backups(folder).into_iter().map(|(at, _)| at).max()
}

/// Returns the scheduled backups in the folder, which are complete: they get their names at the end.
fn backups(folder: &Path) -> Vec<(Timestamp, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((time(entry.file_name().to_str()?)?, entry.path()))).collect()
}

/// Returns a name that sorts by time and is valid on every file system.
fn name(at: Timestamp) -> String {
    let at = Timestamp(at.seconds().saturating_mul(1_000_000));
    format!("castellan-{}.tar", at.to_string().replace(':', "-"))
}

/// Returns the time in a name.
fn time(name: &str) -> Option<Timestamp> {
    let (date, time) = name.strip_prefix("castellan-")?.strip_suffix(".tar")?.split_once('T')?;
    Timestamp::parse(&format!("{date}T{}", time.replace('-', ":")))
}

/// Removes what a server left that was killed during a backup.
fn remove_drafts(folder: &Path) -> Result<(), Failure> {
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        let draft = name.to_str().and_then(|name| name.strip_suffix(".new")?.rsplit_once('.'));
        if draft.is_some_and(|(name, _)| time(name).is_some()) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_13_only_files_of_the_schedule_count_as_its_backups() {
        let at = Timestamp(1_772_373_909_000_000);
        assert_eq!(name(at), "castellan-2026-03-01T14-05-09Z.tar");
        assert_eq!(time(&name(at)), Some(at));
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(last(folder.path()), None);
        for other in ["castellan-mine.tar", "castellan-2026-03-01T14-05-09Z.tar.gz", "notes"] {
            fs::write(folder.path().join(other), "").unwrap();
        }
        fs::create_dir(folder.path().join("castellan-2026-03-01T14-05-09Z.tar.17.new")).unwrap();
        assert_eq!(last(folder.path()), None);
        remove_drafts(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
        fs::write(folder.path().join(name(at)), "").unwrap();
        assert_eq!(last(folder.path()), Some(at));
        assert_eq!(last(&folder.path().join("missing")), None);
    }
}
