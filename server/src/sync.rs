//! Lock helper that ignores poisoning.
use std::sync::{LockResult, PoisonError};

/// Returns the guard even if another thread panicked while it held the lock. Every critical section of the server leaves its
/// data consistent at each step, so a panic must not disable the lock permanently.
pub(crate) fn ignore_poison<Guard>(result: LockResult<Guard>) -> Guard {
    result.unwrap_or_else(PoisonError::into_inner)
}
