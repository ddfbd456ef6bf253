//! Sandbox posture of this machine, as text for operators.

use std::fmt;

/// The parts of the sandbox on this machine.
#[derive(Clone, Debug)]
pub struct Posture {
    /// The version, if it is installed.
    pub bubblewrap: Option<String>,
    /// Whether the kernel filters system calls and a filter exists for this CPU.
    pub seccomp: bool,
    /// Whether unprivileged user namespaces work, proven by starting a sandbox.
    pub user_namespaces: bool,
    /// Whether abstract Unix sockets of the machine are unreachable even with its network (Landlock).
    pub sockets_scoped: bool,
    pub limiter: Limiter,
    /// An explanation, and how to improve it.
    pub limiter_note: String,
    /// The user ids of sandboxed processes for the kernel, e.g. `castellan (990)`.
    pub account: String,
    /// Whether each task has a user id of its own.
    pub separate_ids: bool,
    /// What tasks share because of their user ids, and how to separate them.
    pub ids_note: String,
    /// Whether tasks can run here.
    pub fit: Result<(), Unfit>,
}

/// The mechanism that enforces the limits.
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

/// The reason why no task can run here, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}. {fix}")]
pub struct Unfit {
    /// A clause, e.g. `bubblewrap is not installed`.
    pub cause: String,
    /// A sentence, with the command if there is one.
    pub fix: String,
}

impl Unfit {
    pub(super) fn new(cause: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { cause: cause.into(), fix: fix.into() }
    }
}
