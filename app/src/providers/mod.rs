//! Settings: the identity providers that lead into the tenant.

pub mod actions;
mod groups;
mod one;
pub mod pages;

pub use one::{new, one};
