//! Runner tests: a real client and real sandboxes against a server in this process, over mutual TLS.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod attempt;
mod deployment;
mod fake_server;
mod faults;
mod formats;
mod hostile;
mod life;
mod program;
mod renewal;
