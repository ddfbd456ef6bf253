//! Cgroup of one task: entered by its first process, killed and removed at its end.

use super::{Folder, Version, settings};
use crate::sandbox::Limits;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, OpenOptions},
    io,
    os::fd::OwnedFd,
    path::Path,
    thread,
    time::Duration,
};

/// The maximum wait for a killed group to become empty, in steps of [`STEP`].
const STEPS: u32 = 400;
const STEP: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(in crate::sandbox) struct Group {
    version: Version,
    folders: Vec<Folder>,
}

impl Group {
    pub(super) fn new(version: Version) -> Self {
        Self { version, folders: vec![] }
    }

    pub(super) fn add(&mut self, folder: Folder) {
        self.folders.push(folder);
    }

    /// Sets the limits of a task.
    pub fn limit(&self, limits: &Limits) -> io::Result<()> {
        self.folders.iter().try_for_each(|folder| {
            folder
                .controllers
                .iter()
                .try_for_each(|controller| settings::apply(self.version, *controller, &folder.path, limits))
        })
    }

    /// The files a process enters the group through, by writing `0`.
    pub fn entrances(&self) -> io::Result<Vec<OwnedFd>> {
        let open =
            |folder: &Folder| OpenOptions::new().write(true).open(folder.path.join("cgroup.procs")).map(Into::into);
        self.folders.iter().map(open).collect()
    }

    /// Returns whether the kernel has killed a process of the group because of its memory limit.
    pub fn ran_out_of_memory(&self) -> bool {
        let file = match self.version {
            Version::V1 => "memory.oom_control",
            Version::V2 => "memory.events",
        };
        self.read(file).is_some_and(|text| {
            text.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|n| n.trim() != "0"))
        })
    }

    /// Returns the peak memory usage in bytes, including files on sized mounts.
    pub fn peak_memory(&self) -> Option<u64> {
        let file = match self.version {
            Version::V1 => "memory.max_usage_in_bytes",
            Version::V2 => "memory.peak",
        };
        self.read(file)?.trim().parse().ok()
    }

    /// Kills all processes of the group.
    pub fn kill(&self) {
        self.folders.iter().for_each(|folder| kill(&folder.path));
    }

    fn read(&self, file: &str) -> Option<String> {
        self.folders.iter().find_map(|folder| fs::read_to_string(folder.path.join(file)).ok())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.folders.iter().for_each(|folder| clear(&folder.path));
    }
}

/// Kills all processes in a group and its children, and removes them. Waits up to two seconds for them to end.
pub(super) fn clear(folder: &Path) {
    for below in fs::read_dir(folder).into_iter().flatten().flatten() {
        if below.file_type().is_ok_and(|kind| kind.is_dir()) {
            clear(&below.path());
        }
    }
    for _ in 0..STEPS {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => kill(folder),
            Ok(()) => return,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return tracing::warn!(folder = %folder.display(), %error, "a cgroup cannot be removed"),
        }
        thread::sleep(STEP);
    }
    tracing::error!(folder = %folder.display(), "a cgroup still has processes after they were killed");
}

fn kill(folder: &Path) {
    // One write where the kernel supports it (5.14, v2 only); otherwise each process, and the caller repeats until none is left.
    if fs::write(folder.join("cgroup.kill"), "1").is_ok() {
        return;
    }
    let processes = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    for pid in processes.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)) {
        let _ = kill_process(pid, Signal::KILL);
    }
}
