//! Organizations and their members.

pub mod actions;
pub(crate) mod choice;
pub mod departure;
pub mod details;
pub mod pages;
pub mod settings;

/// Parses the new responsible person for service accounts; empty if none had to be chosen.
fn successor(text: &str) -> Result<Option<domain::PersonId>, domain::Invalid> {
    match text {
        "" => Ok(None),
        id => id.parse().map(Some).map_err(|_| domain::Invalid::new("successor", t!("successor-unknown"))),
    }
}
