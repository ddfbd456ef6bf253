//! Resource limits of tasks (S-10).
use crate::Invalid;
use serde::{Deserialize, Serialize};

/// The resource limits of a task. Omitted fields take the default; values out of range are an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// 1 to 86,400 seconds of wall time.
    pub timeout_seconds: u32,
    /// 16 to 65,536 MiB; files in the sandbox's folders count too.
    pub memory_mib: u32,
    /// 50 to 64,000 millicores.
    pub cpu_millis: u32,
    /// 2 to 4,096 concurrent processes and threads.
    pub processes: u32,
    /// 1 to 65,536 MiB for the working directory.
    pub disk_mib: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { timeout_seconds: 300, memory_mib: 512, cpu_millis: 1_000, processes: 64, disk_mib: 256 }
    }
}

impl Limits {
    /// Validates the range of every limit.
    ///
    /// # Errors
    /// Fails with the first of [`Self::errors`].
    pub fn checked(self) -> Result<Self, Invalid> {
        self.errors().next().map_or(Ok(self), Err)
    }

    /// Returns the errors of all limits.
    pub fn errors(self) -> impl Iterator<Item = Invalid> {
        let ranges = [
            ("timeout_seconds", self.timeout_seconds, 1..=86_400),
            ("memory_mib", self.memory_mib, 16..=65_536),
            ("cpu_millis", self.cpu_millis, 50..=64_000),
            ("processes", self.processes, 2..=4_096),
            ("disk_mib", self.disk_mib, 1..=65_536),
        ];
        ranges.into_iter().filter(|(_, value, range)| !range.contains(value)).map(|(field, value, range)| {
            Invalid::new(field, format!("{value} is not between {} and {}", range.start(), range.end()))
        })
    }
}
