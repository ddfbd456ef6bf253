//! What a person sees: one folder per feature, pages on the server, islands in the browser.
#![recursion_limit = "256"]

#[cfg(feature = "ssr")]
#[macro_use]
pub mod text;

pub mod outcome;
pub mod ui;

#[cfg(feature = "ssr")]
pub mod assets;
#[cfg(feature = "ssr")]
pub mod door;
#[cfg(feature = "ssr")]
pub mod mails;
#[cfg(feature = "ssr")]
pub mod notices;
#[cfg(feature = "ssr")]
pub mod reach;
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

pub mod account;
pub mod approvals;
pub mod audit;
pub mod factors;
pub mod incident;
pub mod invitations;
pub mod join_requests;
pub mod keys;
pub mod login;
pub mod members;
pub mod orgs;
pub mod overview;
pub mod reviews;
pub mod rules;
pub mod runners;
pub mod search;
pub mod sessions;
pub mod settings;
pub mod setup;
pub mod tasks;
pub mod unusual;
