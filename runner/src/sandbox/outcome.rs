//! Results of a sandbox: output chunks, and how the task ended.

use super::{InvalidJob, Unfit};
use bytes::Bytes;
use std::time::Duration;

/// A chunk of output, exactly the bytes that the task wrote.
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

/// The end of a task and its resource usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub end: End,
    /// Whether a process was killed at the memory limit.
    pub out_of_memory: bool,
    pub wall: Duration,
    pub cpu: Duration,
    pub peak_memory: Option<u64>,
}

/// The end of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Exited(i32),
    /// From exit codes 129 to 192, which shells and bubblewrap use for signals.
    Signaled(i32),
    TimedOut,
    Stopped,
    OutOfMemory,
    Failed {
        cause: String,
    },
}

/// The reason why a task was not started. Nothing of it ran.
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
