//! Process metrics from the kernel: memory, children, CPU affinity.
use anyhow::{Context, Result};
use rustix::{
    process::Pid,
    thread::{CpuSet, sched_setaffinity},
};
use std::fs;

/// Returns the proportional memory of a process in MB: shared memory is divided among the processes that share it.
///
/// # Errors
/// Fails if the process has ended.
pub fn memory(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).context("smaps_rollup has no Pss line")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024.0 / 1e6)
}

/// Returns the children of a process.
pub fn children(pid: u32) -> Vec<u32> {
    let text = threads(pid)
        .into_iter()
        .filter_map(|thread| fs::read_to_string(format!("/proc/{pid}/task/{thread}/children")).ok());
    text.flat_map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<_>>()).collect()
}

/// Pins a process and its current and future threads to one CPU; `None` allows all again.
pub fn keep_on(pid: u32, processor: Option<usize>) {
    let mut set = CpuSet::new();
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    for number in 0..all.max(2) {
        if processor.is_none_or(|only| only == number) {
            set.set(number);
        }
    }
    for thread in threads(pid) {
        // A thread may have just ended; with a single CPU, nothing changes.
        let _ = i32::try_from(thread).map(|raw| sched_setaffinity(Pid::from_raw(raw), &set));
    }
}

fn threads(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_have_memory_and_a_child_is_found() {
        let own = std::process::id();
        assert!(memory(own).unwrap() > 0.1);
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(children(own).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
