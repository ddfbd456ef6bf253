//! Rules: which tasks run at once, which need approval, which are refused.

pub mod actions;
mod changes;
mod choices;
pub mod draft;
pub mod editor;
pub mod pages;
pub mod review;
mod simulator;
pub mod versions;
mod words;
