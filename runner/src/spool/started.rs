//! Started attempts, remembered as long as a grant could be valid, so that none starts twice.

use crate::work::Attempt;
use domain::TaskId;
use std::{
    collections::{HashMap, VecDeque},
    fs::{self, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    time::Duration,
};
use tokio::time::Instant;

/// The retention of started attempts, longer than the longest accepted grant ([`crate::work::MAX_GRANT_VALIDITY`]).
const RETENTION: Duration = Duration::from_hours(3 * 24);

/// The folder `started`, with one file per remembered attempt.
#[derive(Debug)]
pub(super) struct StartedAttempts {
    folder: PathBuf,
    last: HashMap<TaskId, u32>,
    remembered: VecDeque<(Instant, Attempt)>,
}

impl StartedAttempts {
    /// Reads the started attempts, and deletes the records of old ones.
    pub(super) fn open(folder: PathBuf, now: Instant) -> io::Result<Self> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            let Some(attempt) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            found.push((now + RETENTION.saturating_sub(age), attempt));
        }
        found.sort_unstable();
        let mut started = Self { folder, last: HashMap::new(), remembered: VecDeque::new() };
        found.into_iter().for_each(|(until, attempt)| started.remember(until, attempt));
        started.forget(now)?;
        Ok(started)
    }

    /// Records that an attempt has started, and returns the record's file; `None` if it, or a later one of the
    /// task, was started before.
    pub(super) fn begin(&mut self, attempt: Attempt, now: Instant) -> io::Result<Option<PathBuf>> {
        self.forget(now)?;
        if self.last.get(&attempt.task).is_some_and(|last| *last >= attempt.number) {
            return Ok(None);
        }
        let path = self.file(attempt);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            made => drop(made?),
        }
        self.remember(now + RETENTION, attempt);
        Ok(Some(path))
    }

    fn remember(&mut self, until: Instant, attempt: Attempt) {
        let last = self.last.entry(attempt.task).or_insert(attempt.number);
        *last = attempt.number.max(*last);
        self.remembered.push_back((until, attempt));
    }

    /// Deletes old records, so that neither disk nor memory fills up.
    fn forget(&mut self, now: Instant) -> io::Result<()> {
        while let Some((_, attempt)) = self.remembered.pop_front_if(|(until, _)| *until <= now) {
            if self.last.get(&attempt.task) == Some(&attempt.number) {
                self.last.remove(&attempt.task);
            }
            match fs::remove_file(self.file(attempt)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn file(&self, attempt: Attempt) -> PathBuf {
        self.folder.join(attempt.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, time::SystemTime};

    use uuid::Uuid;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn attempt(task: u128, number: u32) -> Attempt {
        Attempt { task: TaskId(Uuid::from_u128(task)), number }
    }

    fn files(started: &StartedAttempts) -> usize {
        fs::read_dir(&started.folder).unwrap().count()
    }

    #[test]
    fn old_started_attempts_are_forgotten_while_the_runner_runs() {
        let data = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let mut started = StartedAttempts::open(data.path().to_owned(), start).unwrap();
        for (task, number, at) in [(1, 1, 0), (2, 1, 0), (2, 2, 5), (3, 1, 10)] {
            assert!(started.begin(attempt(task, number), start + at * HOUR).unwrap().is_some());
        }
        let end = start + RETENTION;
        assert!(started.begin(attempt(1, 1), end - HOUR).unwrap().is_none(), "a grant for it could still be valid");
        assert_eq!((files(&started), started.last.len(), started.remembered.len()), (4, 3, 4));

        assert!(started.begin(attempt(4, 1), end).unwrap().is_some());
        assert_eq!((files(&started), started.last.len(), started.remembered.len()), (3, 3, 3));
        assert!(started.begin(attempt(2, 1), end).unwrap().is_none(), "a later one of its task is remembered");
        assert!(started.begin(attempt(5, 1), end + 10 * HOUR).unwrap().is_some());
        assert_eq!((files(&started), started.last.len(), started.remembered.len()), (2, 2, 2));
    }

    #[test]
    fn started_attempts_from_before_a_restart_are_forgotten_on_time() {
        let data = tempfile::tempdir().unwrap();
        for (task, hours) in [(1, 1), (2, 40), (3, 73)] {
            let file = File::create(data.path().join(attempt(task, 1).to_string())).unwrap();
            #[expect(clippy::disallowed_methods, reason = "file ages are measured by the system clock")]
            file.set_modified(SystemTime::now() - hours * HOUR).unwrap();
        }
        let start = Instant::now();
        let mut started = StartedAttempts::open(data.path().to_owned(), start).unwrap();
        assert_eq!((files(&started), started.last.len()), (2, 2));
        assert!(started.begin(attempt(2, 1), start + 31 * HOUR).unwrap().is_none());
        assert!(started.begin(attempt(2, 2), start + 33 * HOUR).unwrap().is_some());
        assert!(started.begin(attempt(1, 1), start + 33 * HOUR).unwrap().is_none());
        assert_eq!((files(&started), started.last.len(), started.remembered.len()), (2, 2, 2));
    }
}
