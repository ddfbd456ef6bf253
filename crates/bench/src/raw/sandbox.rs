//! Bubblewrap baseline with the runner's profile: no server, no database, no cgroup.
use crate::spread::{Spread, rate};
use anyhow::{Context, Result};
use runner::sandbox::{Bubblewrap, Config};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// A starter of bubblewrap sandboxes like the runner's.
#[derive(Debug)]
pub struct Sandboxes {
    runtime: Runtime,
    bubblewrap: Arc<Bubblewrap>,
}

impl Sandboxes {
    /// Detects the capabilities of the machine.
    ///
    /// # Errors
    /// Fails if the runtime cannot be started.
    pub fn new() -> Result<Self> {
        let runtime = Runtime::new()?;
        let bubblewrap = Arc::new(runtime.block_on(Bubblewrap::new(&Config::default())));
        Ok(Self { runtime, bubblewrap })
    }

    /// Measures sequential starts.
    ///
    /// # Errors
    /// Fails if the machine is unfit.
    pub fn times(&self, count: usize) -> Result<Spread> {
        let times = (0..count).map(|_| self.runtime.block_on(one(Arc::clone(&self.bubblewrap))));
        times.collect()
    }

    /// Returns the starts per second with this number of concurrent starts.
    ///
    /// # Errors
    /// Fails if the machine is unfit.
    pub fn per_second(&self, count: usize, at_once: usize) -> Result<f64> {
        let begin = Instant::now();
        self.runtime.block_on(async {
            let lanes: Vec<_> = (0..at_once)
                .map(|_| {
                    let bubblewrap = Arc::clone(&self.bubblewrap);
                    tokio::spawn(async move {
                        for _ in 0..count / at_once {
                            one(Arc::clone(&bubblewrap)).await?;
                        }
                        anyhow::Ok(())
                    })
                })
                .collect();
            for lane in lanes {
                lane.await??;
            }
            anyhow::Ok(())
        })?;
        Ok(rate(count / at_once * at_once, begin.elapsed()))
    }
}

async fn one(bubblewrap: Arc<Bubblewrap>) -> Result<Duration> {
    bubblewrap.bare_start(b"true").await.context("bubblewrap does not start")
}
