//! Attacks on authentication, authorization and other people's browsers.
mod accounts;
mod approvals;
mod compression;
mod emergency;
mod enrollment;
mod idempotency;
mod invitations;
mod links;
mod origins;
mod output;
mod passkey_approvals;
mod passwords;
mod runner_port;
mod sessions;
mod startup;
mod streams;
mod task_network;
