//! Rules: which tasks run at once, which need approval, which are refused.

pub mod actions;
pub mod draft;
pub mod pages;
