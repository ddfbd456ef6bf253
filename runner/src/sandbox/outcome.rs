//! What comes out of a sandbox: its output as it is written, and how it ended.

use std::time::Duration;

use bytes::Bytes;

use super::{InvalidJob, Unfit};

/// A piece of output, exactly the bytes the task wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub stream: Stream,
    /// 1 byte to 32 KiB; may end in the middle of a character.
    pub bytes: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// How a task ended and what it used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub end: End,
    pub wall: Duration,
    /// User and system time of all its processes that were waited for.
    pub cpu: Duration,
    /// Bytes at the highest, where the machine says so.
    pub peak_memory: Option<u64>,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Exited(i32),
    /// Exit codes 129 to 192, which is how a shell and bubblewrap alike report a signal.
    Signaled(i32),
    TimedOut,
    Stopped,
    OutOfMemory,
    /// The sandbox, not the task, went wrong: the task did not run, or was killed from outside.
    Failed {
        cause: String,
    },
}

/// Why a task was not started. Nothing of it ran.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error(transparent)]
    Invalid(#[from] InvalidJob),
    #[error("job {0} is already running")]
    AlreadyRunning(String),
    #[error("the sandbox could not be set up: {0}")]
    Setup(String),
    #[error("the operating system refused to start the sandbox: {0}")]
    Io(#[from] std::io::Error),
}
