//! Database access: pools, transactions, group commit, column types, committed events and outage detection.
pub(crate) mod column;
pub(crate) mod conn;
#[cfg(test)]
mod contention;
pub(crate) mod database_lock;
pub(crate) mod deadline;
pub(crate) mod event;
pub(crate) mod event_bus;
pub(crate) mod events;
pub(crate) mod filter;
mod first_connection;
pub(crate) mod group_commit;
pub(crate) mod group_commit_postgres;
pub(crate) mod id;
pub(crate) mod insert;
mod migrations;
mod notify;
pub(crate) mod open;
pub(crate) mod outage;
pub(crate) mod random;
pub(crate) mod readers;
pub(crate) mod row_access;
mod subscriptions;
pub(crate) mod tenant_shares;
pub(crate) mod transaction;
mod write_transaction;
