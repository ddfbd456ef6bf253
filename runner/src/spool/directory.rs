//! Spool directory: all spools of a runner and the attempts that it has started.

use super::{Signed, Spool, started::StartedAttempts};
use crate::{
    folder::{Folder, FolderError},
    work::Attempt,
};
use std::{fs, io, path::PathBuf};
use tokio::time::Instant;

/// The folders `spool` and `begun`.
#[derive(Debug)]
pub struct SpoolDirectory {
    spools: PathBuf,
    begun: StartedAttempts,
}

/// An attempt that ended before the runner did and may not be acknowledged yet.
#[derive(Debug)]
pub struct Ended {
    pub attempt: Attempt,
    pub spool: Spool,
    pub signed: Signed,
}

impl SpoolDirectory {
    /// Opens the shelf. What ended is given back; what had not ended went with the runner's sandboxes, and is removed.
    ///
    /// # Errors
    /// When a folder cannot be read or made.
    pub fn open(folder: &Folder) -> Result<(Self, Vec<Ended>), FolderError> {
        let (spools, begun) = (folder.subfolder("spool")?, folder.subfolder("begun")?);
        let failed = |path: &PathBuf| {
            let path = path.clone();
            move |source| FolderError::Io { path, source }
        };
        let begun = StartedAttempts::open(begun.clone(), Instant::now()).map_err(failed(&begun))?;
        let mut ended = Vec::new();
        for entry in fs::read_dir(&spools).map_err(failed(&spools))? {
            let path = entry.map_err(failed(&spools))?.path();
            let attempt = path.file_name().and_then(|name| name.to_str()?.parse::<Attempt>().ok());
            let found = attempt.zip(Spool::reopen(path.clone()).unwrap_or_else(|error| {
                let path = path.display();
                tracing::error!(%path, %error, "unsent output is damaged and given up; its task runs again");
                None
            }));
            match found {
                Some((attempt, (spool, signed))) => ended.push(Ended { attempt, spool, signed }),
                None => fs::remove_dir_all(&path).map_err(failed(&path))?,
            }
        }
        Ok((Self { spools, begun }, ended))
    }

    /// Begins an attempt, once: whatever is killed at whatever moment, the same attempt or an earlier one of the task
    /// is never begun here again while a grant for it might count. [`StartSync::sync`](super::StartSync::sync) makes
    /// that last through a power cut. `None` when it was begun already.
    ///
    /// # Errors
    /// When it cannot be written down; then it must not be begun.
    pub fn begin(&mut self, attempt: Attempt) -> io::Result<Option<Spool>> {
        let Some(marker) = self.begun.begin(attempt, Instant::now())? else { return Ok(None) };
        Spool::create(self.spools.join(attempt.to_string()), marker).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use domain::TaskId;
    use uuid::Uuid;

    use super::*;
    use crate::spool::tests::signed;

    fn attempt(number: u32) -> Attempt {
        Attempt { task: TaskId(Uuid::from_u128(5)), number }
    }

    #[test]
    fn an_attempt_starts_once_even_if_the_runner_was_killed() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("runner");
        {
            let folder = Folder::open(&path).unwrap();
            let (mut shelf, _) = SpoolDirectory::open(&folder).unwrap();
            assert!(shelf.begin(attempt(2)).unwrap().is_some());
            assert!(shelf.begin(attempt(2)).unwrap().is_none());
        }
        let folder = Folder::open(&path).unwrap();
        let (mut shelf, ended) = SpoolDirectory::open(&folder).unwrap();
        assert!(ended.is_empty(), "what ran when the runner died is not held");
        assert!(shelf.begin(attempt(2)).unwrap().is_none());
        assert!(shelf.begin(attempt(1)).unwrap().is_none(), "an earlier attempt is a replay");
        assert!(shelf.begin(attempt(3)).unwrap().is_some());
    }

    #[test]
    fn ended_attempts_are_found_after_a_restart_until_they_are_removed() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("runner");
        let signed = signed(0);
        {
            let folder = Folder::open(&path).unwrap();
            let (mut shelf, _) = SpoolDirectory::open(&folder).unwrap();
            shelf.begin(attempt(1)).unwrap().unwrap().finish(&signed).unwrap();
        }
        let folder = Folder::open(&path).unwrap();
        let (_, ended) = SpoolDirectory::open(&folder).unwrap();
        let [ended] = ended.as_slice() else { unreachable!("one attempt ended") };
        assert_eq!((ended.attempt, &ended.signed), (attempt(1), &signed));
        ended.spool.remove().unwrap();
        assert!(SpoolDirectory::open(&folder).unwrap().1.is_empty());
    }

    /// As after a power cut between the receipt and its lines: the attempt is given up, and what else ended is not.
    #[test]
    fn a_damaged_spool_does_not_affect_the_others() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::open(&data.path().join("runner")).unwrap();
        let (mut shelf, _) = SpoolDirectory::open(&folder).unwrap();
        let other = Attempt { task: TaskId(Uuid::from_u128(6)), number: 1 };
        shelf.begin(attempt(1)).unwrap().unwrap().finish(&signed(1)).unwrap();
        shelf.begin(other).unwrap().unwrap().finish(&signed(0)).unwrap();
        let (mut shelf, ended) = SpoolDirectory::open(&folder).unwrap();
        assert_eq!(ended.iter().map(|ended| ended.attempt).collect::<Vec<_>>(), [other]);
        assert!(!folder.path("spool").join(attempt(1).to_string()).exists());
        assert!(shelf.begin(attempt(1)).unwrap().is_none(), "it was begun all the same");
        assert!(shelf.begin(attempt(2)).unwrap().is_some());
    }
}
