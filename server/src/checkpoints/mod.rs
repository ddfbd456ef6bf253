//! Signed checkpoints of the audit hash chains: in a file next to the database, of which copies are kept elsewhere, and in
//! the database. They reveal a log that was cut, forked or rolled back.
mod acknowledge;
mod file;
mod finding;
mod review;
mod sign;

pub use acknowledge::{Cause, acknowledge};
pub use file::{CheckpointFile, Notes, notes_until, path, require_complete};
pub use finding::Finding;
pub use review::{Depth, Review, ReviewedLog, Witness};
pub(crate) use review::{latest_signed, read_note};
pub use sign::{FileLimits, Signer, run};
