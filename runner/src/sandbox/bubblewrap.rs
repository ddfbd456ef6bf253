//! The executor: bubblewrap, always with the whole hardened profile.

use std::path::PathBuf;
use std::sync::Arc;

use super::running::Running;
use super::start::Parts;
use super::{Executor, Job, Posture, StartError, probe};

/// What may differ between machines.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Bubblewrap's program; looked for in `PATH` where unset.
    pub bubblewrap: Option<PathBuf>,
    /// Whom a runner that is root runs tasks as; `castellan-runner` or else `nobody` where unset.
    pub user: Option<String>,
}

/// Runs tasks with bubblewrap.
#[derive(Debug)]
pub struct Bubblewrap {
    posture: Posture,
    /// Absent where the machine is unfit.
    parts: Option<Arc<Parts>>,
}

impl Bubblewrap {
    /// Finds out what the machine has, and proves it by running one small job. Call it within a Tokio runtime.
    pub async fn new(config: &Config) -> Self {
        let (posture, parts) = probe::examine(config).await;
        Self { posture, parts }
    }
}

impl Executor for Bubblewrap {
    fn posture(&self) -> &Posture {
        &self.posture
    }

    async fn start(&self, job: Job) -> Result<Running, StartError> {
        match (&self.posture.fit, &self.parts) {
            (Err(unfit), _) => Err(unfit.clone().into()),
            (Ok(()), None) => Err(StartError::Setup("the executor was not set up".into())),
            (Ok(()), Some(parts)) => parts.start(job).await,
        }
    }
}
