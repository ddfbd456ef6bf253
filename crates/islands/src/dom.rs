//! DOM helpers that the islands share.
use js_sys::futures::{JsFuture, spawn_local};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Document, Element, EventTarget, NodeList, Window};

pub fn window() -> Option<Window> {
    web_sys::window()
}

pub fn document() -> Option<Document> {
    window()?.document()
}

pub fn by_id(id: &str) -> Option<Element> {
    document()?.get_element_by_id(id)
}

/// Returns whether the tab is in the background.
pub fn is_hidden() -> bool {
    document().is_some_and(|document| document.hidden())
}

/// Returns whether the window is the one in use.
pub fn has_focus() -> bool {
    document().is_some_and(|document| document.has_focus().unwrap_or(true))
}

/// Iterates over the nodes that are of one type.
pub fn nodes<T: JsCast>(list: &NodeList) -> impl Iterator<Item = T> {
    (0..list.length()).filter_map(|index| list.get(index)?.dyn_into().ok())
}

pub fn set_attribute(id: &str, name: &str, value: &str) {
    if let Some(element) = by_id(id) {
        let _ = element.set_attribute(name, value);
    }
}

pub fn set_hidden(id: &str, hidden: bool) {
    if let Some(element) = by_id(id) {
        let _ = if hidden { element.set_attribute("hidden", "") } else { element.remove_attribute("hidden") };
    }
}

/// Adds an event listener for the lifetime of the page.
pub fn listen(target: &EventTarget, event: &str, handler: impl Fn(JsValue) + 'static) {
    let handler = Closure::<dyn Fn(JsValue)>::new(handler);
    let _ = target.add_event_listener_with_callback(event, handler.as_ref().unchecked_ref());
    handler.forget();
}

/// Calls `action` once after a delay.
pub fn after(milliseconds: i32, action: impl FnOnce() + 'static) {
    if let Some(window) = window() {
        let action = Closure::once_into_js(action);
        let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(action.unchecked_ref(), milliseconds);
    }
}

/// Copies a text and calls `done` on success. Browsers permit it over TLS and on localhost only.
pub fn copy_to_clipboard(text: &str, done: impl FnOnce() + 'static) {
    let Some(window) = window().filter(Window::is_secure_context) else { return };
    let promise = window.navigator().clipboard().write_text(text);
    spawn_local(async move {
        if JsFuture::from(promise).await.is_ok() {
            done();
        }
    });
}

/// Navigates to a page of this server.
pub fn navigate(href: &str) {
    if let Some(window) = window() {
        let _ = window.location().assign(href);
    }
}
