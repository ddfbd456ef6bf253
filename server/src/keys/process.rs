//! Process hardening: no core dumps, and no access by other processes of the same user.

use super::KeyError;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Disables core dumps and protects this process's memory and environment in `/proc`. Child processes inherit only the core
/// dump limit.
///
/// # Errors
/// Fails if the operating system denies it.
pub fn harden_process() -> Result<(), KeyError> {
    let refused = |error| KeyError::System(format!("core dumps cannot be disabled: {error}"));
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).map_err(refused)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(refused)
}
