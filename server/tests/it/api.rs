//! The HTTP API as programs meet it.

mod approvals;
mod errors;
mod log_stream;
mod access;
mod openapi;
mod tasks;
