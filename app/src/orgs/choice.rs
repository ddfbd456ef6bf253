//! Choosing one of the organisations that somebody is in: above a list, and in the frame.
use crate::ui::{Choice, NarrowChoice, ctx};
use leptos::prelude::*;
use store::{Organisation, Read};

/// What an organisation is called where one is chosen: an archived one says so.
pub fn called(organisation: &Organisation) -> String {
    match organisation.archived_at {
        Some(_) => t!("organisation-archived-named", name = organisation.name.clone()),
        None => organisation.name.clone(),
    }
}

/// Whether there is a choice between these; the way out of an archived one must be there, too.
pub fn are_several(organisations: &[Organisation]) -> bool {
    organisations.len() > 1 || organisations.iter().any(|one| one.archived_at.is_some())
}

/// The organisation that the address narrows a list to, where it is none of those in use.
pub async fn narrowed_to_archived(read: &mut Read, in_use: &[Organisation]) -> Option<Organisation> {
    let chosen = ctx::here().get("organisation")?.parse().ok()?;
    if in_use.iter().any(|one| one.id == chosen) {
        return None;
    }
    read.organisation(chosen).await.ok()
}

/// The choice above a list, where there are several.
#[component]
pub fn NarrowOrganisation(
    /// Which there are.
    organisations: Vec<Organisation>,
) -> impl IntoView {
    are_several(&organisations).then(|| {
        let choices = organisations.iter().map(|one| Choice::new(one.id.to_string(), called(one))).collect();
        let label = t!("task-organisation");
        view! { <NarrowChoice name="organisation" label=label any=t!("tasks-narrow-any") choices=choices /> }
    })
}
