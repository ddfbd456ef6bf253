//! Choosing one of the organizations that somebody is in: above a list, and in the frame.
use crate::ui::{Choice, NarrowChoice, ctx};
use leptos::prelude::*;
use store::{Organization, Read};

/// What an organization is called where one is chosen: an archived one says so.
pub fn called(organization: &Organization) -> String {
    match organization.archived_at {
        Some(_) => t!("organization-archived-named", name = organization.name.clone()),
        None => organization.name.clone(),
    }
}

/// Whether there is a choice between these; the way out of an archived one must be there, too.
pub fn are_several(organizations: &[Organization]) -> bool {
    organizations.len() > 1 || organizations.iter().any(|one| one.archived_at.is_some())
}

/// The organization that the address narrows a list to, where it is none of those in use.
pub async fn narrowed_to_archived(read: &mut Read, in_use: &[Organization]) -> Option<Organization> {
    let chosen = ctx::here().get("organization")?.parse().ok()?;
    if in_use.iter().any(|one| one.id == chosen) {
        return None;
    }
    read.organization(chosen).await.ok()
}

/// The choice above a list, where there are several.
#[component]
pub fn NarrowOrganization(
    /// Which there are.
    organizations: Vec<Organization>,
) -> impl IntoView {
    are_several(&organizations).then(|| {
        let choices = organizations.iter().map(|one| Choice::new(one.id.to_string(), called(one))).collect();
        let label = t!("task-organization");
        view! { <NarrowChoice name="organization" label=label any=t!("tasks-narrow-any") choices=choices /> }
    })
}
