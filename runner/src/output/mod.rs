//! From the bytes a task writes to the lines that are kept of it.

mod assemble;
mod keep;

pub use assemble::Assembler;
pub use keep::{Keeper, Kept};
