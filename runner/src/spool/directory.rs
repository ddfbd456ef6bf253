//! Spool directory: all spools of a runner and the attempts that it has started.

use super::{Signed, Spool, started::StartedAttempts};
use crate::{
    folder::{Folder, FolderError},
    work::Attempt,
};
use domain::RunnerId;
use std::{fs, io, path::PathBuf};
use tokio::time::Instant;

/// The folders `spool` and `started`.
#[derive(Debug)]
pub struct SpoolDirectory {
    spools: PathBuf,
    started: StartedAttempts,
}

/// An attempt that ended before the runner did and may not be acknowledged yet.
#[derive(Debug)]
pub struct EndedAttempt {
    pub attempt: Attempt,
    pub spool: Spool,
    pub signed: Signed,
}

impl SpoolDirectory {
    /// Opens the directory and returns the ended attempts. Attempts that had not ended died with their sandboxes and are deleted.
    /// The server accepts receipts of `runner` only: those of an earlier enrollment are moved to the folder `undelivered`.
    ///
    /// # Errors
    /// Fails if a folder cannot be read or created.
    pub fn open(folder: &Folder, runner: RunnerId) -> Result<(Self, Vec<EndedAttempt>), FolderError> {
        let (spools, records) = (folder.subfolder("spool")?, folder.subfolder("started")?);
        let failed = |path: &PathBuf| {
            let path = path.clone();
            move |source| FolderError::Io { path, source }
        };
        let started = StartedAttempts::open(records.clone(), Instant::now()).map_err(failed(&records))?;
        let mut ended = Vec::new();
        for entry in fs::read_dir(&spools).map_err(failed(&spools))? {
            let path = entry.map_err(failed(&spools))?.path();
            let attempt = path.file_name().and_then(|name| name.to_str()?.parse::<Attempt>().ok());
            let found = attempt.zip(Spool::reopen(path.clone()).unwrap_or_else(|error| {
                let path = path.display();
                tracing::error!(%path, %error, "unsent output is damaged and was deleted; its task runs again");
                None
            }));
            match found {
                Some((attempt, (_, signed))) if signed.runner().is_some_and(|of| of != runner) => {
                    let earlier = signed.runner().map(|of| of.to_string()).unwrap_or_default();
                    let kept = folder.subfolder("undelivered")?.join(format!("{earlier}-{attempt}"));
                    fs::rename(&path, &kept).map_err(failed(&path))?;
                    let kept = kept.display();
                    tracing::warn!(%kept, "output of an earlier enrollment was not delivered and is kept");
                }
                Some((attempt, (spool, signed))) => ended.push(EndedAttempt { attempt, spool, signed }),
                None => fs::remove_dir_all(&path).map_err(failed(&path))?,
            }
        }
        Ok((Self { spools, started }, ended))
    }

    /// Starts an attempt at most once: even after a crash, neither it nor an earlier attempt of the task starts here again
    /// while a grant for it could be valid. [`StartSync::sync`](super::StartSync::sync) makes that survive a power
    /// failure. Returns `None` if it was started before.
    ///
    /// # Errors
    /// Fails if the record cannot be written; then the attempt must not start.
    pub fn begin(&mut self, attempt: Attempt) -> io::Result<Option<Spool>> {
        let Some(marker) = self.started.begin(attempt, Instant::now())? else { return Ok(None) };
        Spool::create(self.spools.join(attempt.to_string()), marker).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use domain::TaskId;
    use uuid::Uuid;

    use super::*;
    use crate::spool::tests::signed;

    /// The runner of the receipts.
    const RUNNER: RunnerId = RunnerId(Uuid::from_u128(3));

    fn attempt(number: u32) -> Attempt {
        Attempt { task: TaskId(Uuid::from_u128(5)), number }
    }

    #[test]
    fn an_attempt_starts_once_even_if_the_runner_was_killed() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("runner");
        {
            let folder = Folder::open(&path).unwrap();
            let (mut directory, _) = SpoolDirectory::open(&folder, RUNNER).unwrap();
            assert!(directory.begin(attempt(2)).unwrap().is_some());
            assert!(directory.begin(attempt(2)).unwrap().is_none());
        }
        let folder = Folder::open(&path).unwrap();
        let (mut directory, ended) = SpoolDirectory::open(&folder, RUNNER).unwrap();
        assert!(ended.is_empty(), "an attempt that ran when the runner died is not held");
        assert!(directory.begin(attempt(2)).unwrap().is_none());
        assert!(directory.begin(attempt(1)).unwrap().is_none(), "an earlier attempt is a replay");
        assert!(directory.begin(attempt(3)).unwrap().is_some());
    }

    #[test]
    fn ended_attempts_are_found_after_a_restart_until_they_are_removed() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("runner");
        let signed = signed(0);
        {
            let folder = Folder::open(&path).unwrap();
            let (mut directory, _) = SpoolDirectory::open(&folder, RUNNER).unwrap();
            directory.begin(attempt(1)).unwrap().unwrap().finish(&signed).unwrap();
        }
        let folder = Folder::open(&path).unwrap();
        let (_, ended) = SpoolDirectory::open(&folder, RUNNER).unwrap();
        let [ended] = ended.as_slice() else { unreachable!("one attempt ended") };
        assert_eq!((ended.attempt, &ended.signed), (attempt(1), &signed));
        ended.spool.remove().unwrap();
        assert!(SpoolDirectory::open(&folder, RUNNER).unwrap().1.is_empty());
    }

    /// After a power failure between the receipt and its lines, only that attempt is abandoned.
    #[test]
    fn a_damaged_spool_does_not_affect_the_others() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::open(&data.path().join("runner")).unwrap();
        let (mut directory, _) = SpoolDirectory::open(&folder, RUNNER).unwrap();
        let other = Attempt { task: TaskId(Uuid::from_u128(6)), number: 1 };
        directory.begin(attempt(1)).unwrap().unwrap().finish(&signed(1)).unwrap();
        directory.begin(other).unwrap().unwrap().finish(&signed(0)).unwrap();
        let (mut directory, ended) = SpoolDirectory::open(&folder, RUNNER).unwrap();
        assert_eq!(ended.iter().map(|ended| ended.attempt).collect::<Vec<_>>(), [other]);
        assert!(!folder.path("spool").join(attempt(1).to_string()).exists());
        assert!(directory.begin(attempt(1)).unwrap().is_none(), "it was started nevertheless");
        assert!(directory.begin(attempt(2)).unwrap().is_some());
    }

    #[test]
    fn s_02_output_of_an_earlier_enrollment_is_kept_and_not_sent() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::open(&data.path().join("runner")).unwrap();
        let (mut directory, _) = SpoolDirectory::open(&folder, RUNNER).unwrap();
        directory.begin(attempt(1)).unwrap().unwrap().finish(&signed(0)).unwrap();
        let now = RunnerId(Uuid::from_u128(4));
        let (mut directory, ended) = SpoolDirectory::open(&folder, now).unwrap();
        assert!(ended.is_empty(), "the server accepts receipts of the present enrollment only");
        let kept = folder.path("undelivered").join(format!("{RUNNER}-{}", attempt(1)));
        let (_, receipt) = Spool::reopen(kept).unwrap().unwrap();
        assert_eq!(receipt, signed(0));
        assert!(directory.begin(attempt(1)).unwrap().is_none(), "and the attempt does not start again");
        assert!(SpoolDirectory::open(&folder, now).unwrap().1.is_empty());
    }
}
