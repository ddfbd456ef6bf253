//! Supervision of a running sandbox: time limit, cancellation and cleanup.

use super::{
    Chunk, End, Limits, Outcome,
    cgroup::Group,
    init::{self, Report},
    job::MAX_TIME_LIMIT,
    names::NameReservation,
    parts::Parts,
    processes,
    sys::{self, ProcessExit},
    task_ids::IdReservation,
};
use rustix::process::{Pid, Signal, pidfd_send_signal};
use std::{
    io::{Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::unix::AsyncFd,
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval_at, sleep_until},
};

/// The grace period between the termination signal and the kill at the time limit.
const GRACE_PERIOD: Duration = Duration::from_secs(5);
/// Longer than any time limit.
const FAR_FUTURE: Duration = MAX_TIME_LIMIT.saturating_mul(2);
/// The polling interval for a sandbox whose memory no cgroup counts.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// The timeout for bubblewrap to reap a killed sandbox, before bubblewrap is killed as well.
const REAP_TIMEOUT: Duration = Duration::from_secs(2);

/// A running task. Unread [`output`](Self::output) blocks the task.
#[derive(Debug)]
pub struct Running {
    /// Ends when no process can write to it. If dropped, the task's next write fails.
    pub output: mpsc::Receiver<Chunk>,
    pub handle: Handle,
}

/// A handle to stop a task and to wait for its end; can be cloned and outlive it. Dropping it does not stop the task.
#[derive(Clone, Debug)]
pub struct Handle {
    stop: mpsc::UnboundedSender<Duration>,
    outcome: watch::Receiver<Option<Outcome>>,
}

impl Handle {
    /// Sends SIGTERM to all processes and kills the remaining ones after `grace`. A second call can only shorten it.
    pub fn stop(&self, grace: Duration) {
        let _ = self.stop.send(grace); // the task has already ended
    }

    /// Waits for the end, after which no process, mount or file of the task is left; its empty cgroup is removed at once or soon.
    pub async fn wait(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        let ended = outcome.wait_for(Option::is_some).await.ok().and_then(|ended| ended.clone());
        ended.unwrap_or_else(|| Outcome {
            end: End::Failed { cause: "the runner ended before the task did".into() },
            out_of_memory: false,
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
            peak_memory: None,
        })
    }
}

/// All resources of one task. Dropping it kills the task and removes them.
#[derive(Debug)]
pub(super) struct Sandbox {
    pub bwrap: Pid,
    pub bwrap_fd: AsyncFd<OwnedFd>,
    /// The connection to process 1; not blocking.
    pub control: UnixStream,
    /// Process 1 of the sandbox, bubblewrap's child.
    pub first: Pid,
    pub first_fd: OwnedFd,
    /// `None` if only resource limits apply.
    pub group: Option<Group>,
    /// Whether the network namespace, and so its sockets, are the task's own.
    pub own_network: bool,
    pub reaped: bool,
    /// Released after everything above, as is what follows.
    pub id: IdReservation,
    /// The name, the thread that bubblewrap dies with, the cgroups.
    pub _held: (NameReservation, Arc<Parts>),
}

impl Sandbox {
    /// Returns what process 1 reported before it ended.
    fn report(&self) -> Option<Report> {
        let mut bytes = [0; 3];
        let length = (&self.control).read(&mut bytes).ok()?;
        Report::parse(bytes.get(..length)?)
    }

    fn kill_first(&self) {
        let _ = pidfd_send_signal(&self.first_fd, Signal::KILL);
    }

    fn kill_all(&self) {
        self.kill_first();
        let _ = pidfd_send_signal(self.bwrap_fd.get_ref(), Signal::KILL);
        if let Some(group) = &self.group {
            group.kill();
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill_all();
            let _ = sys::reap_killed(self.bwrap);
        }
        self.id.ended = sys::has_ended(&self.first_fd);
    }
}

/// Supervises a sandbox whose task has just started.
pub(super) fn watch(sandbox: Sandbox, limits: Limits, started: Instant, output: mpsc::Receiver<Chunk>) -> Running {
    let (stop, stops) = mpsc::unbounded_channel();
    let (sender, outcome) = watch::channel(None);
    tokio::spawn(async move {
        let outcome = supervise(sandbox, limits, started, stops).await;
        let _ = sender.send(Some(outcome)); // no waiter is left
    });
    Running { output, handle: Handle { stop, outcome } }
}

async fn supervise(
    mut sandbox: Sandbox,
    limits: Limits,
    started: Instant,
    mut stops: mpsc::UnboundedReceiver<Duration>,
) -> Outcome {
    let mut ending: Option<End> = None;
    let mut kill_at = started + FAR_FUTURE;
    let mut peak = 0;
    let mut look = interval_at(Instant::now() + POLL_INTERVAL, POLL_INTERVAL);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);

    let ended = loop {
        tokio::select! {
            ready = sandbox.bwrap_fd.readable() => match (ready, sys::reap(sandbox.bwrap)) {
                (Ok(mut ready), Ok(None)) => ready.clear_ready(), // spurious wakeup
                (_, reaped) => break reaped,
            },
            Some(grace) = stops.recv() => {
                begin_ending(&mut ending, End::Stopped, &sandbox);
                kill_at = kill_at.min(Instant::now() + grace);
            }
            () = sleep_until(started + limits.wall), if ending.is_none() => {
                begin_ending(&mut ending, End::TimedOut, &sandbox);
                kill_at = Instant::now() + GRACE_PERIOD;
            }
            () = sleep_until(kill_at) => {
                kill_and_wait(&sandbox).await;
                break sys::reap_killed(sandbox.bwrap);
            }
            _ = look.tick(), if sandbox.group.is_none() => {
                let used = processes::resident(sandbox.first);
                peak = used.max(peak);
                let sockets = if sandbox.own_network { processes::socket_capacity(sandbox.first) } else { 0 };
                if used.max(sockets) > limits.memory_bytes {
                    ending.get_or_insert(End::OutOfMemory);
                    kill_at = Instant::now();
                }
            }
        }
    };

    sandbox.reaped = true;
    let wall = started.elapsed();
    let out_of_memory = sandbox.group.as_ref().is_some_and(Group::ran_out_of_memory);
    let report = sandbox.report();
    let peak_memory = sandbox.group.as_ref().map_or((peak > 0).then_some(peak), Group::peak_memory);
    let group = sandbox.group.take();
    // Removing the cgroup can block on kernel locks, so it runs in the background. It must not outlive the parent folders.
    let (removed, has_ended) = ((group, sandbox._held.1.clone()), sys::has_ended(&sandbox.first_fd));
    drop(sandbox);
    let removal = tokio::task::spawn_blocking(move || drop(removed));
    if !has_ended {
        let _ = removal.await; // kills what is left
    }

    let (end, cpu) = match ended {
        Ok(Some(ended)) => (ending.unwrap_or_else(|| end_of(ended, report, out_of_memory)), ended.cpu),
        _ => (End::Failed { cause: "the process of the sandbox cannot be found".into() }, Duration::ZERO),
    };
    let out_of_memory = out_of_memory || end == End::OutOfMemory;
    Outcome { end, out_of_memory, wall, cpu, peak_memory }
}

/// Has process 1 send the termination signal to all others, once.
fn begin_ending(ending: &mut Option<End>, why: End, sandbox: &Sandbox) {
    if ending.is_none() {
        *ending = Some(why);
        let _ = (&sandbox.control).write(&[init::TERMINATE]); // it has ended
    }
}

/// Kills process 1 and its namespace; bubblewrap reaps it, so that its CPU usage is known.
async fn kill_and_wait(sandbox: &Sandbox) {
    sandbox.kill_first();
    if tokio::time::timeout(REAP_TIMEOUT, sandbox.bwrap_fd.readable()).await.is_err() {
        sandbox.kill_all();
    }
}

/// The number of SIGKILL (signal(7)).
const SIGKILL: u8 = 9;

/// A task that survives the end of one of its processes at the memory limit decides itself how it ends.
fn end_of(ended: ProcessExit, report: Option<Report>, out_of_memory: bool) -> End {
    match report {
        Some(Report::Exited(status)) => End::Exited(status.into()),
        None | Some(Report::Signaled(SIGKILL)) if out_of_memory => End::OutOfMemory,
        Some(Report::Signaled(signal)) => End::Signaled(signal.into()),
        None => End::Failed { cause: format!("the sandbox was killed from outside ({})", ended.status) },
    }
}
