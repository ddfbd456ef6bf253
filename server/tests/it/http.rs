//! HTTP listener tests with slow, malformed and foreign clients.

mod responses;
mod fixture;
mod timeouts;
mod runner_port;
