//! The audit log: successful and refused actions in a hash chain.

mod filter;
pub mod pages;
mod record;
