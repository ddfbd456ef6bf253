//! One's own account: how one signs in, and what happened with it.

pub mod actions;
pub mod changes;
pub mod links;
pub mod news;
pub mod pages;
pub mod ways;
