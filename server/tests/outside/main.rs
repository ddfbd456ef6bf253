//! End-to-end tests of the real executables: attacks, crashes and overload.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod abuse;
mod access;
mod attack;
#[allow(dead_code, reason = "other tests use more of it")]
mod authenticator;
mod client;
mod events;
mod guide;
#[allow(dead_code, reason = "it uses more of them")]
mod html;
#[allow(dead_code, reason = "other tests use more of it")]
mod mail_server;
mod nodes;
mod people;
mod ports;
mod processes;
mod program;
mod providers;
mod recovery;
mod table_lock;
mod tasks;
mod timeouts;
mod torture;
mod walls;
