//! Bubblewrap executor, always with the complete hardened profile.

use super::{Config, Executor, Job, Posture, StartError, parts::Parts, probe, running::Running};
use std::sync::Arc;

/// An executor that runs tasks with bubblewrap.
#[derive(Debug)]
pub struct Bubblewrap {
    posture: Posture,
    /// `None` if the machine is unfit.
    parts: Option<Arc<Parts>>,
}

impl Bubblewrap {
    /// Detects the capabilities of the machine and runs a small job as proof. Call it within a Tokio runtime.
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
