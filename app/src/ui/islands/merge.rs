//! Brings what stands in a list up to date without moving it: rows and counts, each known by where it leads.
use super::follow::replace;
use wasm_bindgen::JsCast;
use web_sys::Element;

/// Gives each row and count of `old` that `new` has too the content that it has there. Answers how many rows of `new` are
/// still to be shown, at least 1 where anything else is missing; `None` where neither has rows.
pub fn merge(old: &Element, new: &Element) -> Option<u32> {
    let (mine, theirs) = (keyed(old), keyed(new));
    if mine.is_empty() {
        return None;
    }
    let mut fresh = 0;
    for (key, element) in &theirs {
        match mine.iter().find(|(known, _)| known == key) {
            Some((_, here)) if here.inner_html() != element.inner_html() => replace(here, element),
            Some(_) => {}
            None if element.tag_name() == "TR" => fresh += 1,
            None => {}
        }
    }
    let same = mine.iter().map(|(key, _)| key).eq(theirs.iter().map(|(key, _)| key));
    Some(if same { 0 } else { fresh.max(1) })
}

/// Rows and chips, by the address that they lead to.
fn keyed(region: &Element) -> Vec<(String, Element)> {
    let Ok(found) = region.query_selector_all(".chip, tbody tr") else { return vec![] };
    let elements = (0..found.length()).filter_map(|at| found.get(at)?.dyn_into::<Element>().ok());
    let key = |element: &Element| match element.get_attribute("href") {
        None => element.query_selector(".row-link").ok()??.get_attribute("href"),
        own => own,
    };
    elements.filter_map(|element| Some((key(&element)?, element))).collect()
}
