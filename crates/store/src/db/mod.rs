//! Database access: pools, transactions, group commit, column types, committed events and outage detection.
pub(crate) mod column;
pub(crate) mod conn;
pub(crate) mod event;
pub(crate) mod event_bus;
pub(crate) mod events;
pub(crate) mod filter;
pub(crate) mod group_commit;
pub(crate) mod group_commit_postgres;
pub(crate) mod id;
pub(crate) mod insert;
mod notify;
pub(crate) mod open;
pub(crate) mod outage;
pub(crate) mod random;
pub(crate) mod readers;
mod subscriptions;
pub(crate) mod transaction;
