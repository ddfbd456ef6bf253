//! Pages and forms as a browser without JavaScript meets them.
#![cfg(feature = "ssr")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod approving;
mod forms;
mod house;
mod organizing;
mod providers;
mod reading;
mod running;
mod searching;
mod submitting;
mod watching;
