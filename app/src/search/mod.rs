//! Search: one field that finds tasks, people, runners, organizations and pages.

mod found;
pub mod pages;
