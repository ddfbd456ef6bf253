//! The HTTP API as programs meet it.

mod approvals;
mod errors;
mod following;
mod reading;
mod specification;
mod submitting;
