//! Task output: from bytes to stored lines.

mod assemble;
mod limits;

pub use assemble::{Assembler, Part};
pub use limits::{OutputLimiter, OutputTotals};
