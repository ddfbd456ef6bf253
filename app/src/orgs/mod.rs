//! Organisations, and who is in them.

pub mod actions;
pub mod departure;
mod one;
pub mod pages;
pub mod settings;

pub use one::one;

/// Who answers for service accounts from now on, out of a form; nobody, where none had to be chosen.
fn successor(text: &str) -> Result<Option<domain::PersonId>, domain::Invalid> {
    match text {
        "" => Ok(None),
        id => id.parse().map(Some).map_err(|_| domain::Invalid::new("successor", t!("successor-unknown"))),
    }
}

/// What an organisation is called where one is chosen: an archived one says so.
pub fn called(organisation: &store::Organisation) -> String {
    match organisation.archived_at {
        Some(_) => t!("organisation-archived-named", name = organisation.name.clone()),
        None => organisation.name.clone(),
    }
}

/// The organisation that the address narrows a list to, where it is none of those in use.
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
fn manages(actor: &domain::Actor, organisation: domain::OrganisationId) -> bool {
    actor.is_admin() || actor.role_in(organisation) == Some(domain::role::Role::Owner)
}
