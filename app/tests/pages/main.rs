//! Tests of pages and forms as a browser without JavaScript uses them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod approvals;
mod fixture;
mod forms;
mod navigation;
mod notifications;
mod organizations;
mod providers;
mod retention;
mod rules;
mod runners;
mod search;
mod task_forms;
mod task_pages;
