//! Tasks: submission, list, details and live output.

#[cfg(feature = "ssr")]
pub mod actions;
#[cfg(feature = "ssr")]
pub mod details;
#[cfg(feature = "ssr")]
mod filter;
pub mod islands;
#[cfg(feature = "ssr")]
pub mod labels;
#[cfg(feature = "ssr")]
mod log;
#[cfg(feature = "ssr")]
mod log_toolbar;
#[cfg(feature = "ssr")]
pub mod new_task;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
mod receipt;
#[cfg(feature = "ssr")]
mod sidebar;
#[cfg(feature = "ssr")]
mod submission;
#[cfg(feature = "ssr")]
mod timeline;
#[cfg(feature = "ssr")]
mod topic;
#[cfg(any(target_family = "wasm", test))]
mod viewer;
