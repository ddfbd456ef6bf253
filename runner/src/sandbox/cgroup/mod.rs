//! Control groups: account for a task's memory, CPU time and processes, and kill all of it at once (E9).

mod group;
mod locate;
mod settings;

use super::Limiter;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

pub(super) use group::Group;

/// The folders of this runner in every hierarchy that holds its tasks.
#[derive(Debug)]
pub(super) struct Tree {
    version: Version,
    folders: Vec<Folder>,
    /// Number of the next group.
    next: AtomicU32,
}

/// A folder and its settings for a task.
#[derive(Clone, Debug)]
struct Folder {
    path: PathBuf,
    controllers: &'static [Controller],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Controller {
    Memory,
    Pids,
    Cpu,
}

impl Controller {
    const ALL: [Self; 3] = [Self::Memory, Self::Pids, Self::Cpu];

    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Pids => "pids",
            Self::Cpu => "cpu",
        }
    }
}

impl Tree {
    /// Opens the machine's cgroups: v2 if it is delegated to the runner, otherwise v1 if the runner can write to it.
    ///
    /// # Errors
    /// When neither is available, with the reason as a clause.
    pub fn find() -> Result<Self, String> {
        let this = unique_name().ok_or("this process is not in /proc")?;
        let (version, parents) = locate::delegated()?;
        let mut tree = Self { version, folders: vec![], next: AtomicU32::new(0) };
        for parent in parents {
            sweep(&parent.path);
            let path = parent.path.join(&this);
            make(&path)
                .and_then(|()| locate::open_for_children(version, &path))
                .map_err(|error| format!("{}: {error}", path.display()))?;
            tree.folders.push(Folder { path, ..parent });
        }
        Ok(tree)
    }

    pub fn limiter(&self) -> Limiter {
        match self.version {
            Version::V1 => Limiter::CgroupV1,
            Version::V2 => Limiter::CgroupV2,
        }
    }

    /// Creates an empty group without limits.
    pub fn group(&self) -> io::Result<Group> {
        let name = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let mut group = Group::new(self.version);
        for Folder { path, controllers } in &self.folders {
            let path = path.join(&name);
            fs::create_dir(&path)?;
            group.add(Folder { path, controllers });
        }
        Ok(group)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        for folder in &self.folders {
            let _ = fs::remove_dir(&folder.path);
        }
    }
}

const PREFIX: &str = "castellan-";

/// Returns a unique name, even if the process id is reused: `castellan-PID-STARTED-NUMBER`.
fn unique_name() -> Option<String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let pid = std::process::id();
    Some(format!("{PREFIX}{pid}-{}-{}", started(pid)?, NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// Returns when a process started, in ticks since boot: field 22 of proc_pid_stat(5), counted after the name, which
/// may contain anything.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// Kills and removes groups of runners that no longer exist.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some((pid, start)) = name.to_str().and_then(owner) else { continue };
        if started(pid) != Some(start) {
            tracing::info!(folder = %entry.path().display(), "removing a cgroup of an earlier runner");
            group::clear(&entry.path());
        }
    }
}

/// Returns the process that a folder is named after, and when it started.
fn owner(name: &str) -> Option<(u32, u64)> {
    let mut parts = name.strip_prefix(PREFIX)?.split('-');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn make(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}
