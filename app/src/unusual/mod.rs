//! What was unusual: for admins and auditors on a page, for everybody about their own account.

pub mod actions;
#[cfg(feature = "ssr")]
pub mod entry;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
mod words;
