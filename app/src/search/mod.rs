//! Search across tasks, people, runners, organizations and pages.

mod found;
pub mod pages;
