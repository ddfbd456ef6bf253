//! Sandbox start: cgroup, pipes, bubblewrap, and then the task.

use super::{
    Job, Limits, StartError,
    cgroup::Group,
    output::pump,
    parts::Parts,
    profile::{GATE, Prepared},
    running::{Running, Sandbox, watch},
    starter::Launch,
    sys::{self, Confinement},
};
use rustix::{
    fs::fchown,
    pipe::{PipeFlags, pipe_with},
    process::{Gid, Pid, PidfdFlags, Resource, Rlimit, Signal, Uid, getrlimit, kill_process, pidfd_open, prlimit},
};
use std::{io, os::fd::OwnedFd, sync::Arc, time::Duration};
use tokio::{
    io::AsyncReadExt,
    net::unix::pipe,
    time::{Instant, timeout},
};

/// The timeout for bubblewrap to create its namespaces; it needs milliseconds.
const SETUP_TIMEOUT: Duration = Duration::from_secs(10);
/// The timeout for its error message.
const EXPLANATION_TIMEOUT: Duration = Duration::from_secs(1);
/// The limit of open files per process.
const MAX_OPEN_FILES: u64 = 16_384;
/// A lower priority than ordinary programs, if no cgroup divides the CPU.
const NICENESS: i32 = 10;

impl Parts {
    pub async fn start(self: &Arc<Self>, job: Job) -> Result<Running, StartError> {
        job.check()?;
        let started = Instant::now();
        let claim = self.names.claim(&job.id).ok_or_else(|| StartError::AlreadyRunning(job.id.clone()))?;
        let group = self.tree.as_ref().map(|tree| tree.group(&job.id, &job.limits)).transpose()?;

        let (gate, gate_key) = new_pipe()?;
        let (mut stdout, stdout_end) = self.output_pipe()?;
        let (stderr, stderr_end) = self.output_pipe()?;
        let (info, info_end) = new_pipe()?;
        let Prepared { arguments, inherit } = self.profile.prepare(&job, &GATE, info_end)?;
        let confinement = self.confinement(group.as_ref(), &job.limits, inherit)?;
        let standard = [gate, stdout_end, stderr_end];
        let launch = Launch { program: self.program.clone(), arguments, standard, confinement };

        let bwrap = UnsupervisedProcess(self.starter.launch(launch).await?);
        let Some(first) = in_time(first_process(info)).await? else {
            return Err(StartError::Setup(explanation(stderr).await));
        };
        let first_fd = pidfd_open(first, PidfdFlags::empty()).map_err(io::Error::from)?;
        if group.is_none() {
            // Counted in the sandbox's own user namespace, and so not together with the account's other processes.
            let limit = Some(u64::from(job.limits.processes));
            prlimit(Some(first), Resource::Nproc, Rlimit { current: limit, maximum: limit })
                .map_err(io::Error::from)?;
        }
        if in_time(stdout.read(&mut [0])).await?.unwrap_or(0) == 0 {
            return Err(StartError::Setup(explanation(stderr).await));
        }
        let bwrap_fd = sys::ends(bwrap.0)?;
        rustix::io::write(&gate_key, b"\n").map_err(io::Error::from)?;
        let held = (claim, self.clone());
        let sandbox = Sandbox { bwrap: bwrap.attended(), bwrap_fd, first, first_fd, group, reaped: false, _held: held };
        Ok(watch(sandbox, job.limits, started, pump(stdout, stderr)))
    }

    /// A pipe whose writing end the task may open again by name, as `/dev/stderr`.
    fn output_pipe(&self) -> io::Result<(pipe::Receiver, OwnedFd)> {
        let (reader, writer) = new_pipe()?;
        if self.account.drop {
            fchown(&writer, Some(Uid::from_raw(self.account.uid)), Some(Gid::from_raw(self.account.gid)))?;
        }
        Ok((pipe::Receiver::from_owned_fd(reader)?, writer))
    }

    pub(super) fn confinement(
        &self,
        group: Option<&Group>,
        limits: &Limits,
        inherit: Vec<OwnedFd>,
    ) -> io::Result<Confinement> {
        let files = getrlimit(Resource::Nofile).maximum.unwrap_or(MAX_OPEN_FILES).min(MAX_OPEN_FILES);
        // No core dumps: the machine's handler for them runs outside of any sandbox.
        let mut resources = vec![(Resource::Core, 0), (Resource::Nofile, files)];
        if group.is_none() {
            resources.push((Resource::Data, limits.memory_bytes));
        }
        Ok(Confinement {
            cgroups: group.map(Group::entrances).transpose()?.unwrap_or_default(),
            limits: resources,
            niceness: if group.is_none() { NICENESS } else { 0 },
            account: self.account.drop.then(|| self.account.clone()),
            scope: self.scope.clone(),
            inherit,
        })
    }
}

pub(super) fn new_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe_with(PipeFlags::CLOEXEC)?)
}

/// Runs a step of the setup with a timeout.
async fn in_time<T>(step: impl Future<Output = T>) -> Result<T, StartError> {
    timeout(SETUP_TIMEOUT, step).await.map_err(|_| StartError::Setup("bubblewrap did not respond in time".into()))
}

/// A bubblewrap process that is not supervised yet; dropping it kills it.
pub(super) struct UnsupervisedProcess(pub(super) Pid);

impl UnsupervisedProcess {
    pub(super) fn attended(self) -> Pid {
        let pid = self.0;
        std::mem::forget(self);
        pid
    }
}

impl Drop for UnsupervisedProcess {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::KILL);
        let _ = sys::reap_killed(self.0);
    }
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
