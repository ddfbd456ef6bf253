//! Lines that somebody chose: by their numbers, and in the address (`#L10`, `#L10-L20`).
use super::{
    bar, layout, line,
    state::{self, Place},
};
use crate::ui::islands::dom;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, MouseEvent};

/// A range of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub first: u32,
    pub last: u32,
    /// The one that was clicked first: with the shift key held, the range reaches from it.
    from: u32,
}

impl Chosen {
    fn between(from: u32, to: u32) -> Self {
        Self { first: from.min(to), last: from.max(to), from }
    }

    fn hash(self) -> String {
        match self {
            Self { first, last, .. } if first == last => format!("#L{first}"),
            Self { first, last, .. } => format!("#L{first}-L{last}"),
        }
    }
}

/// What the address chooses.
pub fn in_address() -> Option<Chosen> {
    let hash = dom::window()?.location().hash().ok()?;
    let lines = hash.strip_prefix("#L")?;
    let (first, last) = lines.split_once("-L").unwrap_or((lines, lines));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first > 0 && last > 0).then(|| Chosen::between(first, last))
}

/// Goes where the address says now.
pub fn go_to_address() {
    if let Some(chosen) = in_address() {
        let _ = state::with(|viewer| viewer.chosen = Some(chosen));
        if let Some(region) = state::region() {
            region.scroll_into_view();
        }
        layout::go_to(chosen.first);
        say();
    }
}

/// A click on a number chooses its line, without moving the page; with the shift key held, all from the one before.
pub fn clicked(event: JsValue) {
    let Ok(event) = event.dyn_into::<MouseEvent>() else { return };
    let number = || {
        let target = event.target()?.dyn_into::<Element>().ok()?;
        line::number_of(&target.closest(".log-number").ok()??.parent_element()?)
    };
    let Some(number) = number().filter(|_| !event.ctrl_key() && !event.meta_key()) else { return };
    event.prevent_default();
    let hash = state::with(|viewer| {
        let from = viewer.chosen.filter(|_| event.shift_key()).map_or(number, |chosen| chosen.from);
        let chosen = Chosen::between(from, number);
        viewer.chosen = Some(chosen);
        if viewer.place == Place::End {
            viewer.place = Place::Between;
        }
        chosen.hash()
    });
    if let (Some(hash), Some(history)) = (hash, dom::window().and_then(|window| window.history().ok())) {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&hash));
    }
    show();
    say();
}

/// Marks the chosen lines among those on the page.
pub fn show() {
    let Some(chosen) = state::with(|viewer| viewer.chosen) else { return };
    for row in layout::rows() {
        let is_in =
            line::number_of(&row).zip(chosen).is_some_and(|(n, chosen)| (chosen.first..=chosen.last).contains(&n));
        let _ = row.class_list().toggle_with_force("log-chosen", is_in);
    }
}

/// Lets the button say what it copies.
pub fn say() {
    match state::with(|viewer| viewer.chosen).flatten() {
        None => bar::say("log-copy", "all", &[]),
        Some(Chosen { first, last, .. }) => bar::say("log-copy", "chosen", &[("{first}", first), ("{last}", last)]),
    }
}
