//! Wakes the bar that the server made (`tasks/bar.rs`), and says in it how things stand.
use super::{copy, find, layout, state::hear};
use crate::ui::islands::dom;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlInputElement, KeyboardEvent};

/// Shows what needs JavaScript, and listens.
pub fn wake() {
    let acts: [(&str, fn()); 6] = [
        ("log-start", layout::to_start),
        ("log-end", layout::to_end),
        ("log-follow", layout::to_end),
        ("log-copy", copy::copy),
        ("log-next", || find::step(true)),
        ("log-before", || find::step(false)),
    ];
    for (id, act) in acts {
        if let Some(button) = dom::by_id(id) {
            hear(&button, "click", move |_| act());
        }
    }
    let live = dom::by_id("log-follow").is_some();
    show("log-start", true);
    show(if live { "log-follow" } else { "log-end" }, true);
    show("log-copy", true);
    if let Some(form) = dom::by_id("log-find") {
        hear(&form, "submit", |event: JsValue| {
            if let Ok(event) = event.dyn_into::<web_sys::Event>() {
                event.prevent_default();
            }
            find::enter(sought());
        });
        hear(&form, "keydown", |event: JsValue| {
            let key = event.dyn_into::<KeyboardEvent>().map(|event| event.key());
            if key.is_ok_and(|key| key == "Escape") {
                find::enter(String::new());
            }
        });
    }
    if !sought().is_empty() {
        find::enter(sought());
    }
}

fn sought() -> String {
    let field = dom::by_id("log-sought").and_then(|field| field.dyn_into::<HtmlInputElement>().ok());
    field.map_or_else(String::new, |field| field.value())
}

/// Shows or hides a button.
pub fn show(id: &str, is_there: bool) {
    if let Some(button) = dom::by_id(id) {
        let _ = if is_there { button.remove_attribute("hidden") } else { button.set_attribute("hidden", "") };
    }
}

/// Says one of the texts that an element has for it, with numbers put into their places.
pub fn say(id: &str, which: &str, numbers: &[(&str, u32)]) {
    let Some(element) = dom::by_id(id) else { return };
    let mut text = element.get_attribute(&format!("data-{which}")).unwrap_or_default();
    for (name, number) in numbers {
        text = text.replace(name, &number.to_string());
    }
    element.set_text_content(Some(&text));
}
