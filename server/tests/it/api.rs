//! HTTP API tests with API keys.

mod approvals;
mod errors;
mod log_stream;
mod access;
mod openapi;
mod tasks;
