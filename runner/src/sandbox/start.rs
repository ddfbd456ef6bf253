//! Sandbox start: a standby process becomes bubblewrap, and then the task starts.

use super::{
    Job, Network, StartError, init,
    output::pump,
    parts::Parts,
    running::{Running, Sandbox, watch},
    standby::Standby,
    sys,
};
use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Resource, Rlimit, pidfd_open, prlimit},
};
use std::{io, os::fd::OwnedFd, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixStream, unix::pipe},
    time::{Instant, timeout},
};

/// The timeout for bubblewrap to create its namespaces; it needs milliseconds.
const SETUP_TIMEOUT: Duration = Duration::from_secs(10);
/// The timeout for its error message.
const EXPLANATION_TIMEOUT: Duration = Duration::from_secs(1);

impl Parts {
    pub async fn start(self: &Arc<Self>, job: Job) -> Result<Running, StartError> {
        job.check()?;
        let started = Instant::now();
        let claim = self.names.claim(&job.id).ok_or_else(|| StartError::AlreadyRunning(job.id.clone()))?;
        let id = self.ids.claim()?;
        let Standby { process, group, mut control, stdout, stderr, info, info_number, files } =
            self.take_standby(&job.limits).await?;
        if let Some(group) = &group {
            group.limit(&job.limits)?;
        }
        self.profile.fill(&files, &job, info_number)?;
        control.write_all(&sys::release(id.id)).await?;

        let Some(first) = in_time(first_process(info)).await? else {
            return Err(StartError::Setup(explanation(stderr).await));
        };
        let first_fd = pidfd_open(first, PidfdFlags::empty()).map_err(io::Error::from)?;
        if !self.ids.are_separate() {
            self.limit_shared_user(
                first,
                group.is_none().then_some(u64::from(job.limits.processes).saturating_add(1)),
            )?;
        }
        if in_time(ready(&control)).await?? != Some(init::READY) {
            return Err(StartError::Setup(explanation(stderr).await));
        }
        let bwrap_fd = sys::ends(process.0)?;
        // If the runner dies before this, the task does not start; later, the sandbox dies with the runner (E9).
        control.write_all(&init::go(&job.argv)?).await?;
        self.stand_by(job.limits);
        let (held, own_network) = ((claim, self.clone()), job.network == Network::Isolated);
        let sandbox = Sandbox {
            bwrap: process.attended(),
            bwrap_fd,
            control: control.into_std()?,
            first,
            first_fd,
            group,
            own_network,
            reaped: false,
            id,
            _held: held,
        };
        Ok(watch(sandbox, job.limits, started, pump(stdout, stderr)))
    }

    /// Sets the limits per user when bubblewrap has created the user namespaces, in which they are counted from then on.
    /// Limits that a namespace was created with would apply to the sum of all tasks of the account. `processes` includes process 1.
    fn limit_shared_user(&self, first: Pid, processes: Option<u64>) -> io::Result<()> {
        let set = |resource, limit: u64| {
            let limit = Some(limit);
            prlimit(Some(first), resource, Rlimit { current: limit, maximum: limit }).map(drop)
        };
        if let Some(processes) = processes {
            set(Resource::Nproc, processes)?;
        }
        for (resource, limit) in self.quotas.resources() {
            match set(resource, limit) {
                // Root in a container without CAP_SYS_RESOURCE: the limits of the account remain, as the posture reports.
                Err(Errno::PERM) => {}
                set => set?,
            }
        }
        Ok(())
    }
}

/// Reads the first byte of process 1; `None` if it ended.
async fn ready(control: &UnixStream) -> io::Result<Option<u8>> {
    let mut byte = [0];
    loop {
        control.readable().await?;
        match control.try_read(&mut byte) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(Some(byte[0])),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// Runs a step of the setup with a timeout.
async fn in_time<T>(step: impl Future<Output = T>) -> Result<T, StartError> {
    timeout(SETUP_TIMEOUT, step).await.map_err(|_| StartError::Setup("bubblewrap did not respond in time".into()))
}

/// Returns process 1 of the sandbox as bubblewrap reports it; `None` if bubblewrap ended.
async fn first_process(info: OwnedFd) -> Option<Pid> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Info {
        child_pid: i32,
    }
    let mut text = vec![];
    pipe::Receiver::from_owned_fd(info).ok()?.take(4096).read_to_end(&mut text).await.ok()?;
    Pid::from_raw(serde_json::from_slice::<Info>(&text).ok()?.child_pid)
}

/// Returns the error message of bubblewrap.
async fn explanation(stderr: pipe::Receiver) -> String {
    let mut text = vec![];
    // A child that bubblewrap left behind may hold the pipe open.
    let _ = timeout(EXPLANATION_TIMEOUT, stderr.take(4096).read_to_end(&mut text)).await;
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    if text.is_empty() { "bubblewrap ended without an error message".into() } else { text }
}
