//! The runner: proves who it is, takes tasks that were granted to it, runs them in a sandbox, and signs what ran.

pub mod client;
pub mod clock;
pub mod config;
pub mod folder;
pub mod harden;
pub mod identity;
mod lease;
mod link;
mod metrics;
pub mod output;
pub mod sandbox;
mod sleep;
pub mod spool;
pub mod stdin;
pub mod work;

pub use client::Client;
pub use config::Config;
