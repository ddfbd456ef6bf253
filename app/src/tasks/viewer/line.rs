//! One line of output in the browser.
use crate::ui::islands::dom;
use js_sys::{Array, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Element;

/// Its number, if it has one.
pub fn number(line: &JsValue) -> Option<u32> {
    whole(&field(line, "n"))
}

/// A number of JavaScript that is a whole one.
pub fn whole(value: &JsValue) -> Option<u32> {
    value.as_f64().map(whole_of)
}

/// The nearest whole number.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it ends at the limits"
)]
pub fn whole_of(number: f64) -> u32 {
    (number + 0.5) as u32
}

/// A field of an object.
pub fn field(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap_or(JsValue::NULL)
}

fn text(value: &JsValue, name: &str) -> String {
    field(value, name).as_string().unwrap_or_default()
}

/// The number of a line that is on the page.
pub fn number_of(row: &Element) -> Option<u32> {
    row.id().strip_prefix('L')?.parse().ok()
}

/// One line, as the server builds it (`log.rs`): text nodes and fixed classes, never markup.
pub fn row(number: u32, line: &JsValue) -> Option<Element> {
    let (at, stream, id) = (text(line, "at"), text(line, "s"), format!("L{number}"));
    let row = element("div", &format!("log-line log-{stream}"), "")?;
    row.set_id(&id);
    let anchor = element("a", "log-number", &number.to_string())?;
    let _ = anchor.set_attribute("href", &format!("#{id}"));
    let _ = anchor.set_attribute("tabindex", "-1");
    let time = element("time", "log-at", at.get(11..19).unwrap_or_default())?;
    let _ = time.set_attribute("datetime", &at);
    let said = element("span", "log-stream", if stream == "stdout" { "" } else { &stream })?;
    let body = element("span", "log-text", "")?;
    for span in field(line, "spans").dyn_into::<Array>().ok()?.iter() {
        let class = text(&span, "class");
        let ours = class.split(' ').all(|word| word.is_empty() || word.starts_with("ansi-"));
        let _ = body.append_child(&*element("span", if ours { &class } else { "" }, &text(&span, "text"))?);
    }
    for part in [anchor, time, said, body] {
        let _ = row.append_child(&part);
    }
    Some(row)
}

/// An element with a class and a text.
pub fn element(name: &str, class: &str, text: &str) -> Option<Element> {
    let element = dom::document()?.create_element(name).ok()?;
    element.set_class_name(class);
    if !text.is_empty() {
        element.set_text_content(Some(text));
    }
    Some(element)
}
