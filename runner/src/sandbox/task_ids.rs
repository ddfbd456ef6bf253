//! Kernel ids of tasks: one of a range for each running task, or one for all (E20).

use super::{
    StartError, processes,
    subordinate::{Ids, TaskId},
    sys,
};
use parking_lot::Mutex;
use rustix::{
    fs::{FileType, Mode, OFlags, fchown, fstat, open},
    io::Errno,
    process::{Gid, Uid, geteuid},
};
use std::{
    collections::HashSet,
    io,
    os::fd::OwnedFd,
    sync::Arc,
    time::{Duration, Instant},
};

/// The time in which the tasks of a runner that crashed may still be ending.
const SETTLING_TIME: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(super) enum TaskIds {
    /// `None` keeps the ids of the runner.
    Shared(Option<TaskId>),
    Separate(Arc<Pool>),
}

impl TaskIds {
    /// Opens a range that `owner` was given. Runners of one account share a lock file.
    pub fn separate(ids: Ids, owner: u32) -> io::Result<Self> {
        let locks = lock_file(owner)?;
        // A runner that was restarted begins elsewhere than its predecessor.
        let next = std::process::id() % ids.count;
        let state = Mutex::new(State { used: HashSet::new(), doubtful: HashSet::new(), next });
        Ok(Self::Separate(Arc::new(Pool { ids, locks, opened: Instant::now(), state })))
    }

    pub fn are_separate(&self) -> bool {
        matches!(self, Self::Separate(_))
    }

    /// Reserves the ids of one task until the reservation is dropped.
    pub fn claim(&self) -> Result<IdReservation, StartError> {
        match self {
            Self::Shared(id) => Ok(IdReservation { id: *id, taken: None, ended: false }),
            Self::Separate(pool) => {
                let index = pool
                    .claim()
                    .ok_or_else(|| StartError::Setup(format!("all kernel user ids from {} are in use", pool.ids)))?;
                Ok(IdReservation { id: Some(pool.id(index)), taken: Some((Arc::clone(pool), index)), ended: false })
            }
        }
    }
}

/// A range of ids of which each is used by one task at a time, on the whole machine.
#[derive(Debug)]
pub(super) struct Pool {
    ids: Ids,
    /// One byte per id is locked. The kernel releases the locks when the runner ends, however it ends.
    locks: OwnedFd,
    opened: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    used: HashSet<u32>,
    /// Released before the end of their processes was seen.
    doubtful: HashSet<u32>,
    next: u32,
}

impl Pool {
    fn id(&self, index: u32) -> TaskId {
        TaskId { uid: self.ids.uid.saturating_add(index), gid: self.ids.gid.saturating_add(index) }
    }

    /// Takes the ids in turn, so that the kernel has time to free what belonged to the last task with an id.
    fn claim(&self) -> Option<u32> {
        let mut state = self.state.lock();
        for _ in 0..self.ids.count {
            let index = state.next;
            state.next = index.saturating_add(1) % self.ids.count;
            if state.used.contains(&index) || !self.lock(index) {
                continue;
            }
            let doubtful = self.opened.elapsed() < SETTLING_TIME || state.doubtful.contains(&index);
            if doubtful && processes::any_of_user(self.id(index).uid) {
                self.unlock(index);
                continue;
            }
            state.doubtful.remove(&index);
            state.used.insert(index);
            return Some(index);
        }
        None
    }

    fn release(&self, index: u32, ended: bool) {
        let mut state = self.state.lock();
        if !ended {
            state.doubtful.insert(index);
        }
        state.used.remove(&index);
        self.unlock(index);
    }

    fn lock(&self, index: u32) -> bool {
        sys::lock_byte(&self.locks, self.id(index).uid.into(), true).is_ok()
    }

    fn unlock(&self, index: u32) {
        if let Err(error) = sys::lock_byte(&self.locks, self.id(index).uid.into(), false) {
            tracing::error!(%error, "a kernel user id cannot be released");
        }
    }
}

/// The ids of one task. Drop it after the task's last process has ended.
#[derive(Debug)]
pub(super) struct IdReservation {
    pub id: Option<TaskId>,
    taken: Option<(Arc<Pool>, u32)>,
    /// Whether the end of the task's processes was seen.
    pub ended: bool,
}

impl Drop for IdReservation {
    fn drop(&mut self) {
        if let Some((pool, index)) = &self.taken {
            pool.release(*index, self.ended);
        }
    }
}

/// Opens the lock file of all runners that use the ranges of `owner`.
fn lock_file(owner: u32) -> io::Result<OwnedFd> {
    let folder = if owner == 0 { "/run".to_owned() } else { format!("/run/user/{owner}") };
    let name = format!("castellan-task-ids-{owner}");
    open_lock_file(&format!("{folder}/{name}"), owner).or_else(|_| open_lock_file(&format!("/tmp/{name}"), owner))
}

fn open_lock_file(path: &str, owner: u32) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let existing = || open(path, flags, Mode::empty());
    // Opened before it is created: the kernel refuses to open others' files for creation in /tmp.
    let file = match existing() {
        Err(Errno::NOENT) => match open(path, flags | OFlags::CREATE | OFlags::EXCL, Mode::from_raw_mode(0o600)) {
            Err(Errno::EXIST) => existing()?,
            created => {
                let created = created?;
                if geteuid().as_raw() != owner {
                    fchown(&created, Some(Uid::from_raw(owner)), Some(Gid::from_raw(owner)))?;
                }
                created
            }
        },
        opened => opened?,
    };
    let found = fstat(&file)?;
    if found.st_uid != owner || FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return Err(io::Error::other(format!("{path} is not a file of user {owner}")));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids that no machine's processes have.
    fn ids(offset: u32, count: u32) -> Ids {
        Ids { uid: 2_099_000_000 + offset, gid: 2_099_000_000 + offset, count }
    }

    fn pool(ids: Ids) -> TaskIds {
        TaskIds::separate(ids, geteuid().as_raw()).unwrap()
    }

    #[test]
    fn trap_e20_two_runners_never_use_one_id_at_once() {
        let (first, second) = (pool(ids(0, 6)), pool(ids(0, 6)));
        let held: Vec<_> = [&first, &second, &first, &second, &first, &second].map(|pool| pool.claim().unwrap()).into();
        let distinct: HashSet<_> = held.iter().map(|held| held.id.unwrap().uid).collect();
        assert_eq!(distinct.len(), 6);
        assert!(first.claim().is_err() && second.claim().is_err());
        drop(held);
        assert!(second.claim().is_ok(), "an id that was released can be used again");
    }

    #[test]
    fn trap_e20_the_ids_of_a_runner_that_ended_are_free_again() {
        let range = ids(100, 1);
        let crashed = lock_file(geteuid().as_raw()).unwrap();
        sys::lock_byte(&crashed, range.uid.into(), true).unwrap();
        assert!(pool(range).claim().is_err());
        drop(crashed);
        assert!(pool(range).claim().is_ok());
    }

    #[test]
    fn trap_e20_an_id_whose_processes_still_run_is_not_used() {
        let own = geteuid().as_raw();
        let busy = pool(Ids { uid: own, gid: own, count: 1 });
        assert!(busy.claim().is_err());
    }

    #[test]
    fn trap_e20_ids_are_taken_in_turn() {
        let pool = pool(ids(200, 3));
        let taken: Vec<_> = (0..3).map(|_| pool.claim().unwrap().id.unwrap().uid).collect();
        assert_eq!(taken.iter().collect::<HashSet<_>>().len(), 3, "{taken:?}");
    }

    #[test]
    fn trap_e20_a_lock_file_of_somebody_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locks");
        std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
        assert!(open_lock_file(path.to_str().unwrap(), geteuid().as_raw()).is_err());
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "").unwrap();
        assert!(open_lock_file(path.to_str().unwrap(), geteuid().as_raw() + 1).is_err());
    }
}
