//! One attempt at a task: from the server's assignment to the signed receipt.

mod attempt;
mod job;
mod perform;
mod printed;
mod verify;

pub use attempt::Attempt;
pub use job::job;
pub use perform::{Event, Order, Performance};
pub use verify::{LONGEST_GRANT, Me, Verified, verify};

/// What this runner offers (S-11).
pub const CAPABILITIES: [&str; 1] = ["bash"];
