//! Kernel ids of tasks: one of a range for each running task, or one for all (E20).

use super::{
    StartError, processes,
    subordinate::{Ids, TaskId},
    sys,
};
use parking_lot::Mutex;
use rustix::{
    fs::{FileType, MemfdFlags, Mode, OFlags, fchown, fstat, memfd_create, open, stat},
    io::{Errno, pread, pwrite},
    process::{Gid, Uid, geteuid},
};
use std::{collections::HashSet, io, os::fd::OwnedFd, path::Path, sync::Arc};

#[derive(Clone, Debug)]
pub(super) enum TaskIds {
    /// `None` keeps the ids of the runner.
    Shared(Option<TaskId>),
    Separate(Arc<Pool>),
}

impl TaskIds {
    /// Opens a range that `owner` was given. `folder` is the data folder of the runner, if it has one.
    pub fn separate(ids: Ids, owner: u32, folder: Option<&Path>) -> io::Result<Self> {
        Ok(Self::with(ids, Locks::open(owner, folder)?))
    }

    fn with(ids: Ids, locks: Locks) -> Self {
        // A runner that was restarted begins elsewhere than its predecessor.
        let next = std::process::id() % ids.count;
        let state = Mutex::new(State { used: HashSet::new(), next });
        Self::Separate(Arc::new(Pool { ids, locks, state }))
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
    locks: Locks,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    used: HashSet<u32>,
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
            let uid = self.id(index).uid;
            if state.used.contains(&index) || self.locks.lock(uid).is_err() {
                continue;
            }
            let doubtful = !self.locks.of_account || self.locks.is_marked(uid);
            if doubtful && processes::any_of_user(uid) {
                self.unlock(index);
                continue;
            }
            if let Err(error) = self.locks.mark(uid, true) {
                tracing::error!(%error, "the use of a kernel user id cannot be recorded");
                self.unlock(index);
                return None;
            }
            state.used.insert(index);
            return Some(index);
        }
        None
    }

    fn release(&self, index: u32, ended: bool) {
        let mut state = self.state.lock();
        if ended && let Err(error) = self.locks.mark(self.id(index).uid, false) {
            tracing::warn!(%error, "the end of the use of a kernel user id cannot be recorded"); // the next use looks for its processes
        }
        state.used.remove(&index);
        self.unlock(index);
    }

    fn unlock(&self, index: u32) {
        if let Err(error) = self.locks.unlock(self.id(index).uid) {
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

/// The lock file of the runners that use one range. One byte per id is locked; the kernel releases the locks when the runner
/// ends, however it ends. The byte is 1 from the use of the id until the end of its processes was seen, so that a runner that
/// uses it after a crash looks for them.
#[derive(Debug)]
struct Locks {
    file: OwnedFd,
    /// Whether every runner of the account on this machine uses this file. Otherwise, an id whose processes run elsewhere is
    /// found by its processes.
    of_account: bool,
}

impl Locks {
    fn lock(&self, uid: u32) -> io::Result<()> {
        sys::lock_byte(&self.file, uid.into(), true)
    }

    fn unlock(&self, uid: u32) -> io::Result<()> {
        sys::lock_byte(&self.file, uid.into(), false)
    }

    fn mark(&self, uid: u32, in_use: bool) -> io::Result<()> {
        pwrite(&self.file, &[in_use.into()], uid.into())?;
        Ok(())
    }

    fn is_marked(&self, uid: u32) -> bool {
        let mut byte = [0];
        !pread(&self.file, &mut byte, uid.into()).is_ok_and(|_| byte == [0])
    }

    /// Opens the file where no other user can create it first.
    fn open(owner: u32, folder: Option<&Path>) -> io::Result<Self> {
        let name = format!("castellan-task-ids-{owner}");
        for run in [format!("/run/user/{owner}"), "/run".to_owned()] {
            if let Ok(file) = open_lock_file(&Path::new(&run).join(&name), owner) {
                return Ok(Self { file, of_account: true });
            }
        }
        Self::open_near(&name, owner, folder)
    }

    /// Opens the file next to or in the data folder, or one of this process alone.
    fn open_near(name: &str, owner: u32, folder: Option<&Path>) -> io::Result<Self> {
        // The local runners of several tenants have data folders in one folder.
        let own = folder.into_iter().flat_map(|folder| folder.parent().into_iter().chain([folder]));
        for folder in own.filter(|folder| is_private(folder)) {
            if let Ok(file) = open_lock_file(&folder.join(name), owner) {
                return Ok(Self { file, of_account: false });
            }
        }
        let file = memfd_create(name, MemfdFlags::CLOEXEC)?;
        Ok(Self { file, of_account: false })
    }
}

/// Returns whether only this user can create files in a folder.
fn is_private(folder: &Path) -> bool {
    stat(folder).is_ok_and(|found| found.st_uid == geteuid().as_raw() && found.st_mode & 0o022 == 0)
}

fn open_lock_file(path: &Path, owner: u32) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let existing = || open(path, flags, Mode::empty());
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
        return Err(io::Error::other(format!("{} is not a file of user {owner}", path.display())));
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

    /// A deployment whose runners have sibling data folders, on a machine without a folder in `/run`.
    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn locks(&self, runner: &str) -> Locks {
            let folder = self.0.path().join(runner);
            std::fs::create_dir_all(&folder).unwrap();
            Locks::open_near("locks", geteuid().as_raw(), Some(&folder)).unwrap()
        }

        fn pool(&self, runner: &str, ids: Ids) -> TaskIds {
            TaskIds::with(ids, self.locks(runner))
        }
    }

    #[test]
    fn trap_e20_two_runners_never_use_one_id_at_once() {
        let machine = Machine::new();
        let (first, second) = (machine.pool("first", ids(0, 6)), machine.pool("second", ids(0, 6)));
        let held: Vec<_> = [&first, &second, &first, &second, &first, &second].map(|pool| pool.claim().unwrap()).into();
        let distinct: HashSet<_> = held.iter().map(|held| held.id.unwrap().uid).collect();
        assert_eq!(distinct.len(), 6);
        assert!(first.claim().is_err() && second.claim().is_err());
        drop(held);
        assert!(second.claim().is_ok(), "an id that was released can be used again");
    }

    #[test]
    fn trap_e20_the_ids_of_a_runner_that_ended_are_free_again() {
        let (machine, range) = (Machine::new(), ids(100, 1));
        let crashed = machine.locks("crashed");
        sys::lock_byte(&crashed.file, range.uid.into(), true).unwrap();
        assert!(machine.pool("other", range).claim().is_err());
        drop(crashed);
        assert!(machine.pool("other", range).claim().is_ok());
    }

    #[test]
    fn trap_e20_an_id_whose_processes_still_run_is_not_used() {
        let own = geteuid().as_raw(); // of this process
        let ids = Ids { uid: own, gid: own, count: 1 };
        let machine = Machine::new();
        // Another runner of the account may have started them, unless all share one lock file.
        assert!(machine.pool("runner", ids).claim().is_err());
        let of_account = || Locks { of_account: true, ..machine.locks("runner") };
        let pool = TaskIds::with(ids, of_account());
        let mut first = pool.claim().unwrap();
        first.ended = true;
        drop(first);
        drop(pool.claim().unwrap()); // without having seen the end of its processes
        assert!(pool.claim().is_err());
        assert!(TaskIds::with(ids, of_account()).claim().is_err(), "a runner that crashed left the same mark");
    }

    #[test]
    fn trap_e20_locks_are_not_in_a_folder_where_others_can_create_them_first() {
        use std::os::unix::fs::PermissionsExt;
        let machine = Machine::new();
        let (shared, own) = (machine.0.path().join("locks"), machine.0.path().join("runner/locks"));
        std::fs::set_permissions(machine.0.path(), PermissionsExt::from_mode(0o1777)).unwrap();
        machine.locks("runner");
        assert!(!shared.exists() && own.exists(), "the parent folder is like /tmp");
        std::fs::remove_file(&own).unwrap();
        std::fs::set_permissions(machine.0.path(), PermissionsExt::from_mode(0o755)).unwrap();
        machine.locks("runner");
        assert!(shared.exists() && !own.exists());
    }

    #[test]
    fn trap_e20_ids_are_taken_in_turn() {
        let machine = Machine::new();
        let pool = machine.pool("runner", ids(200, 3));
        let taken: Vec<_> = (0..3).map(|_| pool.claim().unwrap().id.unwrap().uid).collect();
        assert_eq!(taken.iter().collect::<HashSet<_>>().len(), 3, "{taken:?}");
    }

    #[test]
    fn trap_e20_a_lock_file_of_somebody_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locks");
        std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
        assert!(open_lock_file(&path, geteuid().as_raw()).is_err());
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "").unwrap();
        assert!(open_lock_file(&path, geteuid().as_raw() + 1).is_err());
    }
}
