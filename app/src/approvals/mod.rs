//! Approval requests: the queue, the page of one request and its decision card.

pub mod actions;
pub mod badge;
mod card;
mod changes;
pub mod deciders;
mod diff;
pub mod evidence;
pub mod pages;
pub mod settings;
pub mod summary;

/// The page of changes to approvers and their rules.
pub const APPROVAL_SETTINGS: &str = "/settings/approvals";
