//! Identity provider settings of the tenant.

pub mod actions;
pub mod details;
mod group_rules;
pub mod pages;
