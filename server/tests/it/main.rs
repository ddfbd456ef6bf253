//! Stories told against a real listener and real files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod api;
#[path = "../outside/authenticator.rs"]
mod authenticator;
mod health;
mod hostile;
mod http;
mod live;
mod master_key;
#[path = "../outside/postbox.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod postbox;
mod runners;
mod signing_in;
mod world;
