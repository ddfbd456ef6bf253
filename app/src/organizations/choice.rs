//! Organization choices, for list filters and for the switcher in the header.
use crate::ui::{Choice, NarrowChoice, ctx};
use leptos::prelude::*;
use store::{Organization, Read};

/// Returns the display name of an organization, which marks archived ones.
pub fn called(organization: &Organization) -> String {
    match organization.archived_at {
        Some(_) => t!("organization-archived-named", name = organization.name.clone()),
        None => organization.name.clone(),
    }
}

/// Whether the choice is worth showing. A single archived organization counts, so that its filter can be removed.
pub fn are_several(organizations: &[Organization]) -> bool {
    organizations.len() > 1 || organizations.iter().any(|one| one.archived_at.is_some())
}

/// Returns the archived organization that the query filters by, if it is not among those in use.
pub async fn narrowed_to_archived(read: &mut Read, in_use: &[Organization]) -> Option<Organization> {
    let chosen = ctx::here().get("organization")?.parse().ok()?;
    if in_use.iter().any(|one| one.id == chosen) {
        return None;
    }
    read.organization(chosen).await.ok()
}

/// The organization filter of a list, if there are several organizations.
#[component]
pub fn NarrowOrganization(
    organizations: Vec<Organization>,
) -> impl IntoView {
    are_several(&organizations).then(|| {
        let choices = organizations.iter().map(|one| Choice::new(one.id.to_string(), called(one))).collect();
        let label = t!("task-organization");
        view! { <NarrowChoice name="organization" label=label any=t!("tasks-narrow-any") choices=choices /> }
    })
}
