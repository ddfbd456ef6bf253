//! What was unusual: for admins and auditors on a page, for everybody about their own account.

pub mod actions;
pub mod entry;
pub mod pages;
mod words;
