//! Content of live regions: replaced or updated in place without disturbing what someone reads or types.
use crate::dom;
use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement};

/// The distance above the viewport from which a region's top counts as scrolled past, in pixels.
const SCROLL_TOLERANCE: f64 = 40.0;

/// The duration of the highlight of new and changed content; the token `--motion` of the style sheet.
const HIGHLIGHT_MS: f64 = 120.0;

/// Returns whether replacing the region would lose input: a focused field, a changed checkbox or selection, an open `details`,
/// a pressed element, or selected text.
pub fn is_in_use(region: &Element) -> bool {
    let busy = ":is(input, textarea, select):focus, details[open], :active, \
                input:checked:not([checked]), input[checked]:not(:checked), select:has(option[selected]) option:checked:not([selected])";
    let has_selection = || {
        let selection = dom::window()?.get_selection().ok()??;
        Some(!selection.is_collapsed() && region.contains(selection.anchor_node().as_ref()))
    };
    region.query_selector(busy).ok().flatten().is_some() || has_selection().unwrap_or(false)
}

/// Returns whether rows must not move: the pointer or the focus is in a row, or the region's top is above the viewport.
pub fn must_not_move(region: &Element) -> bool {
    let scrolled_past = region.get_bounding_client_rect().top() < -SCROLL_TOLERANCE;
    scrolled_past || region.query_selector("tbody:hover, tbody:focus-within").ok().flatten().is_some()
}

/// Replaces the content of `region` with that of `new`, highlights the rows that differ, and restores the focus to the same element or
/// to the region.
pub fn replace(region: &Element, new: &Element) {
    let before = by_href(region);
    replace_content(region, new);
    if before.is_empty() && region.child_element_count() == 1 {
        region.first_element_child().iter().for_each(highlight); // a badge or a count
    }
    for (href, element) in by_href(region) {
        let is_same = |(known, old): &(String, Element)| *known == href && old.inner_html() == element.inner_html();
        if !before.is_empty() && !before.iter().any(is_same) {
            highlight(&element);
        }
    }
}

/// Highlights an element for a moment, unless the person prefers reduced motion. An animation leaves no trace in the document, which is
/// compared with the next version.
fn highlight(element: &Element) {
    let reduced =
        dom::window().and_then(|window| window.match_media("(prefers-reduced-motion: reduce)").ok().flatten());
    if reduced.is_some_and(|query| query.matches()) {
        return;
    }
    let (keyframes, colors) = (Object::new(), Array::of2(&"var(--accent-soft)".into(), &"transparent".into()));
    let _ = Reflect::set(&keyframes, &"backgroundColor".into(), &colors);
    // web-sys has no stable binding of `animate`.
    let animate = Reflect::get(element, &"animate".into()).ok().and_then(|method| method.dyn_into::<Function>().ok());
    if let Some(animate) = animate {
        let _ = animate.call2(element, &keyframes, &HIGHLIGHT_MS.into());
    }
}

fn replace_content(region: &Element, new: &Element) {
    let focused = dom::document().and_then(|d| d.active_element()).filter(|element| region.contains(Some(element)));
    let identity = focused.map(|element| (element.tag_name(), element.get_attribute("href"), element.text_content()));
    let nodes = new.child_nodes();
    region.replace_children_with_node(&(0..nodes.length()).filter_map(|index| nodes.get(index)).collect());
    let Some((tag, href, text)) = identity else { return };
    let Ok(candidates) = region.query_selector_all(&tag) else { return };
    for element in dom::nodes::<HtmlElement>(&candidates) {
        if element.get_attribute("href") == href && (href.is_some() || element.text_content() == text) {
            let _ = element.focus();
            return;
        }
    }
    focus(region);
}

/// Moves the focus to the beginning of a region without scrolling, so that the Tab key continues from there.
pub fn focus(region: &Element) {
    let Some(region) = region.dyn_ref::<HtmlElement>() else { return };
    let _ = region.set_attribute("tabindex", "-1");
    let options = FocusOptions::new();
    options.set_prevent_scroll(true);
    let _ = region.focus_with_options(&options);
}

/// Updates in place each row and filter chip of `old` that `new` also has. Returns how many rows of `new` are not shown yet (at
/// least 1 if the lists differ otherwise), or `None` if `old` has neither rows nor chips.
pub fn merge_rows(old: &Element, new: &Element) -> Option<u32> {
    let (shown, fetched) = (by_href(old), by_href(new));
    if shown.is_empty() {
        return None;
    }
    let mut added = 0;
    for (href, element) in &fetched {
        match shown.iter().find(|(known, _)| known == href) {
            Some((_, current)) if current.inner_html() != element.inner_html() => {
                replace_content(current, element);
                highlight(current);
            }
            Some(_) => {}
            None if element.tag_name() == "TR" => added += 1,
            None => {}
        }
    }
    let same = shown.iter().map(|(href, _)| href).eq(fetched.iter().map(|(href, _)| href));
    Some(if same { 0 } else { added.max(1) })
}

/// Returns the rows and chips of a region with the link that identifies each.
fn by_href(region: &Element) -> Vec<(String, Element)> {
    let Ok(found) = region.query_selector_all(".chip, tbody tr") else { return vec![] };
    let href = |element: &Element| match element.get_attribute("href") {
        None => element.query_selector(".row-link").ok()??.get_attribute("href"),
        own => own,
    };
    dom::nodes::<Element>(&found).filter_map(|element| Some((href(&element)?, element))).collect()
}
