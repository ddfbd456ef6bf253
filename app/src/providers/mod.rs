//! Identity provider settings of the tenant.

pub mod actions;
mod groups;
mod one;
pub mod pages;

pub use one::{new, one};
