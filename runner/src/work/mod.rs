//! Execution of one attempt, from the assignment to the signed receipt.

mod attempt;
mod job;
mod output;
mod perform;
mod verify;

pub use attempt::Attempt;
pub use job::job;
pub use perform::{AttemptCommand, AttemptRun, Event};
pub use verify::{MAX_GRANT_VALIDITY, RunnerContext, Verified, verify};

/// The capabilities of this runner (S-11).
pub const CAPABILITIES: [&str; 1] = ["bash"];
