//! Machine metrics from `/proc` only (N-01).

use std::fs;
use wire::v1::Load;

/// CPU time since boot, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ticks {
    busy: u64,
    all: u64,
}

/// A reader of metrics that remembers the last CPU time to compute the difference.
#[derive(Debug, Default)]
pub struct Metrics {
    last: Ticks,
}

impl Metrics {
    /// Reads the load of the machine; unreadable values are 0.
    pub fn read(&mut self) -> Load {
        let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let (memory, ticks) = (file("/proc/meminfo"), ticks(&file("/proc/stat")));
        let (busy, all) = (ticks.busy.saturating_sub(self.last.busy), ticks.all.saturating_sub(self.last.all));
        self.last = ticks;
        Load {
            load_millis: load_millis(&file("/proc/loadavg")),
            cores: std::thread::available_parallelism()
                .map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
            cpu_millis: u32::try_from((busy * 1000).checked_div(all).unwrap_or(0)).unwrap_or(1000),
            memory_bytes: memory_bytes(&memory, "MemTotal:"),
            memory_available_bytes: memory_bytes(&memory, "MemAvailable:"),
        }
    }
}

/// Returns the first number of proc_loadavg(5).
fn load_millis(loadavg: &str) -> u64 {
    let (whole, part) = loadavg.split(' ').next().and_then(|load| load.split_once('.')).unwrap_or(("0", "0"));
    whole.parse::<u64>().unwrap_or(0) * 1000 + part.parse::<u64>().unwrap_or(0) * 10
}

/// Returns a field of proc_meminfo(5).
fn memory_bytes(meminfo: &str, field: &str) -> u64 {
    let value = meminfo.lines().find_map(|line| line.strip_prefix(field));
    value.and_then(|value| value.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Parses the first line of proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal.
fn ticks(stat: &str) -> Ticks {
    let line = stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).unwrap_or_default();
    let numbers: Vec<u64> = line.split_whitespace().take(8).map(|number| number.parse().unwrap_or(0)).collect();
    let all = numbers.iter().sum();
    let idle: u64 = numbers.iter().skip(3).take(2).sum();
    Ticks { busy: all - idle, all }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n_01_proc_files_are_parsed() {
        assert_eq!(load_millis("1.25 0.40 0.10 2/345 6789\n"), 1250);
        assert_eq!(memory_bytes("MemTotal:       2048 kB\nMemAvailable:   1024 kB\n", "MemAvailable:"), 1 << 20);
        assert_eq!(ticks("cpu  10 0 20 60 10 0 0 0 0 0\ncpu0 1\n"), Ticks { busy: 30, all: 100 });
        assert_eq!((load_millis(""), memory_bytes("", "MemTotal:"), ticks("")), (0, 0, Ticks::default()));
    }

    #[test]
    fn n_01_this_machine_has_memory_and_cores() {
        let load = Metrics::default().read();
        assert!(load.memory_bytes >= load.memory_available_bytes && load.memory_bytes > 0 && load.cores > 0);
    }
}
