//! Organisations, and who is in them.

pub mod actions;
#[cfg(feature = "ssr")]
pub mod departure;
#[cfg(feature = "ssr")]
mod one;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod settings;

#[cfg(feature = "ssr")]
pub use one::one;

/// Who answers for service accounts from now on, out of a form; nobody, where none had to be chosen.
#[cfg(feature = "ssr")]
fn successor(text: &str) -> Result<Option<domain::PersonId>, domain::Invalid> {
    match text {
        "" => Ok(None),
        id => id.parse().map(Some).map_err(|_| domain::Invalid::new("successor", t!("successor-unknown"))),
    }
}

/// Whether somebody manages an organisation.
#[cfg(feature = "ssr")]
fn manages(actor: &domain::Actor, organisation: domain::OrganisationId) -> bool {
    actor.is_admin() || actor.role_in(organisation) == Some(domain::role::Role::Owner)
}
