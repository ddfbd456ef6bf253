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

/// What an organisation is called where one is chosen: an archived one says so.
#[cfg(feature = "ssr")]
pub fn called(organisation: &store::Organisation) -> String {
    match organisation.archived_at {
        Some(_) => t!("organisation-archived-named", name = organisation.name.clone()),
        None => organisation.name.clone(),
    }
}

/// The organisation that the address narrows a list to, where it is none of those in use.
#[cfg(feature = "ssr")]
pub async fn narrowed_to_archived(
    read: &mut store::Read,
    in_use: &[store::Organisation],
) -> Option<store::Organisation> {
    let chosen = crate::ui::ctx::here().get("organisation")?.parse().ok()?;
    if in_use.iter().any(|one| one.id == chosen) {
        return None;
    }
    read.organisation(chosen).await.ok()
}

/// Whether somebody manages an organisation.
#[cfg(feature = "ssr")]
fn manages(actor: &domain::Actor, organisation: domain::OrganisationId) -> bool {
    actor.is_admin() || actor.role_in(organisation) == Some(domain::role::Role::Owner)
}
