//! What this machine's sandbox is made of, in words for the people who rely on it.

use std::fmt;

/// What the sandbox on this machine is made of.
#[derive(Clone, Debug)]
pub struct Posture {
    /// Its version, when it is installed.
    pub bubblewrap: Option<String>,
    /// The kernel filters system calls and a filter exists for this processor.
    pub seccomp: bool,
    /// An ordinary user can make user namespaces; proven by starting a sandbox.
    pub user_namespaces: bool,
    /// Abstract Unix sockets of the machine are out of reach even where its network is shared (Landlock).
    pub sockets_scoped: bool,
    /// What counts memory, processor time and processes.
    pub limiter: Limiter,
    /// What that means, and how to have better, as a sentence or two.
    pub limiter_note: String,
    /// The user the sandboxed processes are for the kernel, e.g. `nobody (65534)`.
    pub account: String,
    /// Whether tasks can be run here.
    pub fit: Result<(), Unfit>,
}

/// What holds a task to its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limiter {
    CgroupV2,
    CgroupV1,
    Rlimits,
}

impl fmt::Display for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CgroupV2 => "cgroup v2",
            Self::CgroupV1 => "cgroup v1",
            Self::Rlimits => "resource limits",
        })
    }
}

/// Why no task can be run here, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}. {fix}")]
pub struct Unfit {
    /// Half a sentence, e.g. `bubblewrap is not installed`.
    pub cause: String,
    /// A full sentence, with the command where there is one.
    pub fix: String,
}

impl Unfit {
    pub(super) fn new(cause: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { cause: cause.into(), fix: fix.into() }
    }
}
