//! Search: one field that finds tasks, people, runners, organisations and pages.

#[cfg(feature = "ssr")]
mod found;
#[cfg(feature = "ssr")]
pub mod pages;
