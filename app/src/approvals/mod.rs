//! Approval requests: the queue, the page of one request and its decision card.

pub mod actions;
mod badge;
mod card;
mod changes;
mod diff;
pub mod evidence;
pub mod pages;
pub mod settings;

/// The page of changes to approvers and their rules.
pub const APPROVAL_SETTINGS: &str = "/settings/approvals";
