//! End-to-end tests of the real executables: attacks, crashes and overload.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod abuse;
mod access;
mod attack;
#[expect(dead_code, reason = "other tests use more of it")]
mod authenticator;
mod backup;
mod client;
mod events;
mod fake_clock;
mod guide;
mod html;
#[expect(dead_code, reason = "other tests use more of it")]
mod mail_server;
mod nodes;
mod operation;
mod people;
mod ports;
mod processes;
mod program;
mod providers;
mod recovery;
mod small_disk;
mod table_lock;
mod tasks;
mod timeouts;
mod torture;
mod upgrade;
mod walls;
