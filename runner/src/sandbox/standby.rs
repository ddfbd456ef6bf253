//! Standby process: waits in the cgroup of the next task and becomes its sandbox.
//!
//! Entering a cgroup takes about ten milliseconds on an idle machine, more than all the rest of a start, so the process has entered
//! before a task needs it. What differs from task to task is filled in afterwards: its limits, its ids, its files, its program.

use super::{
    cgroup::Group,
    profile::Files,
    starter::{Launch, Starter},
    sys::{self, Confinement},
};
use rustix::{
    fs::{Mode, fchmod},
    pipe::{PipeFlags, pipe_with},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
};
use std::{
    io,
    os::fd::{AsRawFd, OwnedFd, RawFd},
    path::PathBuf,
    sync::Arc,
};
use tokio::net::{UnixStream, unix::pipe};

/// A process that waits to become a sandbox, and what the runner holds of it.
#[derive(Debug)]
pub(super) struct Standby {
    pub process: UnsupervisedProcess,
    pub group: Option<Group>,
    /// The connection to its standard input, later that of process 1 of the sandbox.
    pub control: UnixStream,
    pub stdout: pipe::Receiver,
    pub stderr: pipe::Receiver,
    /// The reading end of the pipe on which bubblewrap reports; its descriptor there has the number `info_number`.
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
    /// Starts a process in `group`, with the confinement that `confine` returns for what it inherits.
    pub async fn new(
        program: PathBuf,
        init: &OwnedFd,
        starter: &Starter,
        group: Option<Group>,
        confine: impl FnOnce(Option<&Group>, Vec<Arc<OwnedFd>>) -> io::Result<Confinement>,
    ) -> io::Result<Self> {
        let (control, control_end) = control_socket()?;
        let (stdout, stdout_end) = output_pipe()?;
        let (stderr, stderr_end) = output_pipe()?;
        let (info, info_end) = new_pipe()?;
        let (info_number, files, init) = (info_end.as_raw_fd(), Files::new()?, Arc::new(init.try_clone()?));
        let arguments = files.arguments(&init);
        let inherit = files.all().cloned().chain([init, Arc::new(info_end)]).collect();
        let confinement = confine(group.as_ref(), inherit)?;
        let standard = [control_end, stdout_end, stderr_end];
        let process = UnsupervisedProcess(starter.launch(Launch { program, arguments, standard, confinement }).await?);
        Ok(Self { process, group, control, stdout, stderr, info, info_number, files })
    }

    /// Returns whether the process has not ended.
    pub fn is_waiting(&self) -> bool {
        pidfd_open(self.process.0, PidfdFlags::empty()).is_ok_and(|process| !sys::has_ended(&process))
    }
}

/// A process that is not supervised yet; dropping it kills it.
#[derive(Debug)]
pub(super) struct UnsupervisedProcess(pub Pid);

impl UnsupervisedProcess {
    /// Returns the process ID; dropping no longer kills the process.
    pub fn into_supervised(self) -> Pid {
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
