//! The binary `castellan`: puts the parts together, and all that speaks HTTP, gRPC, TLS and OAuth.

mod anonymous_log;
pub mod api;
pub mod auth;
pub mod checkpoints;
pub mod cli;
pub mod config;
pub mod console;
pub mod descriptors;
pub mod failure;
pub mod health;
pub mod http;
pub mod keys;
pub mod live;
pub mod mail;
pub mod pki;
mod plain;
pub mod problem;
pub mod rates;
pub mod receipts;
pub mod retention;
pub mod routes;
pub mod runners;
pub mod serve;
pub mod state;
pub mod telemetry;
pub mod web;
