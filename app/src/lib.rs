//! The web console: pages rendered on the server.
//!
//! Each feature has a folder. Its `pages.rs` (and further page modules) read from the store and render; its `actions.rs` contains
//! the server functions that forms post to: actor, authorize, write, commit.
//!
//! Foundations:
//! - [`ui`]: components that all pages share, page layouts, request context.
//! - `routes`: routing table of all pages.
//! - `document`: rendering of the HTML document.
//! - `outcome`: results of server functions, success or refusal.
//! - [`refusal`]: conversion of errors to refusals, and their texts.
//! - `text`: localized texts and the `t!` macro.
//! - `assets`: URLs of static assets, and the server's public origin.
//! - `receipt_check`: the receipt verification that the server implements.
//! - `mails`: mail texts.
//! - `notices`: banners about the deployment.
//!
//! Features:
//! - `access`: effective access to an object.
//! - `account`: one's own account.
//! - `anomalies`: anomaly reports.
//! - `approvals`: approval queue and decisions.
//! - `audit`: audit log.
//! - `backups`: scheduled backups.
//! - `browser_sessions`: one's own browser sessions.
//! - `emergency`: freezing, stopping tasks, locking accounts.
//! - [`factors`]: second factors and step-up authentication.
//! - `gallery`: all components, in development builds.
//! - `invitations`, `join_requests`: ways into an organization.
//! - `keys`: API keys and service accounts.
//! - `login`: signing in and out.
//! - `notifications`: the inbox and notification preferences.
//! - `organizations`: organizations and members.
//! - `overview`: start page.
//! - `people`: accounts and roles.
//! - `providers`: identity providers.
//! - `retention`: retention times and the legal hold.
//! - `reviews`: access reviews.
//! - `rules`: approval rules.
//! - `runners`: runners and their enrollment.
//! - `search`: search across all objects.
//! - `setup`: initial setup and password links.
//! - [`tasks`]: submission, list, details and live output.
//! - `webhooks`: webhooks and their messages.

#![deny(clippy::print_stdout, clippy::print_stderr)] // they panic if the output cannot be written
#![recursion_limit = "256"]

#[macro_use]
pub mod text;

pub mod access;
pub mod account;
pub mod anomalies;
pub mod approvals;
pub mod assets;
pub mod audit;
pub mod backups;
pub mod browser_sessions;
pub mod document;
pub mod emergency;
pub mod factors;
#[cfg(debug_assertions)]
pub mod gallery;
pub mod invitations;
pub mod join_requests;
pub mod keys;
pub mod login;
pub mod mails;
pub mod notices;
pub mod notifications;
pub mod organizations;
pub mod outcome;
pub mod overview;
pub mod people;
pub mod providers;
pub mod receipt_check;
pub mod refusal;
pub mod retention;
pub mod reviews;
pub mod routes;
pub mod rules;
pub mod runners;
pub mod search;
pub mod setup;
pub mod tasks;
pub mod ui;
pub mod webhooks;
