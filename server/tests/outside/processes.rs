//! Processes of this machine, read from /proc.
use crate::timeouts::until_within;
use std::{collections::BTreeSet, fs, time::Duration};

/// A process, identified by its id and start time because ids are reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    pub pid: u32,
    started: u64,
}

impl Process {
    /// Returns the command line, separated by spaces.
    pub fn command(self) -> String {
        let line = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ")
    }

    /// Returns whether the process runs and is not a zombie.
    pub fn is_alive(self) -> bool {
        stat(self.pid).is_some_and(|(_, started, zombie)| started == self.started && !zombie)
    }
}

/// Returns all descendants of a process.
pub fn descendants(of: u32) -> BTreeSet<Process> {
    let all: Vec<_> =
        process_ids().filter_map(|pid| stat(pid).map(|(parent, started, _)| (pid, parent, started))).collect();
    let (mut family, mut found) = (BTreeSet::from([of]), BTreeSet::new());
    loop {
        let before = found.len();
        for (pid, _, started) in
            all.iter().filter(|(_, parent, _)| family.contains(parent)).copied().collect::<Vec<_>>()
        {
            family.insert(pid);
            found.insert(Process { pid, started });
        }
        if found.len() == before {
            return found;
        }
    }
}

/// Returns the processes of the tasks below a server: not its runner, and not the copy of the runner that stands by.
pub fn task_processes(server: u32) -> BTreeSet<Process> {
    descendants(server).into_iter().filter(|process| !process.command().contains("castellan-runner")).collect()
}

/// Returns the processes whose command line contains this text.
pub fn processes_mentioning(text: &str) -> Vec<Process> {
    let own = std::process::id();
    let all = process_ids().filter(|pid| *pid != own).filter_map(|pid| Some(Process { pid, started: stat(pid)?.1 }));
    all.filter(|process| process.command().contains(text)).collect()
}

/// Returns the local runner of a server.
pub fn runner_of(server: u32) -> Option<Process> {
    descendants(server).into_iter().find(|process| process.command().contains("castellan-runner"))
}

/// Waits until all processes have exited.
pub async fn until_ended(processes: &BTreeSet<Process>, timeout: Duration) {
    until_within(timeout, &format!("all processes have ended: {processes:?}"), async || {
        (!processes.iter().any(|process| process.is_alive())).then_some(())
    })
    .await;
}

fn process_ids() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Returns parent, start time and whether it is a zombie (proc_pid_stat(5): fields 3, 4 and 22).
fn stat(pid: u32) -> Option<(u32, u64, bool)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<_> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some((fields.get(1)?.parse().ok()?, fields.get(19)?.parse().ok()?, fields.first() == Some(&"Z")))
}
