//! Process 1 of a sandbox: starts the task, reaps orphans, and reports how the task ended.
//!
//! It is a mode of the runner's program. Its standard input is a socket to the runner, which no other process of the sandbox can
//! open. Over it go single bytes (`READY`, `GO` with the task's program, `TERMINATE`) and, at the end, a `Report`.
//!
//! The task is an ordinary process, whose signals have their usual effect. It ends with its first process, and all that is left
//! then is killed by the kernel, as process 1 ends.

use super::sys;
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    process::{DumpableBehavior, Pid, Signal, WaitOptions, WaitStatus, set_dumpable_behavior, wait},
};
use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Read, Write},
    os::{fd::BorrowedFd, unix::ffi::OsStrExt},
    process::{Command, ExitCode, Stdio},
};

/// The only argument of the runner's program in this mode.
pub const ARGUMENT: &str = "sandbox-init";

/// The sandbox is complete.
pub(super) const READY: u8 = b'r';
/// Start the task: its program and its arguments follow, as [`go`] writes them.
const GO: u8 = b'g';
/// Terminate all processes of the task.
pub(super) const TERMINATE: u8 = b't';

/// How the first process of a task ended. As bytes: `e` or `s`, then a number from 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Report {
    Exited(u8),
    Signaled(u8),
}

impl Report {
    fn bytes(self) -> [u8; 2] {
        match self {
            Self::Exited(status) => [b'e', status],
            Self::Signaled(signal) => [b's', signal],
        }
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [b'e', status] => Some(Self::Exited(*status)),
            [b's', signal @ 1..=64] => Some(Self::Signaled(*signal)),
            _ => None,
        }
    }

    /// `None` for a process that was only stopped or continued.
    fn of(status: WaitStatus) -> Option<Self> {
        let byte = |number: i32| u8::try_from(number).ok();
        let exited = status.exit_status().and_then(byte).map(Self::Exited);
        exited.or_else(|| status.terminating_signal().and_then(byte).map(Self::Signaled))
    }
}

/// Returns the message that starts a task: its length in four bytes, and words that each end with a NUL.
pub(super) fn go(argv: &[String]) -> io::Result<Vec<u8>> {
    let words: Vec<u8> = argv.iter().flat_map(|word| word.bytes().chain([0])).collect();
    let length = u32::try_from(words.len()).map_err(io::Error::other)?;
    Ok([&[GO], &length.to_be_bytes()[..], &words].concat())
}

/// Runs the task that the runner names, and returns when it has ended.
pub fn run() -> ExitCode {
    match supervise() {
        Ok(report) => {
            let _ = rustix::io::write(control(), &report.bytes()); // without a runner, the sandbox ends anyway
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "castellan: process 1 of the sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

fn control() -> BorrowedFd<'static> {
    rustix::stdio::stdin()
}

fn supervise() -> io::Result<Report> {
    // So that no process of the task can open the files and the memory of this one in /proc (E1).
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    sys::close_all_on_exec()?;
    let children = sys::watch_children()?;
    rustix::io::write(control(), &[READY])?;
    if next_byte()? != Some(GO) {
        return Err(io::Error::other("the runner has ended"));
    }
    let program = read_program()?;
    let first = match start(&program) {
        Ok(first) => first,
        Err(error) => {
            let name = program.first().map(|name| name.to_string_lossy()).unwrap_or_default();
            let _ = writeln!(io::stderr(), "{name}: {error}");
            // As shells report it (POSIX, XCU 2.8.2).
            return Ok(Report::Exited(if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 }));
        }
    };
    let (mut report, mut terminating) = (None, false);
    loop {
        let mut ready = [PollFd::from_borrowed_fd(control(), PollFlags::IN), PollFd::new(&children, PollFlags::IN)];
        poll(&mut ready, None)?;
        let [commanded, child_ended] = ready.map(|it| !it.revents().is_empty());
        if commanded {
            match next_byte()? {
                Some(TERMINATE) => {
                    terminating = true;
                    terminate_all();
                }
                Some(_) => {}
                None => return Err(io::Error::other("the runner has ended")),
            }
        }
        if child_ended {
            // One record for however many children have ended since the last one (signalfd(2)).
            let _ = rustix::io::read(&children, &mut [0; size_of::<libc::signalfd_siginfo>()])?;
        }
        let left = reap(first, &mut report)?;
        if let Some(report) = report.filter(|_| !(terminating && left)) {
            return Ok(report);
        }
    }
}

/// Returns the next command of the runner; `None` at the end.
fn next_byte() -> io::Result<Option<u8>> {
    let mut byte = [0];
    Ok((rustix::io::retry_on_intr(|| rustix::io::read(control(), &mut byte))? > 0).then_some(byte[0]))
}

/// Reads what [`go`] wrote after its first byte.
fn read_program() -> io::Result<Vec<OsString>> {
    let mut control = File::from(control().try_clone_to_owned()?);
    let mut length = [0; 4];
    control.read_exact(&mut length)?;
    let mut words = vec![];
    control.take(u32::from_be_bytes(length).into()).read_to_end(&mut words)?;
    Ok(words
        .split_inclusive(|byte| *byte == 0)
        .map(|word| OsStr::from_bytes(word.strip_suffix(&[0]).unwrap_or(word)).to_owned())
        .collect())
}

fn start(program: &[OsString]) -> io::Result<Pid> {
    let [name, arguments @ ..] = program else { return Err(io::ErrorKind::NotFound.into()) };
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::null());
    let child = sys::spawn_as_session(command)?;
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| io::Error::other("a process without an id"))
}

/// A stopped process handles no signal before it continues.
fn terminate_all() {
    for signal in [Signal::TERM, Signal::CONT] {
        let _ = sys::signal_all_others(signal); // none is left
    }
}

/// Reaps what has ended, orphans included. Returns whether processes are left.
fn reap(first: Pid, report: &mut Option<Report>) -> io::Result<bool> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => {
                if pid == first {
                    *report = Report::of(status);
                }
            }
            Ok(None) => return Ok(true),
            Err(Errno::CHILD) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Report;

    #[test]
    fn only_a_possible_end_is_read_from_a_report() {
        for report in [Report::Exited(0), Report::Exited(255), Report::Signaled(1), Report::Signaled(64)] {
            assert_eq!(Report::parse(&report.bytes()), Some(report));
        }
        for wrong in [&b""[..], b"e", b"s\0", b"s\x41", b"x\x01", b"e\0e"] {
            assert_eq!(Report::parse(wrong), None, "{wrong:?}");
        }
    }
}
