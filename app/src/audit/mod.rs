//! The audit log: successful and refused actions in a hash chain.

pub mod event;
mod filter;
pub mod pages;
pub mod table;
