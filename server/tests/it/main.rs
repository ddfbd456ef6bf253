//! Integration tests that run the server in-process.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod api;
#[path = "../outside/authenticator.rs"]
mod authenticator;
mod backup;
mod checkpoints;
mod health;
mod hostile;
#[path = "../outside/html.rs"]
#[expect(dead_code, reason = "outside uses more of them")]
mod html;
mod http;
mod live;
#[path = "../outside/mail_server.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod mail_server;
mod master_key;
mod metrics;
mod runners;
mod sign_in;
mod test_env;
mod webhooks;
