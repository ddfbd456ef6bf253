//! Stories of the store, each on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod approvals;
mod approvals_race;
mod audit_chain;
mod audit_records;
mod capture;
mod identities;
mod incident;
mod joining;
mod keys;
mod lately;
mod leases;
mod leases_race;
mod links;
mod opening;
mod organisations;
mod output;
mod plans;
mod raw;
mod reach;
mod reviews;
mod rights;
mod runners;
mod search;
mod seed;
mod sessions;
mod sources;
mod submitting;
mod task_lists;
mod throttle;
mod transfer;
mod unusual;
mod visibility;
mod walls;
mod walls_database;
mod world;
