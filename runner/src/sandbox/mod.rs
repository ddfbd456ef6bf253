//! Task sandbox: isolation, resource limits and complete cleanup.

mod account;
mod bubblewrap;
mod cgroup;
mod config;
mod filter;
pub mod init;
mod job;
mod names;
mod outcome;
mod output;
mod parts;
mod plan;
mod posture;
mod probe;
mod processes;
mod profile;
mod quotas;
mod running;
mod standby;
mod start;
mod starter;
mod subordinate;
mod sys;
mod task_ids;
mod user_namespace;

use std::future::Future;

pub use bubblewrap::Bubblewrap;
pub use config::Config;
pub use job::{InvalidJob, Job, Limits, Network, SCRIPT, WORK};
pub use outcome::{Chunk, End, Outcome, StartError, Stream};
pub use posture::{Limiter, Posture, Unfit};
pub use running::{Handle, Running};

/// A runtime for isolated tasks. If the isolation is not available, [`start`](Executor::start) fails.
pub trait Executor: Send + Sync + 'static {
    /// Returns the capabilities of this machine and, if it cannot run tasks, the cause and the fix.
    fn posture(&self) -> &Posture;

    /// Starts `job`; it ends by itself, at its time limit, when it is stopped, or when this process ends.
    ///
    /// # Errors
    /// [`StartError`] when the machine is unfit, the job is malformed, or a system call fails.
    fn start(&self, job: Job) -> impl Future<Output = Result<Running, StartError>> + Send;
}
