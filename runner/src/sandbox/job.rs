//! What is to be run, where it may reach, and how much it may use.

use std::time::Duration;

/// Where the task finds its script, read-only and executable.
pub const SCRIPT: &str = "/run/task/script";

/// The task's working directory and home, empty at the start and gone at the end.
pub const WORK: &str = "/work";

/// The largest script, in bytes; it is held in memory.
const SCRIPT_MAX: usize = 16 << 20;

/// The longest time limit.
pub(super) const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// One run of one task.
#[derive(Clone, Debug)]
pub struct Job {
    /// Unique among the jobs that run at the same time: 1 to 64 of `a-z`, `0-9` and `-`.
    pub id: String,
    /// The program, absolute, and its arguments, e.g. `["/bin/bash", SCRIPT]`.
    pub argv: Vec<String>,
    /// The bytes that stand at [`SCRIPT`].
    pub script: Vec<u8>,
    pub network: Network,
    pub limits: Limits,
    /// The environment, complete: nothing is added, and the runner's own is never seen.
    pub environment: Vec<(String, String)>,
}

/// What of the network a job sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Its own empty network: a loopback interface and nothing else.
    Isolated,
    /// No restriction: the machine's own network, its loopback and its link-local (cloud metadata) addresses included.
    /// Keeping single addresses out is the work of the egress proxy, not of the sandbox.
    None,
}

/// How much a job may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the start, up to a year; more ends the job as timed out.
    pub wall: Duration,
    /// Memory of all its processes together and, where cgroups do the counting, of its files too.
    pub memory_bytes: u64,
    /// Thousandths of a core; at least 10.
    pub cpu_millis: u32,
    /// Processes and threads together.
    pub processes: u32,
    /// Size of [`WORK`]. `/tmp` and `/dev/shm` have up to 64 MiB each besides.
    pub disk_bytes: u64,
}

/// Why a job cannot be started as it is written.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidJob {
    #[error("a job's id is 1 to 64 of a-z, 0-9 and -")]
    Id,
    #[error("the program must be an absolute path, and no argument may contain a NUL")]
    Argv,
    #[error("the script is larger than {SCRIPT_MAX} bytes")]
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
        if self.script.len() > SCRIPT_MAX {
            return Err(InvalidJob::Script);
        }
        for (name, value) in &self.environment {
            if !is_name(name) || value.contains('\0') {
                return Err(InvalidJob::Environment(name.clone()));
            }
        }
        let Limits { wall, memory_bytes, cpu_millis, processes, disk_bytes } = self.limits;
        if wall.is_zero()
            || wall > LONGEST
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

/// A variable's name as POSIX has it (XBD 8.1).
fn is_name(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.bytes().next().is_some_and(|b| !b.is_ascii_digit())
}
