//! HTTP listener tests with slow, malformed and foreign clients.

mod fixture;
mod responses;
mod runner_port;
mod timeouts;
