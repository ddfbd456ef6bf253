//! Bare bubblewrap with the task profile and nothing around it, as a baseline for benchmarks.

use super::{
    Job, Limits, Network, SCRIPT, StartError,
    parts::Parts,
    profile::Prepared,
    start::{UnsupervisedProcess, new_pipe},
    starter::Launch,
    sys,
};
use std::{
    fs::File,
    io,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

impl Parts {
    /// Runs `script` without a cgroup, a gate or a reader of its output, and waits for its end.
    pub(super) async fn bare_start(&self, script: &[u8]) -> Result<Duration, StartError> {
        let job = Job {
            id: "bare".into(),
            argv: vec!["/bin/bash".into(), SCRIPT.into()],
            script: script.to_vec(),
            network: Network::Isolated,
            limits: Limits {
                wall: Duration::from_mins(1),
                memory_bytes: 512 << 20,
                cpu_millis: 1000,
                processes: 64,
                disk_bytes: 64 << 20,
            },
            environment: vec![],
        };
        let begin = Instant::now();
        let (_info, info_end) = new_pipe()?;
        let Prepared { arguments, inherit } = self.profile.prepare(&job, &[], info_end)?;
        let mut id = self.ids.claim()?;
        let mut confinement = self.confinement(None, &job.limits, id.id, inherit)?;
        confinement.niceness = 0;
        let standard = [nothing()?, nothing()?, nothing()?];
        let launch = Launch { program: self.program.clone(), arguments, standard, confinement };
        let bwrap = UnsupervisedProcess(self.starter.launch(launch).await?);
        let ends = sys::ends(bwrap.0)?;
        let _ready = ends.readable().await?;
        let ended = sys::reap_killed(bwrap.attended())?;
        id.ended = true;
        match ended {
            Some(ended) if ended.status.success() => Ok(begin.elapsed()),
            other => Err(StartError::Setup(format!("bare bubblewrap ended with {other:?}"))),
        }
    }
}

fn nothing() -> io::Result<OwnedFd> {
    Ok(File::options().read(true).write(true).open("/dev/null")?.into())
}
