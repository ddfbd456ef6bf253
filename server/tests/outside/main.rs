//! The real programs, attacked and killed from outside: what holds here holds for whoever runs them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod abuse;
mod ask;
mod attack;
#[allow(dead_code, reason = "other tests use more of it")]
mod authenticator;
mod database;
mod doors;
mod events;
mod nodes;
mod patience;
mod people;
mod ports;
#[allow(dead_code, reason = "other tests use more of it")]
mod postbox;
mod processes;
mod program;
mod providers;
mod survival;
mod tasks;
mod torture;
mod walls;
