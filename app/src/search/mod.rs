//! Search across tasks, people, runners, organizations and pages.

pub mod pages;
mod query;
