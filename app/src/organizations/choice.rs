//! Organization choices, for list filters and for the switcher in the header.
use crate::ui::{Choice, FilterSelect, ctx};
use leptos::prelude::*;
use store::{Organization, Read};

/// Returns the display name of an organization, which marks archived ones.
pub fn display_name(organization: &Organization) -> String {
    match organization.archived_at {
        Some(_) => t!("organization-archived-named", name = organization.name.clone()),
        None => organization.name.clone(),
    }
}

/// Returns whether the choice is worth showing. A single archived organization counts, so that its filter can be removed.
pub fn has_choice(organizations: &[Organization]) -> bool {
    organizations.len() > 1 || organizations.iter().any(|organization| organization.archived_at.is_some())
}

/// Returns the archived organization that the query filters by, if it is not among those in use.
pub async fn archived_filter_choice(read: &mut Read, in_use: &[Organization]) -> Option<Organization> {
    let chosen = ctx::here().get("organization")?.parse().ok()?;
    if in_use.iter().any(|organization| organization.id == chosen) {
        return None;
    }
    read.organization(chosen).await.ok()
}

/// The organization filter of a list, if there are several organizations.
#[component]
pub fn OrganizationFilter(organizations: Vec<Organization>) -> impl IntoView {
    has_choice(&organizations).then(|| {
        let choices = organizations
            .iter()
            .map(|organization| Choice::new(organization.id.to_string(), display_name(organization)))
            .collect();
        let label = t!("task-organization");
        view! { <FilterSelect name="organization" label=label any=t!("tasks-filter-any") choices=choices /> }
    })
}
