//! Runner of Castellan: authenticates to a server, takes granted tasks, runs them in a sandbox and signs receipts.
//!
//! - [`client`]: the main loop and the attempts of this runner
//! - [`clock`]: the wall clock
//! - [`config`]: command-line options
//! - [`folder`]: the private data folder
//! - [`harden`]: process hardening
//! - [`identity`]: keys, certificates, enrollment and renewal
//! - `lease`: the runner's side of lease expiry
//! - `link`: the gRPC connection over mutual TLS
//! - `metrics`: load of the machine
//! - [`output`]: lines and digest of task output
//! - [`passkeys`]: the passkeys of approvers that this machine trusts
//! - [`sandbox`]: isolation and limits of tasks
//! - `sleep`: detection of a suspended machine
//! - [`spool`]: output on disk until the server acknowledges it
//! - [`stdin`]: tokens and shutdown through standard input
//! - [`witness`]: the largest head of the audit log that the runner saw
//! - [`work`]: verification and execution of one attempt

#![deny(clippy::print_stdout, clippy::print_stderr)] // they panic if the output cannot be written

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
pub mod passkeys;
pub mod sandbox;
mod sleep;
pub mod spool;
pub mod stdin;
pub mod witness;
pub mod work;

pub use client::Client;
pub use config::Config;
