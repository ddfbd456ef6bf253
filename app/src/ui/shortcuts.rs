//! The keys that pages listen to, as they are told to people: in a dialog and on the search page.
use super::Place;
use domain::Actor;
use islands::KeySwitch;
use leptos::prelude::*;

/// The list, and a switch for those keys that are single letters (WCAG 2.1.4).
#[component]
pub fn Keys(
    /// Whose places they lead to.
    actor: Actor,
) -> impl IntoView {
    let way = |(key, name): (String, String)| {
        let keys = key.split(' ').map(|key| view! { <kbd>{key.to_owned()}</kbd>" " }).collect_view();
        view! { <div><dt>{keys}</dt><dd>{name}</dd></div> }
    };
    let ways =
        [("Ctrl K".to_owned(), t!("search")), ("?".to_owned(), t!("keys-show")), ("Esc".to_owned(), t!("keys-close"))];
    let places = Place::open(&actor).into_iter().map(|place| (format!("g {}", place.key()), place.label()));
    let ways = ways.into_iter().chain(places).chain([("g n".to_owned(), t!("task-new"))]);
    view! {
        <dl class="keys">{ways.map(way).collect_view()}</dl>
        <KeySwitch label=t!("keys-single") />
    }
}

/// The dialog that `?` opens.
#[component]
pub(super) fn KeysDialog(
    /// Whose places they lead to.
    actor: Actor,
) -> impl IntoView {
    view! {
        <dialog id="keys-dialog" class="dialog" aria-labelledby="keys-title">
            <h2 id="keys-title">{t!("keys")}</h2>
            <Keys actor=actor />
            <form method="dialog"><button class="button">{t!("keys-close")}</button></form>
        </dialog>
    }
}

/// Where two keys after each other lead: `g t` to the tasks.
pub(super) fn ways(actor: &Actor) -> Vec<(String, String)> {
    let places = Place::open(actor).into_iter().map(|place| (place.key().to_owned(), place.href().to_owned()));
    places.chain([("n".to_owned(), "/tasks/new".to_owned())]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{TenantId, Timestamp, role::TenantRole};
    use std::collections::BTreeSet;

    #[test]
    fn every_place_has_a_key_of_its_own() {
        let mut actor = Actor::clock(TenantId("00000000-0000-0000-0000-000000000001".parse().unwrap()), Timestamp(0));
        actor.tenant_role = TenantRole::Admin;
        let ways = ways(&actor);
        let keys: BTreeSet<_> = ways.iter().map(|(key, _)| key).collect();
        assert_eq!(keys.len(), ways.len(), "{ways:?}");
        assert!(ways.contains(&("t".into(), "/tasks".into())) && ways.contains(&("l".into(), "/audit".into())));
    }
}
