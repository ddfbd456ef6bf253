//! Scheduled backups: one file for each interval in a folder, of which the newest are kept. A failure is reported to the admins.
use super::create;
use crate::{failure::Failure, state::App};
use domain::Timestamp;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Time until the next attempt after a failure.
const RETRY: Duration = Duration::from_mins(10);

/// Makes backups until `stop`, if they are configured.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let Some(folder) = app.config.backup.folder.clone() else { return };
    let interval = app.config.backup.interval;
    loop {
        let wait = match app.backups.failure() {
            Some(_) => RETRY.min(interval),
            None => last(&folder).map_or(Duration::ZERO, |at| interval.saturating_sub(app.store.now().since(at))),
        };
        if tokio::time::timeout(wait, stop.cancelled()).await.is_ok() {
            return;
        }
        let Some(made) = stop.run_until_cancelled(make(&app, &folder)).await else { return };
        let failure = made.err().map(|failure| failure.to_string());
        if let Some(why) = &failure {
            tracing::error!(%why, "the scheduled backup failed");
        }
        let before = app.backups.set_failure(failure.clone());
        // Once, and not for each further attempt.
        if let (Some(why), None) = (failure, before)
            && let Err(error) = app.store.system().notify_failed_backup(&why).await
        {
            tracing::error!(%error, "the admins could not be notified of the failed backup");
        }
    }
}

/// Makes one backup and deletes the oldest ones beyond the limit.
async fn make(app: &App, folder: &Path) -> Result<(), Failure> {
    // A folder that is missing can be a disk that is not mounted, so it is not created.
    if !folder.is_dir() {
        return Err(Failure::new(format!("{} is not a folder", folder.display())));
    }
    remove_drafts(folder)?;
    create(app, &folder.join(name(app.store.now())), None).await?;
    let mut all = backups(folder);
    all.sort();
    let outdated = all.len().saturating_sub(app.config.backup.keep.get());
    for (_, path) in all.into_iter().take(outdated) {
        fs::remove_file(&path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    }
    Ok(())
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
