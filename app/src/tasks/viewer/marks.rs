//! Marks what was found, by the browser's own highlights: no element is made for it.
use super::{layout, line};
use crate::ui::islands::dom;
use js_sys::{Array, Function, JsString, Reflect};
use std::cell::RefCell;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Node, Range};

thread_local! {
    /// What is sought, in lower case, and the line where one is among its places.
    static SOUGHT: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
}

/// Marks this text from now on; `None` marks nothing.
pub fn mark(sought: Option<(String, u32)>) {
    SOUGHT.set(sought);
    repaint();
}

/// Marks it in the lines that are on the page now.
pub fn repaint() {
    let sought = SOUGHT.with_borrow(Clone::clone);
    let ranges = Array::new();
    for row in layout::rows() {
        let is_here = sought.as_ref().is_some_and(|(_, here)| line::number_of(&row) == Some(*here));
        let _ = row.class_list().toggle_with_force("log-here", is_here);
        if let Some((text, _)) = &sought {
            collect(&row, text, &ranges);
        }
    }
    let _ = paint(&ranges);
}

/// Ranges of a text in a line; a text may reach over several styles.
fn collect(row: &Element, sought: &str, into: &Array) -> Option<()> {
    let body = row.query_selector(".log-text").ok()??;
    let text = JsString::from(body.text_content()?).to_lower_case();
    let length = u32::try_from(sought.encode_utf16().count()).ok()?;
    let mut from = 0;
    loop {
        let at = u32::try_from(text.index_of(sought, from)).ok()?;
        let end = at + length;
        let range = Range::new().ok()?;
        let (first, offset) = place(&body, at, false)?;
        range.set_start(&first, offset).ok()?;
        let (last, offset) = place(&body, end, true)?;
        range.set_end(&last, offset).ok()?;
        into.push(&range);
        from = i32::try_from(end).ok()?;
    }
}

/// The text node at a place in a line, and the place in it; a place between two is in the second, or the first for an end.
fn place(body: &Element, at: u32, is_end: bool) -> Option<(Node, u32)> {
    let (spans, mut before) = (body.child_nodes(), 0);
    for node in (0..spans.length()).filter_map(|n| spans.get(n)?.first_child()) {
        let length = JsString::from(node.text_content()?).length();
        let inside = at - before;
        if inside < length || (is_end && inside == length) {
            return Some((node, inside));
        }
        before += length;
    }
    None
}

/// `CSS.highlights.set("found", new Highlight(…ranges))`; browsers without it show the line alone.
fn paint(ranges: &Array) -> Result<(), JsValue> {
    let Some(window) = dom::window() else { return Ok(()) };
    let registry = Reflect::get(&Reflect::get(&window, &"CSS".into())?, &"highlights".into())?;
    let class: Function = Reflect::get(&window, &"Highlight".into())?.dyn_into()?;
    let highlight = Reflect::construct(&class, ranges)?;
    let set: Function = Reflect::get(&registry, &"set".into())?.dyn_into()?;
    set.call2(&registry, &"found".into(), &highlight)?;
    Ok(())
}
