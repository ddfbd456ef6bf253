//! The audit log: what was done and what was refused, in a chain that shows any change.

mod filter;
pub mod pages;
mod record;
