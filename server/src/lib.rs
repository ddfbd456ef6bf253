//! Castellan server: web pages, HTTP API, runner port and command line.
//!
//! Code map, by layer:
//!
//! - Entry points: [`cli`] parses commands, [`serve`] starts all components, and
//!   [`console`] notifies a running server of command-line changes.
//! - State: [`state`] holds what handlers share; [`config`] loads settings, [`keys`] the deployment's keys.
//! - HTTP: [`http`] accepts connections and checks every request; [`rates`] limits requests; [`health`] serves probes,
//!   [`metrics`] serves Prometheus; [`problem`] (of a [`problem_type`]) and `plain_page` render errors; [`routes`] lists every route.
//! - Pages: [`web`] renders pages and runs their actions; [`live`] streams updates; [`authentication`] authenticates people and keys.
//! - API: [`api`] serves `/api/v1` and its OpenAPI document.
//! - Runners: [`runners`] enrolls runners and dispatches tasks; [`pki`] issues their certificates; [`receipts`] verifies results.
//! - Background work: [`mail`] delivers email, [`checkpoints`] signs the audit log, [`retention`] deletes expired data,
//!   `backup` makes and restores backups,
//!   [`grant_rotation`] signs again at a start after a rotation, and `anonymous_log` logs security events without a tenant.
//! - Support: [`failure`] (command errors), `output` (what commands print), [`file_descriptors`], [`telemetry`] (logging), `clock` (system time), `atomic_file`, `permits`

#![deny(clippy::print_stdout, clippy::print_stderr)] // they panic if the output cannot be written

mod anonymous_log;
pub mod api;
mod api_path;
mod atomic_file;
pub mod authentication;
mod backup;
pub mod checkpoints;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod failure;
pub mod file_descriptors;
pub mod grant_rotation;
pub mod health;
pub mod http;
pub mod keys;
pub mod live;
pub mod mail;
pub mod metrics;
mod output;
mod permits;
pub mod pki;
mod plain_page;
pub mod problem;
pub mod problem_type;
pub mod rates;
pub mod receipts;
pub mod retention;
pub mod routes;
pub mod runners;
pub mod serve;
pub mod state;
pub mod telemetry;
pub mod web;
pub mod webhooks;
