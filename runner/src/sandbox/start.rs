//! Sandbox start: a standby process becomes bubblewrap, and then the task starts.

use super::{
    Job, Limits, Network, StartError,
    cgroup::Group,
    init,
    output::pump,
    parts::Parts,
    running::{Running, Sandbox, watch},
    standby::{Next, Standby},
    sys::{self, Confinement},
};
use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Resource, Rlimit, getrlimit, pidfd_open, prlimit},
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
/// The limit of open files per process.
const MAX_OPEN_FILES: u64 = 16_384;
/// A lower priority than ordinary programs, if no cgroup divides the CPU.
const NICENESS: i32 = 10;

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
        // If the process has ended, what it wrote to its standard error explains it.
        let _ = control.write_all(&sys::release(id.id)).await;

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
        self.start_standby(job.limits);
        let (held, own_network) = ((claim, self.clone()), job.network == Network::Isolated);
        let sandbox = Sandbox {
            bwrap: process.into_supervised(),
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

    async fn new_standby(&self, limits: &Limits) -> Result<Standby, StartError> {
        let group = self.tree.as_ref().map(|tree| tree.group()).transpose()?;
        let confine = |group: Option<&Group>, inherit| self.confinement(group, limits, inherit);
        Ok(Standby::new(self.program.clone(), &self.init, &self.starter, group, confine).await?)
    }

    /// Takes the standby process, or starts one. Without a cgroup, it gets `limits` as resource limits.
    async fn take_standby(&self, limits: &Limits) -> Result<Standby, StartError> {
        let waiting = match &mut *self.next.lock() {
            next @ Next::Waiting(_) => std::mem::take(next),
            Next::None | Next::Starting => Next::None,
        };
        match waiting {
            Next::Waiting(standby) if standby.is_waiting() => Ok(*standby),
            _ => self.new_standby(limits).await,
        }
    }

    /// Starts the standby process for the next task. Without cgroups none is needed.
    fn start_standby(self: &Arc<Self>, limits: Limits) {
        if self.tree.is_none() {
            return;
        }
        match &mut *self.next.lock() {
            next @ Next::None => *next = Next::Starting,
            Next::Starting | Next::Waiting(_) => return,
        }
        let parts = self.clone();
        tokio::spawn(async move {
            let next = match parts.new_standby(&limits).await {
                Ok(standby) => Next::Waiting(Box::new(standby)),
                Err(error) => {
                    // The next task starts its own process and reports the error.
                    tracing::debug!(%error, "cannot start the standby process");
                    Next::None
                }
            };
            *parts.next.lock() = next;
        });
    }

    fn confinement(
        &self,
        group: Option<&Group>,
        limits: &Limits,
        inherit: Vec<Arc<OwnedFd>>,
    ) -> io::Result<Confinement> {
        let files = getrlimit(Resource::Nofile).maximum.unwrap_or(MAX_OPEN_FILES).min(MAX_OPEN_FILES);
        // No core dumps: the machine's handler for them runs outside of any sandbox.
        let mut resources = vec![(Resource::Core, 0), (Resource::Nofile, files)];
        if group.is_none() {
            resources.push((Resource::Data, limits.memory_bytes));
        }
        if self.ids.are_separate() {
            resources.extend(self.quotas.resources());
            // Bubblewrap and process 1 are processes of the same user.
            let processes = group.is_none().then_some(u64::from(limits.processes).saturating_add(2));
            resources.extend(processes.map(|processes| (Resource::Nproc, processes)));
        }
        Ok(Confinement {
            cgroups: group.map(Group::entrances).transpose()?.unwrap_or_default(),
            limits: resources,
            niceness: if group.is_none() { NICENESS } else { 0 },
            user_namespace: self.user_namespace.clone(),
            terminals: self.terminals.clone(),
            scope: self.scope.clone(),
            inherit,
        })
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
