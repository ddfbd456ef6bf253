//! Attacks on authentication, authorization and other people's browsers.
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
