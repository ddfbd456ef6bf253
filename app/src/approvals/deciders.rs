//! Sentences about the people who can decide an approval request.
use domain::{OrganizationId, PersonId};
use leptos::prelude::*;
use store::Decider;

/// The names that a sentence shows; it counts the others.
const MAX_NAMES: usize = 3;

/// Joins names: "Grace", "Grace or Mei", "Grace, Mei, Omar or 2 others". Names have no invisible characters.
pub fn any_of(deciders: &[Decider]) -> String {
    let others = deciders.len().saturating_sub(MAX_NAMES);
    let mut names: Vec<_> = deciders.iter().take(MAX_NAMES).map(|decider| decider.name.clone()).collect();
    let last = if others > 0 { Some(t!("deciders-others", n = others)) } else { names.pop() };
    match (names.join(", "), last.unwrap_or_default()) {
        (first, last) if first.is_empty() => last,
        (first, last) => t!("deciders-or", first = first, last = last),
    }
}

/// Who can decide a waiting request, or that there are too few people for it.
#[component]
pub fn WhoCanDecide(
    deciders: Vec<Decider>,
    viewer: Option<PersonId>,
    /// The number of approvals that are missing.
    missing: u32,
    organization: OrganizationId,
) -> impl IntoView {
    let too_few = deciders.len() < usize::try_from(missing).unwrap_or(usize::MAX);
    let (total, mut others) = (deciders.len(), deciders);
    others.retain(|decider| Some(decider.id) != viewer);
    let text = match (total, others.len()) {
        (0, _) => t!("deciders-nobody"),
        (_, 0) => t!("deciders-only-you"),
        (total, n) if n < total => t!("deciders-you-too", names = any_of(&others)),
        _ => t!("deciders-can", names = any_of(&others)),
    };
    let few = (too_few && total > 0).then(|| t!("deciders-too-few", n = missing));
    view! {
        <p>
            {text}
            {few.map(|text| format!(" {text}"))}
            {too_few.then(|| view! { " "<InviteLink organization=organization /> })}
        </p>
    }
}

/// The link to the page on which an organization gets another approver.
#[component]
pub fn InviteLink(organization: OrganizationId) -> impl IntoView {
    view! { <a href=format!("/organizations/{organization}")>{t!("deciders-invite")}</a> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_04_deciders_are_named_and_the_rest_is_counted() {
        let people = |names: &[&str]| -> Vec<_> {
            let id = PersonId(uuid::Uuid::nil());
            names.iter().map(|name| Decider { id, name: (*name).to_owned() }).collect()
        };
        assert_eq!(any_of(&people(&["Grace"])), "Grace");
        assert_eq!(any_of(&people(&["Grace", "Mei"])), "Grace or Mei");
        assert_eq!(any_of(&people(&["Grace", "Mei", "Omar"])), "Grace, Mei or Omar");
        assert_eq!(any_of(&people(&["A", "B", "C", "D"])), "A, B, C or 1 other");
        assert_eq!(any_of(&[]), "");
    }
}
