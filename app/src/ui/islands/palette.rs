//! The dialog that Ctrl-K opens: it shows what the search page finds while one types.
use leptos::prelude::*;

/// Something that was found, as it stands on the search page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hit {
    /// The kind, where it is the first of its kind.
    pub group: String,
    /// Its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// What tells it from others.
    pub about: String,
}

/// How it stands with the search for what was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// What is shown belongs to what was typed before.
    Pending,
    /// What is shown was found.
    Done,
    /// The server did not answer.
    #[cfg_attr(not(target_family = "wasm"), expect(dead_code, reason = "only a browser searches"))]
    Failed,
}

/// Listens to the keys of the page, and shows the dialog.
#[island]
pub fn Palette(
    /// What the dialog and its field are called.
    label: String,
    /// What is said when nothing is found.
    none: String,
    /// What is said when the server did not answer.
    failed: String,
    /// How it is used.
    help: String,
    /// Where `g` and another key lead.
    ways: Vec<(String, String)>,
) -> impl IntoView {
    let hits = RwSignal::new(Vec::<Hit>::new());
    let (active, typed) = (RwSignal::new(0_usize), RwSignal::new(String::new()));
    let search = RwSignal::new(Search::Done);
    #[cfg(target_family = "wasm")]
    Effect::new(move |_| super::keyboard::listen(ways.clone()));
    #[cfg(not(target_family = "wasm"))]
    let _ = ways;
    let write = move |event: leptos::ev::Event| {
        typed.set(event_target_value(&event));
        #[cfg(target_family = "wasm")]
        super::keyboard::search(typed, hits, active, search);
    };
    let press = move |event: leptos::ev::KeyboardEvent| {
        let last = hits.with_untracked(Vec::len).saturating_sub(1);
        match event.key().as_str() {
            "ArrowDown" => active.update(|at| *at = if *at >= last { 0 } else { *at + 1 }),
            "ArrowUp" => active.update(|at| *at = if *at == 0 { last } else { *at - 1 }),
            "Home" => active.set(0),
            "End" => active.set(last),
            // What stands there still belongs to what was typed before.
            "Enter" if search.get_untracked() == Search::Pending => go_to_all(&typed.get_untracked()),
            "Enter" => go(hits.with_untracked(|hits| hits.get(active.get_untracked()).cloned())),
            _ => return,
        }
        event.prevent_default();
        #[cfg(target_family = "wasm")]
        super::keyboard::into_sight(active.get_untracked());
    };
    let option = move |(n, hit): (usize, Hit)| {
        let to = hit.clone();
        view! {
            <li
                role="option" id=format!("palette-{n}") on:click=move |_| go(Some(to.clone()))
                aria-selected=move || if active.get() == n { "true" } else { "false" }
            >
                <span class="palette-group">{hit.group}</span>
                <span>{hit.name}</span>
                <span class="muted">{hit.about}</span>
            </li>
        }
    };
    let nothing = move || hits.with(Vec::is_empty);
    let said = move || match search.get() {
        Search::Failed => failed.clone(),
        Search::Done if nothing() && !typed.with(String::is_empty) => none.clone(),
        _ => help.clone(),
    };
    let (of_list, of_field) = (label.clone(), label.clone());
    view! {
        <dialog id="palette" class="dialog palette" aria-label=label>
            <input
                class="input" id="palette-field" type="text" role="combobox" aria-label=of_field autocomplete="off" spellcheck="false"
                maxlength="100" aria-controls="palette-list" aria-autocomplete="list" on:input=write on:keydown=press
                aria-expanded=move || if nothing() { "false" } else { "true" }
                aria-activedescendant=move || (!nothing()).then(|| format!("palette-{}", active.get()))
            />
            <ul id="palette-list" role="listbox" aria-label=of_list hidden=nothing>
                {move || hits.get().into_iter().enumerate().map(option).collect_view()}
            </ul>
            <p class="help" role="status">{said}</p>
        </dialog>
    }
}

/// Goes to the page that finds the same.
fn go_to_all(text: &str) {
    #[cfg(target_family = "wasm")]
    super::keyboard::go_to_all(text);
    #[cfg(not(target_family = "wasm"))]
    let _ = text;
}

/// Goes to what was chosen.
fn go(hit: Option<Hit>) {
    let Some(hit) = hit else { return };
    #[cfg(target_family = "wasm")]
    super::dom::go(&hit.href);
    #[cfg(not(target_family = "wasm"))]
    drop(hit);
}
