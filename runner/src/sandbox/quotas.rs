//! Shares of kernel resources that are limited per user or for the whole machine (E20).

use rustix::process::{Resource, getrlimit};
use std::{ffi::CStr, ffi::CString, fs, sync::Arc};

/// The maximum number of queued signals and timers of a task.
const MAX_SIGNALS: u64 = 4_096;
/// The maximum size of POSIX message queues of a task in bytes, the kernel's default for a user.
const MAX_QUEUE_BYTES: u64 = 819_200;
/// The maximum number of pseudoterminals of a task.
const MAX_TERMINALS: u64 = 64;

/// The kernel resources of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quotas {
    signals: u64,
    queue_bytes: u64,
    terminals: u64,
    inotify_instances: u64,
    inotify_watches: u64,
}

/// A kernel setting of a user namespace.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub path: &'static CStr,
    pub value: String,
}

impl Quotas {
    /// `tasks`: the maximum number of concurrent tasks. `summed`: whether the kernel also counts what all tasks use for the
    /// account of the runner, so that its limits must be divided.
    pub fn new(tasks: u32, summed: bool) -> Self {
        let number = |path: &str| fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u64>().ok());
        let limit = |resource| getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let terminals = number("/proc/sys/kernel/pty/max").unwrap_or(4_096);
        let reserved = number("/proc/sys/kernel/pty/reserve").unwrap_or(1_024);
        let totals = Self {
            signals: limit(Resource::Sigpending),
            queue_bytes: limit(Resource::Msgqueue),
            terminals: terminals.saturating_sub(reserved),
            inotify_instances: number("/proc/sys/user/max_inotify_instances").unwrap_or(128),
            inotify_watches: number("/proc/sys/user/max_inotify_watches").unwrap_or(8_192),
        };
        totals.divided(tasks, summed)
    }

    /// Leaves one more share for everything else of the account or the machine.
    fn divided(&self, tasks: u32, summed: bool) -> Self {
        let shares = u64::from(tasks).saturating_add(1);
        let share = |total: u64| total.checked_div(shares).unwrap_or(total).max(1);
        let own = |total| if summed { share(total) } else { total };
        Self {
            signals: own(self.signals).min(MAX_SIGNALS),
            queue_bytes: own(self.queue_bytes).min(MAX_QUEUE_BYTES),
            terminals: share(self.terminals).min(MAX_TERMINALS),
            inotify_instances: own(self.inotify_instances),
            inotify_watches: own(self.inotify_watches),
        }
    }

    pub fn resources(&self) -> [(Resource, u64); 2] {
        [(Resource::Sigpending, self.signals), (Resource::Msgqueue, self.queue_bytes)]
    }

    /// The settings of the user namespace of an unprivileged runner, where they apply to each user id; `sharing` is the
    /// number of tasks that have the same id.
    pub fn settings(&self, sharing: u32) -> Vec<Setting> {
        let value = |each: u64| each.saturating_mul(sharing.max(1).into()).to_string();
        vec![
            Setting { path: c"/proc/sys/user/max_inotify_instances", value: value(self.inotify_instances) },
            Setting { path: c"/proc/sys/user/max_inotify_watches", value: value(self.inotify_watches) },
        ]
    }

    /// The mount options of a task's pseudoterminals.
    pub fn terminal_options(&self) -> Option<Arc<CString>> {
        let options = format!("newinstance,ptmxmode=0666,mode=620,max={}", self.terminals);
        CString::new(options).ok().map(Arc::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trap_e20_limits_of_the_account_are_divided_with_one_share_to_spare() {
        let totals = Quotas {
            signals: 30_000,
            queue_bytes: 819_200,
            terminals: 3_072,
            inotify_instances: 128,
            inotify_watches: 8_192,
        };
        let divided = totals.divided(7, true);
        assert_eq!(divided.resources(), [(Resource::Sigpending, 3_750), (Resource::Msgqueue, 102_400)]);
        assert_eq!(divided.settings(1)[0].value, "16");
        assert!(divided.terminal_options().unwrap().to_str().unwrap().ends_with("max=64"));
        assert_eq!(divided.settings(7)[0].value, "112", "one share is left for the account itself");
        let own = totals.divided(7, false);
        assert_eq!(own.resources(), [(Resource::Sigpending, 4_096), (Resource::Msgqueue, 819_200)]);
        // Pseudoterminals are limited for the machine.
        assert!(totals.divided(1_024, false).terminal_options().unwrap().to_str().unwrap().ends_with("max=2"));
        assert_eq!(totals.divided(1_024, true).settings(1)[0].value, "1");
    }
}
