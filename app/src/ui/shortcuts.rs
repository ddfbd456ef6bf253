//! Keyboard shortcuts, listed in a dialog and on the search page.
use super::Section;
use domain::Actor;
use islands::KeySwitch;
use leptos::prelude::*;

/// The list, and a switch for single-letter shortcuts (WCAG 2.1.4).
#[component]
pub fn ShortcutList(actor: Actor) -> impl IntoView {
    let way = |(key, name): (String, String)| {
        let keys = key.split(' ').map(|key| view! { <kbd>{key.to_owned()}</kbd>" " }).collect_view();
        view! { <div><dt>{keys}</dt><dd>{name}</dd></div> }
    };
    let shortcuts =
        [("Ctrl K".to_owned(), t!("search")), ("?".to_owned(), t!("keys-show")), ("Esc".to_owned(), t!("keys-close"))];
    let sections =
        Section::available(&actor).into_iter().map(|section| (format!("g {}", section.key()), section.label()));
    let shortcuts = shortcuts.into_iter().chain(sections).chain([("g n".to_owned(), t!("task-new"))]);
    view! {
        <dl class="keys">{shortcuts.map(way).collect_view()}</dl>
        <KeySwitch label=t!("keys-single") />
    }
}

/// The dialog that `?` opens.
#[component]
pub(super) fn ShortcutsDialog(actor: Actor) -> impl IntoView {
    view! {
        <dialog id="keys-dialog" class="dialog" aria-labelledby="keys-title">
            <h2 id="keys-title">{t!("keys")}</h2>
            <ShortcutList actor=actor />
            <form method="dialog"><button class="button">{t!("keys-close")}</button></form>
        </dialog>
    }
}

/// Returns the targets of two-key shortcuts: `g t` opens the tasks.
pub(super) fn shortcut_targets(actor: &Actor) -> Vec<(String, String)> {
    let sections =
        Section::available(actor).into_iter().map(|section| (section.key().to_owned(), section.href().to_owned()));
    sections.chain([("n".to_owned(), "/tasks/new".to_owned())]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{TenantId, Timestamp, role::TenantRole};
    use std::collections::BTreeSet;

    #[test]
    fn every_section_has_its_own_key() {
        let mut actor = Actor::clock(TenantId("00000000-0000-0000-0000-000000000001".parse().unwrap()), Timestamp(0));
        actor.tenant_role = TenantRole::Admin;
        let shortcuts = shortcut_targets(&actor);
        let keys: BTreeSet<_> = shortcuts.iter().map(|(key, _)| key).collect();
        assert_eq!(keys.len(), shortcuts.len(), "{shortcuts:?}");
        assert!(
            shortcuts.contains(&("t".into(), "/tasks".into())) && shortcuts.contains(&("l".into(), "/audit".into()))
        );
    }
}
