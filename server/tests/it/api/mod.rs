//! HTTP API tests with API keys.

mod access;
mod approvals;
mod errors;
mod log_stream;
mod openapi;
mod tasks;
