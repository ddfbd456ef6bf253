//! Relative times ("in 5 minutes") that stay correct while a page is open.
use crate::dom;
use js_sys::{Array, Date, Intl::RelativeTimeFormat, Object};
use web_sys::Element;

const REFRESH_INTERVAL_MS: i32 = 20_000;

/// Refreshes the relative times of the page periodically, by the server's clock: `rendered_at` is the server's time when it
/// rendered the page (RFC 3339).
pub fn start(rendered_at: &str) {
    let clock_offset = Date::parse(rendered_at) - Date::now();
    schedule(clock_offset);
}

fn schedule(clock_offset: f64) {
    dom::after(REFRESH_INTERVAL_MS, move || {
        refresh(clock_offset);
        schedule(clock_offset);
    });
}

/// Updates every time on the page. `clock_offset` is the server's clock minus the browser's, in milliseconds.
fn refresh(clock_offset: f64) {
    let Some(document) = dom::document().filter(|document| !document.hidden()) else { return };
    let language = document.document_element().and_then(|root| root.get_attribute("lang")).unwrap_or_default();
    let format = RelativeTimeFormat::new(&Array::of1(&language.into()), &Object::new());
    let Ok(times) = document.query_selector_all("time[title]") else { return };
    for time in dom::nodes::<Element>(&times) {
        update(&time, Date::now() + clock_offset, &format);
    }
}

fn update(time: &Element, now: f64, format: &RelativeTimeFormat) {
    let timestamp = time.get_attribute("datetime").map_or(f64::NAN, |value| Date::parse(&value));
    let Some(node) = time.first_child() else { return };
    let Some((count, unit)) = relative((timestamp - now) / 1_000.0) else { return };
    let text = format.format(count, unit).as_string();
    if text != node.node_value() {
        node.set_node_value(text.as_deref());
    }
}

/// Converts an offset in seconds to a value and a unit, as `Moment` in `app` does. Returns `None` below five seconds and for
/// NaN.
fn relative(seconds: f64) -> Option<(f64, &'static str)> {
    let (unit_seconds, unit) = match seconds.abs() {
        s if s < 60.0 => (1.0, "second"),
        s if s < 3_600.0 => (60.0, "minute"),
        s if s < 172_800.0 => (3_600.0, "hour"),
        _ => (86_400.0, "day"),
    };
    let count = seconds / unit_seconds;
    let count = if unit == "day" && count > 0.0 { count.round() } else { count.trunc() };
    (seconds.abs() >= 5.0).then_some((count, unit))
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn relative_times_use_the_largest_unit_that_fits() {
        assert_eq!(relative(4.9), None);
        assert_eq!(relative(f64::NAN), None);
        assert_eq!(relative(-59.9), Some((-59.0, "second")));
        assert_eq!(relative(310.0), Some((5.0, "minute")));
        assert_eq!(relative(-172_799.0), Some((-47.0, "hour")));
        assert_eq!(relative(6.6 * 86_400.0), Some((7.0, "day")));
        assert_eq!(relative(-6.6 * 86_400.0), Some((-6.0, "day")));
    }
}
