//! How much of a machine a task may use (S-10).
use crate::Invalid;
use serde::{Deserialize, Serialize};

/// A task's limits. Fields that are left out take the default; what is out of range is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Wall time in seconds, 1 to 86,400.
    pub timeout_seconds: u32,
    /// Memory in MiB, 16 to 65,536; everything written to the sandbox's folders counts too.
    pub memory_mib: u32,
    /// Thousandths of a core, 50 to 64,000.
    pub cpu_millis: u32,
    /// Processes and threads at once, 2 to 4,096.
    pub processes: u32,
    /// Size of the work folder in MiB, 1 to 65,536.
    pub disk_mib: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { timeout_seconds: 300, memory_mib: 512, cpu_millis: 1_000, processes: 64, disk_mib: 256 }
    }
}

impl Limits {
    /// The same limits, or which is out of its range.
    pub fn checked(self) -> Result<Self, Invalid> {
        let ranges = [
            ("timeout_seconds", self.timeout_seconds, 1..=86_400),
            ("memory_mib", self.memory_mib, 16..=65_536),
            ("cpu_millis", self.cpu_millis, 50..=64_000),
            ("processes", self.processes, 2..=4_096),
            ("disk_mib", self.disk_mib, 1..=65_536),
        ];
        match ranges.into_iter().find(|(_, value, range)| !range.contains(value)) {
            Some((field, value, range)) => {
                Err(Invalid::new(field, format!("{value} is not between {} and {}", range.start(), range.end())))
            }
            None => Ok(self),
        }
    }
}
