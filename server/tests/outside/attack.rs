//! What somebody tries who wants in, wants more than they may, or wants others to do it for them.
mod accounts;
mod approvals;
mod emergency;
mod enrollment;
mod invitations;
mod compression;
mod links;
mod origins;
mod output;
mod passwords;
mod idempotency;
mod runner_port;
mod sessions;
mod startup;
mod streams;
