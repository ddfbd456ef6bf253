//! The web console: pages rendered on the server, and islands that run in the browser.
//!
//! Each feature has a folder. Its `pages.rs` (and further page modules) read from the store and render; its `actions.rs` contains
//! the server functions that forms post to: actor, authorize, write, commit.
//!
//! Foundations:
//! - [`ui`]: components that all pages share, page layouts, request context, browser islands.
//! - `routes`: routing table of all pages.
//! - `document`: rendering of the HTML document.
//! - `door`: the authentication interface that the server implements.
//! - `outcome`: results of server functions, success or refusal.
//! - `refusal`: conversion of store errors to refusals.
//! - `text`: localized texts and the `t!` macro.
//! - `assets`: URLs of static assets, and the server's public origin.
//! - `token`, `recovery`: random tokens and recovery codes.
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
//! - `browser_sessions`: one's own browser sessions.
//! - `emergency`: freezing, stopping tasks, locking accounts.
//! - [`factors`]: second factors and step-up authentication.
//! - `invitations`, `join_requests`: ways into an organization.
//! - `keys`: API keys and service accounts.
//! - `login`: signing in and out.
//! - `organizations`: organizations and members.
//! - `overview`: start page.
//! - `people`: accounts and roles.
//! - `providers`: identity providers.
//! - `reviews`: access reviews.
//! - `rules`: approval rules.
//! - `runners`: runners and their enrollment.
//! - `search`: search across all objects.
//! - `setup`: initial setup and password links.
//! - [`tasks`]: submission, list, details and live output.
#![recursion_limit = "256"]

#[cfg(feature = "ssr")]
#[macro_use]
pub mod text;

pub mod ui;

#[cfg(feature = "ssr")]
pub mod access;
#[cfg(feature = "ssr")]
pub mod assets;
#[cfg(feature = "ssr")]
pub mod document;
#[cfg(feature = "ssr")]
pub mod door;
#[cfg(feature = "ssr")]
pub mod mails;
#[cfg(feature = "ssr")]
pub mod notices;
#[cfg(feature = "ssr")]
pub mod outcome;
#[cfg(feature = "ssr")]
pub mod receipt_check;
#[cfg(feature = "ssr")]
pub mod recovery;
#[cfg(feature = "ssr")]
pub mod refusal;
#[cfg(feature = "ssr")]
pub mod routes;
#[cfg(feature = "ssr")]
pub mod token;

#[cfg(feature = "ssr")]
pub mod account;
#[cfg(feature = "ssr")]
pub mod anomalies;
#[cfg(feature = "ssr")]
pub mod approvals;
#[cfg(feature = "ssr")]
pub mod audit;
#[cfg(feature = "ssr")]
pub mod browser_sessions;
#[cfg(feature = "ssr")]
pub mod emergency;
pub mod factors;
#[cfg(feature = "ssr")]
pub mod invitations;
#[cfg(feature = "ssr")]
pub mod join_requests;
#[cfg(feature = "ssr")]
pub mod keys;
#[cfg(feature = "ssr")]
pub mod login;
#[cfg(feature = "ssr")]
pub mod organizations;
#[cfg(feature = "ssr")]
pub mod overview;
#[cfg(feature = "ssr")]
pub mod people;
#[cfg(feature = "ssr")]
pub mod providers;
#[cfg(feature = "ssr")]
pub mod reviews;
#[cfg(feature = "ssr")]
pub mod rules;
#[cfg(feature = "ssr")]
pub mod runners;
#[cfg(feature = "ssr")]
pub mod search;
#[cfg(feature = "ssr")]
pub mod setup;
pub mod tasks;
