//! The keys that a page listens to, and the search behind its dialog.
use super::{
    dom,
    palette::{Hit, Search},
};
use js_sys::futures::spawn_local;
use leptos::prelude::{GetUntracked, RwSignal, Set};
use std::cell::Cell;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Document, Element, HtmlDialogElement, KeyboardEvent};

/// How long a second key may come after `g`, in milliseconds.
const SECOND: i32 = 1_500;

/// How long one pauses in typing before it is searched, in milliseconds.
const PAUSE: i32 = 150;

thread_local! {
    /// Whether `g` was pressed just now.
    static GOING: Cell<bool> = const { Cell::new(false) };
    /// Counts searches: an answer to an earlier one is not shown.
    static SEARCHES: Cell<u32> = const { Cell::new(0) };
}

/// Listens to the whole page.
pub fn listen(ways: Vec<(String, String)>) {
    let Some(document) = dom::document() else { return };
    let pressed = Closure::<dyn Fn(KeyboardEvent)>::new(move |event: KeyboardEvent| press(&event, &ways));
    let _ = document.add_event_listener_with_callback("keydown", pressed.as_ref().unchecked_ref());
    pressed.forget();
}

fn press(event: &KeyboardEvent, ways: &[(String, String)]) {
    let key = event.key();
    if (event.ctrl_key() || event.meta_key()) && !event.alt_key() && !event.shift_key() && key.eq_ignore_ascii_case("k")
    {
        event.prevent_default();
        open("palette");
        return;
    }
    if event.ctrl_key() || event.meta_key() || event.alt_key() || is_written_in() || !dom::single_keys() {
        return;
    }
    let second = GOING.replace(false);
    match key.as_str() {
        "?" => open("keys-dialog"),
        "g" if !second => {
            GOING.set(true);
            dom::after(SECOND, || GOING.set(false));
        }
        _ if second => {
            if let Some((_, href)) = ways.iter().find(|(way, _)| *way == key) {
                event.prevent_default();
                dom::go(href);
            }
        }
        _ => {}
    }
}

/// Whether somebody writes, or is in a dialog: then a letter is a letter.
fn is_written_in() -> bool {
    let busy = ":is(input, textarea, select, [contenteditable]):focus, dialog[open]";
    dom::document().and_then(|document| document.query_selector(busy).ok().flatten()).is_some()
}

fn open(id: &str) {
    let dialog = dom::by_id(id).and_then(|element| element.dyn_into::<HtmlDialogElement>().ok());
    if let Some(dialog) = dialog.filter(|dialog| !dialog.open()) {
        let _ = dialog.show_modal();
    }
}

/// Searches once one pauses, and shows what was found.
pub fn search(typed: RwSignal<String>, hits: RwSignal<Vec<Hit>>, active: RwSignal<usize>, search: RwSignal<Search>) {
    let this = SEARCHES.get() + 1;
    SEARCHES.set(this);
    search.set(Search::Pending);
    dom::after(PAUSE, move || {
        if SEARCHES.get() == this {
            spawn_local(async move {
                let found = dom::fetch(&everything(&typed.get_untracked())).await;
                if SEARCHES.get() == this {
                    active.set(0);
                    search.set(if found.is_ok() { Search::Done } else { Search::Failed });
                    hits.set(found.map(|page| read(&page)).unwrap_or_default());
                }
            });
        }
    });
}

/// Goes to the search page.
pub fn go_to_all(text: &str) {
    dom::go(&everything(text));
}

fn everything(text: &str) -> String {
    format!("/search?q={}", String::from(js_sys::encode_uri_component(text)))
}

/// What stands on the search page.
fn read(page: &Document) -> Vec<Hit> {
    let mut hits: Vec<Hit> = vec![];
    let Ok(groups) = page.query_selector_all("#found .found") else { return hits };
    for group in (0..groups.length()).filter_map(|n| groups.get(n)?.dyn_into::<Element>().ok()) {
        let mut title = text(&group, "h2");
        let Ok(items) = group.query_selector_all("li") else { continue };
        for item in (0..items.length()).filter_map(|n| items.get(n)?.dyn_into::<Element>().ok()) {
            let link = item.query_selector("a").ok().flatten();
            let Some(href) = link.and_then(|link| link.get_attribute("href")) else { continue };
            let (name, about) = (text(&item, "a"), text(&item, ".muted"));
            hits.push(Hit { group: std::mem::take(&mut title), href, name, about });
        }
    }
    hits
}

fn text(within: &Element, selector: &str) -> String {
    within.query_selector(selector).ok().flatten().and_then(|element| element.text_content()).unwrap_or_default()
}

/// Scrolls the list so far that the active option is seen, once it is drawn.
pub fn into_sight(active: usize) {
    dom::after(0, move || {
        if let Some(option) = dom::by_id(&format!("palette-{active}")) {
            let options = web_sys::ScrollIntoViewOptions::new();
            options.set_block(web_sys::ScrollLogicalPosition::Nearest);
            option.scroll_into_view_with_scroll_into_view_options(&options);
        }
    });
}
