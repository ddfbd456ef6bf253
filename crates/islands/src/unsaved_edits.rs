//! Unsaved edits: a warning of the browser before somebody leaves a page with a changed form.
use crate::dom;
use leptos::prelude::*;
use std::{cell::Cell, rc::Rc};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Event};

/// A guard of a form. Its buttons, and the links in it, leave the page without a warning.
#[island]
pub fn UnsavedEdits(
    /// The form's id.
    form: String,
    /// Whether the form differs from what is saved already.
    changed: bool,
) -> impl IntoView {
    Effect::new(move |_| guard(&form, changed));
}

fn guard(form: &str, changed: bool) {
    let (Some(window), Some(form)) = (dom::window(), dom::by_id(form)) else { return };
    let changed = Rc::new(Cell::new(changed));
    let set = |value: bool| {
        let changed = Rc::clone(&changed);
        move |_: JsValue| changed.set(value)
    };
    dom::listen(&form, "input", set(true));
    dom::listen(&form, "submit", set(false));
    let leaves = Rc::clone(&changed);
    dom::listen(&form, "click", move |event| {
        let target = event.unchecked_into::<Event>().target().and_then(|target| target.dyn_into::<Element>().ok());
        if target.is_some_and(|target| matches!(target.closest("a"), Ok(Some(_)))) {
            leaves.set(false);
        }
    });
    dom::listen(&window, "beforeunload", move |event| {
        if changed.get() {
            event.unchecked_into::<Event>().prevent_default();
        }
    });
}
