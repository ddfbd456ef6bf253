//! Parts that every sandbox start uses: program, profile, account and limits.

use super::{
    cgroup::Tree, names::Names, profile::Profile, quotas::Quotas, standby::Next, starter::Starter, task_ids::TaskIds,
};
use parking_lot::Mutex;
use std::{ffi::CString, os::fd::OwnedFd, path::PathBuf, sync::Arc};

/// The parts of every start, computed once.
#[derive(Debug)]
pub(super) struct Parts {
    pub next: Mutex<Next>,
    pub program: PathBuf,
    /// The runner's program, opened so that it is the same file for all tasks and no path to it is needed in a sandbox.
    pub init: OwnedFd,
    pub profile: Profile,
    pub ids: TaskIds,
    /// The user namespace of tasks, for a runner that is not root.
    pub user_namespace: Option<Arc<OwnedFd>>,
    /// The mount options of a task's pseudoterminals, if their number can be limited.
    pub terminals: Option<Arc<CString>>,
    pub quotas: Quotas,
    pub tree: Option<Arc<Tree>>,
    pub scope: Option<Arc<OwnedFd>>,
    pub starter: Starter,
    pub names: Names,
}
