//! End-to-end tests of the real executables: attacks, crashes and overload.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod abuse;
mod client;
mod attack;
#[allow(dead_code, reason = "other tests use more of it")]
mod authenticator;
mod database;
mod access;
mod events;
#[allow(dead_code, reason = "it uses more of them")]
mod html;
mod nodes;
mod timeouts;
mod people;
mod ports;
#[allow(dead_code, reason = "other tests use more of it")]
mod mail_server;
mod processes;
mod program;
mod providers;
mod recovery;
mod tasks;
mod torture;
mod walls;
