//! Keeps the relative times of an open page true: what expires "in 5 minutes" does not say so for an hour.
use super::dom;
use js_sys::{Array, Date, Intl::RelativeTimeFormat, Object};
use web_sys::Element;

/// How often they are looked at, in milliseconds.
const EVERY: i32 = 20_000;

/// From now on, by the server's clock: when it made the page, as an RFC 3339 time.
pub fn start(made: &str) {
    let (made, shown) = (Date::parse(made), Date::now());
    dom::after(EVERY, move || tick(made - shown));
}

/// `ahead` is by how many milliseconds the server's clock is before the browser's.
fn tick(ahead: f64) {
    if let Some(document) = dom::document().filter(|document| !document.hidden()) {
        let language = document.document_element().and_then(|root| root.get_attribute("lang")).unwrap_or_default();
        let words = RelativeTimeFormat::new(&Array::of1(&language.into()), &Object::new());
        if let Ok(times) = document.query_selector_all("time[title]") {
            let times = (0..times.length()).filter_map(|n| times.get(n)).map(wasm_bindgen::JsCast::unchecked_into);
            times.for_each(|time: Element| say(&time, Date::now() + ahead, &words));
        }
    }
    dom::after(EVERY, move || tick(ahead));
}

fn say(time: &Element, now: f64, words: &RelativeTimeFormat) {
    let at = time.get_attribute("datetime").map_or(f64::NAN, |at| Date::parse(&at));
    let Some(text) = time.first_child() else { return };
    let Some((n, unit)) = distance((at - now) / 1_000.0) else { return };
    let said = words.format(n, unit).as_string();
    if said != text.node_value() {
        text.set_node_value(said.as_deref());
    }
}

/// As the server says it (`moment.rs`), in seconds from now; `None` where that is now, or no number.
fn distance(seconds: f64) -> Option<(f64, &'static str)> {
    let (size, unit) = match seconds.abs() {
        s if s < 60.0 => (1.0, "second"),
        s if s < 3_600.0 => (60.0, "minute"),
        s if s < 172_800.0 => (3_600.0, "hour"),
        _ => (86_400.0, "day"),
    };
    let n = seconds / size;
    let n = if unit == "day" && n > 0.0 { n.round() } else { n.trunc() };
    (seconds.abs() >= 5.0).then_some((n, unit))
}
