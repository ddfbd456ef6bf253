//! Sandbox starter: the only thread that starts sandboxes.
//!
//! `--die-with-parent` follows the thread that called fork, not the process: a sandbox that is started from a worker
//! of an asynchronous runtime dies at random with that worker (E8).

use super::sys::{self, Confinement};
use rustix::process::Pid;
use std::{io, os::fd::OwnedFd, path::PathBuf, sync::mpsc, thread};
use tokio::sync::oneshot;

/// A request to start a sandbox.
#[derive(Debug)]
pub(super) struct Launch {
    pub program: PathBuf,
    pub arguments: [String; 5],
    pub standard: [OwnedFd; 3],
    pub confinement: Confinement,
}

type Request = (Launch, oneshot::Sender<io::Result<Pid>>);

/// A handle to the thread, held by the executor and everything that it runs: the thread and its sandboxes end with the
/// last handle.
#[derive(Debug)]
pub(super) struct Starter(mpsc::Sender<Request>);

impl Starter {
    pub fn new() -> io::Result<Self> {
        let (requests, incoming) = mpsc::channel::<Request>();
        thread::Builder::new().name("sandbox-starter".into()).spawn(move || {
            for (launch, reply) in incoming {
                let Launch { program, arguments, standard, confinement } = launch;
                let started = sys::spawn(&program, &arguments, standard, confinement);
                if let Err(Ok(orphan)) = reply.send(started) {
                    // The caller was cancelled, so nothing would ever stop this sandbox.
                    let _ = rustix::process::kill_process(orphan, rustix::process::Signal::KILL);
                    let _ = sys::reap_killed(orphan);
                }
            }
        })?;
        Ok(Self(requests))
    }

    pub async fn launch(&self, launch: Launch) -> io::Result<Pid> {
        let gone = || io::Error::other("the thread that starts sandboxes has ended");
        let (reply, started) = oneshot::channel();
        self.0.send((launch, reply)).map_err(|_| gone())?;
        started.await.map_err(|_| gone())?
    }
}
