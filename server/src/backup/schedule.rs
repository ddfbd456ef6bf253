//! Scheduled backups: one file for each interval in a folder, of which the newest are kept. A failure is reported to the admins.
//!
//! A file name has the time and a fingerprint of the deployment, because several deployments can use one folder. Files of others, and those
//! that a wrong clock dated in the future, neither count nor are deleted.
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
        let wait = match app.backups.has_failed() {
            true => RETRY.min(interval),
            false => {
                let of_disk = app.clone();
                let last = on_disk(move || Ok(last(&of_disk))).await.ok().flatten();
                last.map_or(Duration::ZERO, |at| interval.saturating_sub(app.store.now().since(at)))
            }
        };
        if tokio::time::timeout(wait, stop.cancelled()).await.is_ok() {
            return;
        }
        let Some(made) = stop.run_until_cancelled(make(&app, &folder)).await else { return };
        app.backups.set_failed(made.is_err());
        let Err(why) = made else {
            notified = false;
            continue;
        };
        // The cause can contain paths of the machine, which admins of a tenant need not know.
        tracing::error!(%why, "the scheduled backup failed");
        // Once, and not for each further attempt.
        if !notified {
            match app.store.system().notify_failed_backup().await {
                Ok(()) => notified = true,
                Err(error) => tracing::error!(%error, "the admins could not be notified of the failed backup"),
            }
        }
    }
}

/// Makes one backup and deletes the oldest ones beyond the limit.
async fn make(app: &App, folder: &Path) -> Result<(), Failure> {
    let (names, now) = (Names::of(app), app.store.now());
    let (before, data, drafts) = (folder.to_owned(), app.config.data_dir.clone(), names.clone());
    on_disk(move || {
        // A folder that is missing can be a disk that is not mounted, so it is not created.
        if !before.is_dir() {
            return Err(Failure::new(format!("{} is not a folder", before.display())));
        }
        remove_drafts(&before, &drafts)?;
        require_space(&before, &data)
    })
    .await?;
    let file = folder.join(names.at(now));
    create(app, &file, None).await?;
    let (folder, keep) = (folder.to_owned(), app.config.backup.keep.get());
    on_disk(move || {
        delete_outdated(&folder, &names, now, keep);
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

/// Deletes the oldest backups beyond the limit. What cannot be deleted is only logged: the backup was made.
fn delete_outdated(folder: &Path, names: &Names, now: Timestamp, keep: usize) {
    let mut all = backups(folder, names, now);
    all.sort();
    let outdated = all.len().saturating_sub(keep);
    for (_, path) in all.into_iter().take(outdated) {
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "an outdated backup could not be deleted");
        }
    }
}

/// Returns when the newest scheduled backup of this deployment was made, if backups are configured.
pub(crate) fn last(app: &App) -> Option<Timestamp> {
    newest(app.config.backup.folder.as_deref()?, &Names::of(app), app.store.now())
}

fn newest(folder: &Path, names: &Names, now: Timestamp) -> Option<Timestamp> {
    backups(folder, names, now).into_iter().map(|(at, _)| at).max()
}

/// Returns the scheduled backups in the folder that were made until now. They are complete: they get their names at the end.
fn backups(folder: &Path, names: &Names, now: Timestamp) -> Vec<(Timestamp, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let all = entries.filter_map(|entry| Some((names.time(entry.file_name().to_str()?)?, entry.path())));
    all.filter(|(at, _)| *at <= now).collect()
}

/// The file names of the scheduled backups of one deployment.
#[derive(Clone, Debug)]
struct Names {
    prefix: String,
}

impl Names {
    fn of(app: &App) -> Self {
        Self::with(&app.keys.deployment_fingerprint())
    }

    fn with(deployment: &str) -> Self {
        Self { prefix: format!("castellan-{deployment}-") }
    }

    /// Returns a name that sorts by time and is valid on every file system.
    fn at(&self, at: Timestamp) -> String {
        let at = Timestamp(at.seconds().saturating_mul(1_000_000));
        format!("{}{}.tar", self.prefix, at.to_string().replace(':', "-"))
    }

    /// Returns the time in a name of this deployment.
    fn time(&self, name: &str) -> Option<Timestamp> {
        let (date, time) = name.strip_prefix(&self.prefix)?.strip_suffix(".tar")?.split_once('T')?;
        Timestamp::parse(&format!("{date}T{}", time.replace('-', ":")))
    }
}

/// Removes what a server left that was killed during a backup.
fn remove_drafts(folder: &Path, names: &Names) -> Result<(), Failure> {
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        let draft = name.to_str().and_then(|name| name.strip_suffix(".new")?.rsplit_once('.'));
        if draft.is_some_and(|(name, _)| names.time(name).is_some()) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const AT: Timestamp = Timestamp(1_772_373_909_000_000);
    const DAY: Duration = Duration::from_hours(24);

    fn listed(folder: &Path) -> BTreeSet<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn d_13_only_files_of_the_schedule_count_as_its_backups() {
        let names = Names::with("0123abcd");
        assert_eq!(names.at(AT), "castellan-0123abcd-2026-03-01T14-05-09Z.tar");
        assert_eq!(names.time(&names.at(AT)), Some(AT));
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert_eq!(newest(folder, &names, AT), None);
        for other in ["castellan-mine.tar", "castellan-0123abcd-2026-03-01T14-05-09Z.tar.gz", "notes"] {
            fs::write(folder.join(other), "").unwrap();
        }
        let draft = |names: &Names| folder.join(format!("{}.17.new", names.at(AT)));
        for names in [&names, &Names::with("another")] {
            fs::create_dir(draft(names)).unwrap();
        }
        assert_eq!(newest(folder, &names, AT), None);
        remove_drafts(folder, &names).unwrap();
        assert!(!draft(&names).exists() && draft(&Names::with("another")).exists() && listed(folder).len() == 4);
        fs::write(folder.join(names.at(AT)), "").unwrap();
        assert_eq!(newest(folder, &names, AT), Some(AT));
        assert_eq!(newest(&folder.join("missing"), &names, AT), None);
    }

    #[test]
    fn d_13_backups_of_other_deployments_and_of_the_future_neither_count_nor_are_deleted() {
        let (own, other) = (Names::with("0123abcd"), Names::with("4567"));
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let days = (0..5).map(|day| AT.after(DAY * day));
        let mut left = BTreeSet::new();
        for (day, at) in days.enumerate() {
            fs::write(folder.join(own.at(at)), "").unwrap();
            fs::write(folder.join(other.at(at)), "").unwrap();
            left.insert(other.at(at));
            // Days 3 and 4 are in the future; of the others, the newest two stay.
            left.extend((day > 0).then(|| own.at(at)));
        }
        let now = AT.after(DAY * 2);
        assert_eq!(newest(folder, &own, now), Some(now));
        assert_eq!(newest(folder, &own, AT.before(DAY)), None);
        delete_outdated(folder, &own, now, 2);
        assert_eq!(listed(folder), left);
        delete_outdated(folder, &own, now, 2);
        assert_eq!(listed(folder), left, "again");
    }

    #[test]
    fn d_13_a_disk_without_space_for_a_backup_is_refused_before_it_begins() {
        let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        require_space(folder.path(), data.path()).unwrap();
        // A sparse file: its length counts, not what it occupies.
        let database = fs::File::create(data.path().join("castellan.db")).unwrap();
        database.set_len(1 << 42).unwrap();
        let error = require_space(folder.path(), data.path()).unwrap_err().to_string();
        let needed = ((2_u64 << 42) + RESERVE) >> 20;
        assert!(error.contains(&format!("a backup needs {needed} MiB")), "{error}");
        assert!(require_space(&folder.path().join("missing"), data.path()).is_err());
    }
}
