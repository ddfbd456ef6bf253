//! The few things that islands do to the page.
use js_sys::{
    Promise,
    futures::{JsFuture, spawn_local},
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Document, Element, Window, XmlHttpRequest, XmlHttpRequestResponseType};

/// The window; there always is one where islands run.
pub fn window() -> Option<Window> {
    web_sys::window()
}

/// The page.
pub fn document() -> Option<Document> {
    window()?.document()
}

/// Something on the page.
pub fn by_id(id: &str) -> Option<Element> {
    document()?.get_element_by_id(id)
}

/// Sets an attribute of something on the page.
pub fn set_attribute(id: &str, name: &str, value: &str) {
    if let Some(element) = by_id(id) {
        let _ = element.set_attribute(name, value);
    }
}

/// Copies a text, and says when it is done. Browsers allow it over TLS and on the machine itself only.
pub fn copy(text: String, done: impl FnOnce() + 'static) {
    let Some(window) = window().filter(Window::is_secure_context) else { return };
    let promise = window.navigator().clipboard().write_text(&text);
    spawn_local(async move {
        if JsFuture::from(promise).await.is_ok() {
            done();
        }
    });
}

/// Does something later.
pub fn after(milliseconds: i32, act: impl FnOnce() + 'static) {
    if let Some(window) = window() {
        let act = Closure::once_into_js(act);
        let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(act.unchecked_ref(), milliseconds);
    }
}

/// One of our pages, parsed but not shown. The browser parses it as it comes, because the pages' policy forbids to make markup
/// of a text (`require-trusted-types-for`).
pub async fn fetch(address: &str) -> Result<Document, JsValue> {
    let request = answered(address, XmlHttpRequestResponseType::Document).await?;
    request.response_xml()?.ok_or(JsValue::NULL)
}

/// What one of our addresses answers with, as an object.
pub async fn fetch_json(address: &str) -> Result<JsValue, JsValue> {
    answered(address, XmlHttpRequestResponseType::Json).await?.response()
}

/// What one of our addresses answers with, as text.
pub async fn fetch_text(address: &str) -> Result<String, JsValue> {
    let request = answered(address, XmlHttpRequestResponseType::Text).await?;
    request.response_text()?.ok_or(JsValue::NULL)
}

/// What one of our actions answers to a form, a refusal too, as an object.
pub async fn post(address: &str, form: &str) -> Result<JsValue, JsValue> {
    asked("POST", address, Some(form), XmlHttpRequestResponseType::Json).await?.response()
}

async fn answered(address: &str, kind: XmlHttpRequestResponseType) -> Result<XmlHttpRequest, JsValue> {
    let request = asked("GET", address, None, kind).await?;
    match request.status()? {
        200 => Ok(request),
        _ => Err(JsValue::NULL),
    }
}

async fn asked(
    method: &str,
    address: &str,
    form: Option<&str>,
    kind: XmlHttpRequestResponseType,
) -> Result<XmlHttpRequest, JsValue> {
    let request = XmlHttpRequest::new()?;
    request.open(method, address)?;
    request.set_response_type(kind);
    if form.is_some() {
        request.set_request_header("content-type", "application/x-www-form-urlencoded")?;
        request.set_request_header("accept", "application/json")?;
    }
    let ended = Promise::new(&mut |resolve, _| request.set_onloadend(Some(&resolve)));
    request.send_with_opt_str(form)?;
    JsFuture::from(ended).await?;
    Ok(request)
}

/// Goes to one of our pages.
pub fn go(href: &str) {
    if let Some(window) = window() {
        let _ = window.location().assign(href);
    }
}

/// What the browser keeps under a name.
fn kept(name: &str) -> Option<String> {
    window()?.local_storage().ok()??.get_item(name).ok()?
}

fn keep(name: &str, value: &str) {
    if let Some(Ok(Some(storage))) = window().map(|window| window.local_storage()) {
        let _ = storage.set_item(name, value);
    }
}

/// What the browser keeps under this name when single letters are no keys: `off`.
const KEYS: &str = "keys";

/// Whether single letters are keys, which they are unless somebody said no.
pub fn single_keys() -> bool {
    kept(KEYS).is_none_or(|said| said != "off")
}

/// Says whether they are, in this browser.
pub fn set_single_keys(listening: bool) {
    keep(KEYS, if listening { "on" } else { "off" });
}

/// What the browser keeps the theme under; the script in the page's head (`document.rs`) reads it too.
const THEME: &str = "theme";

/// `light`, `dark`, or empty for the system's.
pub fn theme() -> String {
    kept(THEME).unwrap_or_default()
}

/// Chooses the theme for this browser.
pub fn set_theme(theme: &str) {
    keep(THEME, theme);
    if let Some(root) = document().and_then(|document| document.document_element()) {
        let _ = match theme {
            "" => root.remove_attribute("data-theme"),
            _ => root.set_attribute("data-theme", theme),
        };
    }
}
