//! A process that holds keys leaves no core dump and lets nobody look into it.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use super::KeyError;

/// Switches core dumps off and closes this process's memory and environment in `/proc` to other
/// processes of the same user. Programs started from here begin anew in this respect, but for the limit.
///
/// # Errors
/// When the system refuses.
pub fn harden_process() -> Result<(), KeyError> {
    let refused = |error| KeyError::System(format!("core dumps cannot be switched off: {error}"));
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).map_err(refused)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(refused)
}
