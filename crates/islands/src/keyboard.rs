//! Keyboard shortcuts of the page: Ctrl-K, on a Mac Cmd-K, `?`, `g` followed by a letter, `j` and `k` between the rows of a list, and the
//! keys that elements declare in `aria-keyshortcuts`.
use crate::{dom, preferences};
use std::cell::Cell;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlDialogElement, HtmlElement, KeyboardEvent};

/// The timeout for the second key after `g`.
const SEQUENCE_TIMEOUT_MS: i32 = 1_500;

thread_local! {
    /// Whether `g` was the last key, within the timeout.
    static SEQUENCE_STARTED: Cell<bool> = const { Cell::new(false) };
}

/// Installs the shortcuts. `destinations` are the pages that `g` and a second key open.
pub fn install(destinations: Vec<(String, String)>) {
    let Some(document) = dom::document() else { return };
    dom::listen(&document, "keydown", move |event: JsValue| {
        if let Ok(event) = event.dyn_into::<KeyboardEvent>() {
            key_pressed(&event, &destinations);
        }
    });
}

fn key_pressed(event: &KeyboardEvent, destinations: &[(String, String)]) {
    // An input method composes a character of several keys, and a dialog has keys of its own.
    if event.is_composing() || exists("dialog[open]") {
        return;
    }
    let key = event.key();
    // On a Mac, Ctrl-K deletes to the end of a line.
    let (wanted, other) =
        if is_mac() { (event.meta_key(), event.ctrl_key()) } else { (event.ctrl_key(), event.meta_key()) };
    if wanted && !other && !event.alt_key() && !event.shift_key() && key.eq_ignore_ascii_case("k") {
        event.prevent_default();
        open_dialog("palette");
        return;
    }
    if wanted || other || event.alt_key() || is_in_field() || !preferences::single_key_shortcuts() {
        return;
    }
    let is_second = SEQUENCE_STARTED.replace(false);
    match key.as_str() {
        "?" => open_dialog("keys-dialog"),
        "g" if !is_second => {
            SEQUENCE_STARTED.set(true);
            dom::after(SEQUENCE_TIMEOUT_MS, || SEQUENCE_STARTED.set(false));
        }
        _ if is_second => {
            if let Some((_, href)) = destinations.iter().find(|(letter, _)| *letter == key) {
                event.prevent_default();
                dom::navigate(href);
            }
        }
        "j" => focus_row(1),
        "k" => focus_row(-1),
        letter if letter.len() == 1 && letter.bytes().all(|b| b.is_ascii_lowercase()) => {
            // A group declares the key of its first visible button.
            let declared = format!("main [aria-keyshortcuts=\"{letter}\"]");
            if let Some(target) = elements(&format!("{declared} button:not([hidden])")).first() {
                event.prevent_default(); // the letter would be typed into a field
                let _ = target.focus();
            }
        }
        _ => {}
    }
}

/// Moves the focus to the link of another row: the first one, if no row has it.
fn focus_row(step: isize) {
    let rows = elements("main .row-link");
    let focused = dom::document().and_then(|document| document.active_element());
    let at = rows.iter().position(|row| focused.as_ref() == Some(row.as_ref()));
    let next = at.map_or(Some(0), |at| at.checked_add_signed(step));
    if let Some(row) = next.and_then(|next| rows.get(next)) {
        let _ = row.focus();
    }
}

fn elements(selector: &str) -> Vec<HtmlElement> {
    let found = dom::document().and_then(|document| document.query_selector_all(selector).ok());
    found.map(|found| dom::nodes(&found).collect()).unwrap_or_default()
}

/// Returns whether a letter is input.
fn is_in_field() -> bool {
    exists(":is(input, textarea, select, [contenteditable]):focus")
}

fn exists(selector: &str) -> bool {
    dom::document().and_then(|document| document.query_selector(selector).ok().flatten()).is_some()
}

fn is_mac() -> bool {
    let platform = dom::window().and_then(|window| window.navigator().platform().ok()).unwrap_or_default();
    platform.starts_with("Mac") || platform.starts_with("iP")
}

fn open_dialog(id: &str) {
    let dialog = dom::by_id(id).and_then(|element| element.dyn_into::<HtmlDialogElement>().ok());
    if let Some(dialog) = dialog.filter(|dialog| !dialog.open()) {
        let _ = dialog.show_modal();
    }
}
