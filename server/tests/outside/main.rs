//! The real programs, attacked and killed from outside: what holds here holds for whoever runs them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::as_conversions, reason = "tests")]

mod ask;
mod attack;
mod events;
mod people;
mod processes;
mod program;
mod survival;
mod tasks;
mod walls;
