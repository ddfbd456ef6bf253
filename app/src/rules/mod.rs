//! Rules: what runs at once, what is asked for, what is refused.

pub mod actions;
pub mod draft;
pub mod pages;
