//! Looks into a sandbox from outside: who is in it, what they hold, and whom a signal reaches.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// `first` and everything it begot that still runs. What is orphaned in the sandbox becomes a child of `first`, its process 1.
fn family(first: Pid) -> Vec<Pid> {
    let mut found = vec![first];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        found.extend(children(pid));
        next += 1;
    }
    found
}

fn children(pid: Pid) -> Vec<Pid> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|id| Pid::from_raw(id.parse().ok()?)).collect::<Vec<_>>())
        .collect()
}

/// Asks everything in the sandbox to end. Says whether anything is left that could.
///
/// Process 1 ignores a signal it has no handler for, and a shell whose command was just terminated goes on
/// to the next one. So process 1 is frozen where it does not handle the signal itself; its end is the kill that follows.
pub(super) fn terminate(first: Pid) -> bool {
    let handles = catches_term(first);
    if !handles {
        let _ = kill_process(first, Signal::STOP);
    }
    let others = others_alive(first);
    for &pid in &others {
        let _ = kill_process(pid, Signal::TERM);
    }
    if handles {
        let _ = kill_process(first, Signal::TERM);
    }
    handles || !others.is_empty()
}

/// Whether a termination under way still has something to wait for.
pub(super) fn winding_down(first: Pid) -> bool {
    catches_term(first) || !others_alive(first).is_empty()
}

fn others_alive(first: Pid) -> Vec<Pid> {
    family(first)
        .into_iter()
        .skip(1)
        .filter(|&pid| status(pid, "State:").is_some_and(|state| !state.starts_with(['Z', 'X'])))
        .collect()
}

fn catches_term(pid: Pid) -> bool {
    const TERM_BIT: u64 = 1 << (libc::SIGTERM - 1);
    status(pid, "SigCgt:").and_then(|mask| u64::from_str_radix(&mask, 16).ok()).is_some_and(|mask| mask & TERM_BIT != 0)
}

/// Bytes of memory in use by all of them that no file on a sized mount accounts for.
pub(super) fn resident(first: Pid) -> u64 {
    let kib =
        |pid, field| status(pid, field).and_then(|value| value.split(' ').next()?.parse::<u64>().ok()).unwrap_or(0);
    family(first).into_iter().map(|pid| 1024 * (kib(pid, "RssAnon:") + kib(pid, "RssShmem:"))).sum()
}

/// A field of proc_pid_status(5).
fn status(pid: Pid, field: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(field)).map(|value| value.trim().to_owned())
}
