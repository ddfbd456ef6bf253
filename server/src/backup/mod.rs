//! Backup and restore of a deployment on SQLite (D-13).
//!
//! - `create` makes a backup while the server runs; `schedule` does so regularly, and `schedule_state` has its last result.
//! - `archive`, `manifest` and `sealed_keys` are the file format.
//! - `restore` verifies a backup beside the data and prepares the switch; `switch` exchanges the files so that an interruption is noticed
//!   and can be continued.
mod archive;
mod create;
mod manifest;
mod restore;
pub(crate) mod schedule;
mod schedule_state;
mod sealed_keys;
mod switch;

pub(crate) use create::create;
pub(crate) use restore::{Source, restore};
pub use schedule_state::ScheduleState;
pub(crate) use sealed_keys::Passphrase;
pub(crate) use switch::Switch;

/// What `castellan backup` and `castellan restore FILE` say about PostgreSQL.
const POSTGRES: &str = "the data is in PostgreSQL, which has its own tools: pg_dump and pg_restore, or a base backup. Keep a copy of data/secrets and \
     data/checkpoints with it. The chapter “Backup and restore” of the guide (docs/backup.md) describes the steps";
