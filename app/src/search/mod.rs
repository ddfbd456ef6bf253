//! Search: one field that finds tasks, people, runners, organisations and pages.

mod found;
pub mod pages;
