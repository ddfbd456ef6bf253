//! Cgroup settings for a task's limits, for v1 and v2.

use super::{Controller, Version};
use crate::sandbox::Limits;
use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::Path,
};

/// The CPU bandwidth period in microseconds.
const PERIOD: u64 = 100_000;

pub(super) fn apply(version: Version, controller: Controller, folder: &Path, limits: &Limits) -> io::Result<()> {
    let memory = limits.memory_bytes.to_string();
    // Bubblewrap and process 1 are in the group too.
    let processes = (u64::from(limits.processes) + 2).to_string();
    let quota = u64::from(limits.cpu_millis) * PERIOD / 1000;
    match (version, controller) {
        (Version::V1, Controller::Memory) => {
            set(folder, "memory.limit_in_bytes", &memory)?;
            // Memory and swap together, so that nothing is swapped beyond the limit.
            optional(set(folder, "memory.memsw.limit_in_bytes", &memory))
        }
        (Version::V2, Controller::Memory) => {
            set(folder, "memory.max", &memory)?;
            optional(set(folder, "memory.swap.max", "0"))?;
            // Out of memory, the kernel kills the whole task instead of one process at random (4.19).
            optional(set(folder, "memory.oom.group", "1"))
        }
        (_, Controller::Pids) => set(folder, "pids.max", &processes),
        (Version::V1, Controller::Cpu) => {
            set(folder, "cpu.cfs_period_us", &PERIOD.to_string())?;
            set(folder, "cpu.cfs_quota_us", &quota.to_string())
        }
        (Version::V2, Controller::Cpu) => set(folder, "cpu.max", &format!("{quota} {PERIOD}")),
    }
}

fn set(folder: &Path, file: &str, value: &str) -> io::Result<()> {
    let write = |path: &Path| OpenOptions::new().write(true).open(path)?.write_all(value.as_bytes());
    write(&folder.join(file)).map_err(|error| io::Error::new(error.kind(), format!("{file} = {value}: {error}")))
}

/// Ignores missing files: swap accounting and group kills are kernel options.
fn optional(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    const LIMITS: Limits =
        Limits { wall: Duration::from_secs(1), memory_bytes: 1 << 20, cpu_millis: 1500, processes: 9, disk_bytes: 0 };

    fn written(version: Version, files: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|file| fs::write(folder.path().join(file), "").unwrap());
        Controller::ALL.iter().for_each(|&controller| apply(version, controller, folder.path(), &LIMITS).unwrap());
        files.iter().map(|file| fs::read_to_string(folder.path().join(file)).unwrap()).collect()
    }

    #[test]
    fn both_cgroup_versions_get_the_same_limits() {
        let v2 = ["memory.max", "memory.swap.max", "memory.oom.group", "pids.max", "cpu.max"];
        assert_eq!(written(Version::V2, &v2), ["1048576", "0", "1", "11", "150000 100000"]);
        let v1 = [
            "memory.limit_in_bytes",
            "memory.memsw.limit_in_bytes",
            "pids.max",
            "cpu.cfs_period_us",
            "cpu.cfs_quota_us",
        ];
        assert_eq!(written(Version::V1, &v1), ["1048576", "1048576", "11", "100000", "150000"]);
    }

    #[test]
    fn swap_accounting_is_optional_and_a_memory_limit_is_required() {
        assert_eq!(written(Version::V2, &["memory.max", "pids.max", "cpu.max"]).len(), 3);
        assert!(apply(Version::V2, Controller::Memory, Path::new("/nowhere"), &LIMITS).is_err());
    }
}
