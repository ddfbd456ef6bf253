//! Standby process: waits in the cgroup of the next task and becomes its sandbox.
//!
//! Entering a cgroup takes about ten milliseconds on an idle machine, more than all the rest of a start, so the process has entered
//! before a task needs it. What differs from task to task is filled in afterwards: its limits, its ids, its files, its program.

use super::{
    Limits, StartError,
    cgroup::Group,
    parts::Parts,
    profile::Files,
    starter::Launch,
    sys::{self, Confinement},
};
use rustix::{
    fs::{Mode, fchmod},
    pipe::{PipeFlags, pipe_with},
    process::{Pid, PidfdFlags, Resource, Signal, getrlimit, kill_process, pidfd_open},
};
use std::{
    io,
    os::fd::{AsRawFd, OwnedFd, RawFd},
    sync::Arc,
};
use tokio::net::{UnixStream, unix::pipe};

/// The limit of open files per process.
const MAX_OPEN_FILES: u64 = 16_384;
/// A lower priority than ordinary programs, if no cgroup divides the CPU.
const NICENESS: i32 = 10;

/// A process that waits to become a sandbox, and what the runner holds of it.
#[derive(Debug)]
pub(super) struct Standby {
    pub process: UnsupervisedProcess,
    pub group: Option<Group>,
    /// The connection to its standard input, later that of process 1 of the sandbox.
    pub control: UnixStream,
    pub stdout: pipe::Receiver,
    pub stderr: pipe::Receiver,
    /// What bubblewrap reports on its descriptor with the number `info_number`.
    pub info: OwnedFd,
    pub info_number: RawFd,
    pub files: Files,
}

/// The process for the next start.
#[derive(Debug, Default)]
pub(super) enum Next {
    #[default]
    None,
    Starting,
    Waiting(Box<Standby>),
}

impl Standby {
    /// Starts a process. Its limits are `limits` if no cgroup has them.
    async fn new(parts: &Parts, limits: &Limits) -> Result<Self, StartError> {
        let group = parts.tree.as_ref().map(|tree| tree.group()).transpose()?;
        let (control, control_end) = control_socket()?;
        let (stdout, stdout_end) = output_pipe()?;
        let (stderr, stderr_end) = output_pipe()?;
        let (info, info_end) = new_pipe()?;
        let (info_number, files, init) = (info_end.as_raw_fd(), Files::new()?, Arc::new(parts.init.try_clone()?));
        let arguments = files.arguments(&init);
        let inherit = files.all().cloned().chain([init, Arc::new(info_end)]).collect();
        let confinement = parts.confinement(group.as_ref(), limits, inherit)?;
        let standard = [control_end, stdout_end, stderr_end];
        let launch = Launch { program: parts.program.clone(), arguments, standard, confinement };
        let process = UnsupervisedProcess(parts.starter.launch(launch).await?);
        Ok(Self { process, group, control, stdout, stderr, info, info_number, files })
    }

    /// Returns whether the process has not ended.
    fn is_waiting(&self) -> bool {
        pidfd_open(self.process.0, PidfdFlags::empty()).is_ok_and(|process| !sys::has_ended(&process))
    }
}

impl Parts {
    /// Takes the process that stands by, or starts one. Its limits are `limits` if no cgroup has them.
    pub async fn take_standby(&self, limits: &Limits) -> Result<Standby, StartError> {
        let waiting = match &mut *self.next.lock() {
            next @ Next::Waiting(_) => std::mem::take(next),
            Next::None | Next::Starting => Next::None,
        };
        match waiting {
            Next::Waiting(standby) if standby.is_waiting() => Ok(*standby),
            _ => Standby::new(self, limits).await,
        }
    }

    /// Starts the process for the next task, where a cgroup would delay its start.
    pub fn stand_by(self: &Arc<Self>, limits: Limits) {
        if self.tree.is_none() {
            return;
        }
        match &mut *self.next.lock() {
            next @ Next::None => *next = Next::Starting,
            Next::Starting | Next::Waiting(_) => return,
        }
        let parts = self.clone();
        tokio::spawn(async move {
            let next = match Standby::new(&parts, &limits).await {
                Ok(standby) => Next::Waiting(Box::new(standby)),
                Err(error) => {
                    // The next start makes its own, and reports what is wrong.
                    tracing::debug!(%error, "no process stands by");
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
}

/// A process that is not supervised yet; dropping it kills it.
#[derive(Debug)]
pub(super) struct UnsupervisedProcess(pub Pid);

impl UnsupervisedProcess {
    pub fn attended(self) -> Pid {
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

/// Returns a pipe whose writing end the task may open again by name, as `/dev/stderr`. Only processes that hold the
/// pipe can name it.
fn output_pipe() -> io::Result<(pipe::Receiver, OwnedFd)> {
    let (reader, writer) = new_pipe()?;
    fchmod(&writer, Mode::from_raw_mode(0o666))?;
    Ok((pipe::Receiver::from_owned_fd(reader)?, writer))
}

/// Returns a connection to process 1 of a sandbox, which is its standard input.
fn control_socket() -> io::Result<(UnixStream, OwnedFd)> {
    let (control, end) = std::os::unix::net::UnixStream::pair()?;
    control.set_nonblocking(true)?;
    Ok((UnixStream::from_std(control)?, end.into()))
}

fn new_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe_with(PipeFlags::CLOEXEC)?)
}
