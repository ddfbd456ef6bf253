//! Command palette: the dialog that Ctrl-K opens, with the results of the search page while one types.
use crate::{dom, fetch, keyboard};
use js_sys::futures::spawn_local;
use leptos::prelude::*;
use std::cell::Cell;
use web_sys::{Document, Element, ScrollIntoViewOptions, ScrollLogicalPosition};

/// The debounce interval between typing and the search.
const DEBOUNCE_MS: i32 = 150;

/// A result on the search page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Hit {
    /// The heading of its group, on the first result of each group only.
    group: String,
    href: String,
    name: String,
    details: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SearchState {
    /// The results shown belong to an earlier text.
    Pending,
    Done,
    /// The server did not respond.
    Failed,
}

/// The text in the field and what was found for it.
#[derive(Clone, Copy)]
struct Search {
    text: RwSignal<String>,
    hits: RwSignal<Vec<Hit>>,
    /// The index of the selected hit.
    active: RwSignal<usize>,
    state: RwSignal<SearchState>,
}

thread_local! {
    /// The number of searches so far; only the response to the last one is shown.
    static SEARCHES: Cell<u32> = const { Cell::new(0) };
}

/// The dialog; also installs the keyboard shortcuts of the page.
#[island]
pub fn Palette(
    /// The accessible name of the dialog and its field.
    label: String,
    /// The message when nothing matches.
    none: String,
    /// The message when the server did not respond.
    failed: String,
    help: String,
    /// The pages that `g` and a second key open.
    ways: Vec<(String, String)>,
) -> impl IntoView {
    let search = Search::new();
    let Search { text, hits, active, state } = search;
    Effect::new(move |_| keyboard::install(ways.clone()));
    let input = move |event: leptos::ev::Event| {
        text.set(event_target_value(&event));
        search.start();
    };
    let press = move |event: leptos::ev::KeyboardEvent| {
        let last = hits.with_untracked(Vec::len).saturating_sub(1);
        match event.key().as_str() {
            "ArrowDown" => active.update(|at| *at = if *at >= last { 0 } else { *at + 1 }),
            "ArrowUp" => active.update(|at| *at = if *at == 0 { last } else { *at - 1 }),
            "Home" => active.set(0),
            "End" => active.set(last),
            // The hits shown belong to an earlier text.
            "Enter" if state.get_untracked() == SearchState::Pending => {
                dom::navigate(&search_page(&text.get_untracked()))
            }
            "Enter" => {
                if let Some(hit) = hits.with_untracked(|hits| hits.get(active.get_untracked()).cloned()) {
                    dom::navigate(&hit.href);
                }
            }
            _ => return,
        }
        event.prevent_default();
        scroll_to_option(active.get_untracked());
    };
    let option = move |(index, hit): (usize, Hit)| {
        let href = hit.href;
        view! {
            <li
                role="option" id=option_id(index) on:click=move |_| dom::navigate(&href)
                aria-selected=move || if active.get() == index { "true" } else { "false" }
            >
                <span class="palette-group">{hit.group}</span>
                <span>{hit.name}</span>
                <span class="muted">{hit.details}</span>
            </li>
        }
    };
    let is_empty = move || hits.with(Vec::is_empty);
    let status = move || match state.get() {
        SearchState::Failed => failed.clone(),
        SearchState::Done if is_empty() && !text.with(String::is_empty) => none.clone(),
        _ => help.clone(),
    };
    let (list_label, field_label) = (label.clone(), label.clone());
    view! {
        <dialog id="palette" class="dialog palette" aria-label=label>
            <input
                class="input" id="palette-field" type="text" role="combobox" aria-label=field_label autocomplete="off"
                spellcheck="false" maxlength="100" aria-controls="palette-list" aria-autocomplete="list" on:input=input
                on:keydown=press aria-expanded=move || if is_empty() { "false" } else { "true" }
                aria-activedescendant=move || (!is_empty()).then(|| option_id(active.get()))
            />
            <ul id="palette-list" role="listbox" aria-label=list_label hidden=is_empty>
                {move || hits.get().into_iter().enumerate().map(option).collect_view()}
            </ul>
            <p class="help" role="status">{status}</p>
        </dialog>
    }
}

impl Search {
    fn new() -> Self {
        Self {
            text: RwSignal::new(String::new()),
            hits: RwSignal::new(vec![]),
            active: RwSignal::new(0),
            state: RwSignal::new(SearchState::Done),
        }
    }

    /// Searches for the text once typing pauses.
    fn start(self) {
        let this = SEARCHES.get() + 1;
        SEARCHES.set(this);
        self.state.set(SearchState::Pending);
        dom::after(DEBOUNCE_MS, move || {
            if SEARCHES.get() == this {
                spawn_local(async move {
                    let page = fetch::page(&search_page(&self.text.get_untracked())).await;
                    if SEARCHES.get() == this {
                        self.active.set(0);
                        self.state.set(if page.is_ok() { SearchState::Done } else { SearchState::Failed });
                        self.hits.set(page.map(|page| parse_hits(&page)).unwrap_or_default());
                    }
                });
            }
        });
    }
}

fn search_page(text: &str) -> String {
    format!("/search?q={}", String::from(js_sys::encode_uri_component(text)))
}

/// Reads the results from the search page.
fn parse_hits(page: &Document) -> Vec<Hit> {
    let mut hits: Vec<Hit> = vec![];
    let Ok(groups) = page.query_selector_all("#found .found") else { return hits };
    for group in dom::nodes::<Element>(&groups) {
        let mut heading = text_of(&group, "h2");
        let Ok(items) = group.query_selector_all("li") else { continue };
        for item in dom::nodes::<Element>(&items) {
            let link = item.query_selector("a").ok().flatten();
            let Some(href) = link.and_then(|link| link.get_attribute("href")) else { continue };
            let (name, details) = (text_of(&item, "a"), text_of(&item, ".muted"));
            hits.push(Hit { group: std::mem::take(&mut heading), href, name, details });
        }
    }
    hits
}

fn text_of(parent: &Element, selector: &str) -> String {
    parent.query_selector(selector).ok().flatten().and_then(|element| element.text_content()).unwrap_or_default()
}

fn option_id(index: usize) -> String {
    format!("palette-{index}")
}

/// Scrolls the selected option into view, after it is rendered.
fn scroll_to_option(index: usize) {
    dom::after(0, move || {
        if let Some(option) = dom::by_id(&option_id(index)) {
            let options = ScrollIntoViewOptions::new();
            options.set_block(ScrollLogicalPosition::Nearest);
            option.scroll_into_view_with_scroll_into_view_options(&options);
        }
    });
}
