//! Sandbox jobs: command, network and limits.

use std::time::Duration;

/// The path of the script in the sandbox, read-only and executable.
pub const SCRIPT: &str = "/run/task/script";

/// The working directory and home of the task, empty at the start and deleted at the end.
pub const WORK: &str = "/work";

/// The maximum size of a script in bytes; it is held in memory.
const MAX_SCRIPT: usize = 16 << 20;

/// The maximum time limit.
pub(super) const MAX_TIME_LIMIT: Duration = Duration::from_secs(366 * 24 * 3600);

/// A run of a task.
#[derive(Clone, Debug)]
pub struct Job {
    /// Unique among running jobs: 1 to 64 of `a-z`, `0-9` and `-`.
    pub id: String,
    /// The absolute program and its arguments, e.g. `["/bin/bash", SCRIPT]`.
    pub argv: Vec<String>,
    /// The content of [`SCRIPT`].
    pub script: Vec<u8>,
    pub network: Network,
    pub limits: Limits,
    /// The complete environment: the runner's own is never inherited.
    pub environment: Vec<(String, String)>,
}

/// The network access of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    Isolated,
    None,
}

/// The resource limits of a job.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub wall: Duration,
    pub memory_bytes: u64,
    /// Thousandths of a core; at least 10.
    pub cpu_millis: u32,
    /// Processes and threads together.
    pub processes: u32,
    /// The size of [`WORK`]. `/tmp` and `/dev/shm` have up to 64 MiB each in addition.
    pub disk_bytes: u64,
}

/// A validation error of a job.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidJob {
    #[error("a job's id is 1 to 64 of a-z, 0-9 and -")]
    Id,
    #[error("the program must be an absolute path, and no argument may contain a NUL")]
    Argv,
    #[error("the script is larger than {MAX_SCRIPT} bytes")]
    Script,
    #[error("environment variable {0:?} has a name or a value that cannot be passed on")]
    Environment(String),
    #[error(
        "a limit is too small to start anything (10 thousandths of a core, 1 process, 4 MiB of memory, 4 KiB of disk), or the time is none or over a year"
    )]
    Limits,
}

impl Job {
    pub(super) fn check(&self) -> Result<(), InvalidJob> {
        let id_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=64).contains(&self.id.len()) || !self.id.bytes().all(id_byte) {
            return Err(InvalidJob::Id);
        }
        let absolute = self.argv.first().is_some_and(|program| program.starts_with('/'));
        if !absolute || self.argv.iter().any(|word| word.contains('\0')) {
            return Err(InvalidJob::Argv);
        }
        if self.script.len() > MAX_SCRIPT {
            return Err(InvalidJob::Script);
        }
        for (name, value) in &self.environment {
            if !is_name(name) || value.contains('\0') {
                return Err(InvalidJob::Environment(name.clone()));
            }
        }
        let Limits { wall, memory_bytes, cpu_millis, processes, disk_bytes } = self.limits;
        if wall.is_zero()
            || wall > MAX_TIME_LIMIT
            || memory_bytes < 4 << 20
            || cpu_millis < 10
            || processes < 1
            || disk_bytes < 4096
        {
            return Err(InvalidJob::Limits);
        }
        Ok(())
    }
}

/// Returns whether a name is a valid environment variable in POSIX (XBD 8.1).
fn is_name(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.bytes().next().is_some_and(|b| !b.is_ascii_digit())
}
