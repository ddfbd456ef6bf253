//! Notifications of the signed-in person: the inbox, the bell in the header, and the preferences.

pub mod actions;
pub mod bell;
pub mod digest;
pub mod messages;
pub mod pages;
pub mod preferences;

/// The page of the inbox.
pub const INBOX: &str = "/inbox";
/// The page of the preferences.
pub const PREFERENCES: &str = "/account/notifications";
