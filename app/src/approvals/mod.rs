//! Approvals: may exactly this run?

pub mod actions;
mod card;
mod changes;
mod difference;
pub mod pages;
