//! Parts that every sandbox start uses: program, profile, account and limits.

use super::{account::Account, cgroup::Tree, names::Names, profile::Profile, starter::Starter};
use std::{os::fd::OwnedFd, path::PathBuf, sync::Arc};

/// The parts of every start, computed once.
#[derive(Debug)]
pub(super) struct Parts {
    pub program: PathBuf,
    pub profile: Profile,
    pub account: Account,
    pub tree: Option<Tree>,
    pub scope: Option<Arc<OwnedFd>>,
    pub starter: Starter,
    pub names: Names,
}
