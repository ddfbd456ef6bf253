//! The binary `castellan`: puts the parts together, and all that speaks HTTP, gRPC, TLS and OAuth.

pub mod afterwards;
pub mod api;
pub mod auth;
pub mod checkpoints;
pub mod cli;
pub mod config;
pub mod console;
pub mod descriptors;
pub mod door;
pub mod failure;
pub mod forgetting;
pub mod health;
pub mod keys;
pub mod live;
pub mod mail;
pub mod pki;
pub mod problem;
pub mod rates;
pub mod receipts;
pub mod routes;
pub mod runners;
pub mod serve;
pub mod setup;
pub mod state;
mod stranger;
pub mod telemetry;
pub mod web;
