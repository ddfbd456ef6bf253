//! Blocks of lines in the document: the few around the viewport, and a cache of others for scrolling back.
use super::layout::{LINES_PER_BLOCK, Layout, block_of, first_line_of};
use crate::dom;
use js_sys::{Array, Reflect};
use std::ops::RangeInclusive;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement};

/// The maximum number of blocks in memory.
const MAX_CACHED_BLOCKS: usize = 60;

/// The number of blocks per request.
const MAX_FETCHED_BLOCKS: usize = 8;

/// The content of the scrolled element: a spacer, blocks, and another spacer.
pub struct Blocks {
    region: HtmlElement,
    spacer_above: HtmlElement,
    spacer_below: HtmlElement,
    /// In no particular order; there are few.
    cached: Vec<(u32, Element)>,
    /// Placeholders for blocks that are being fetched.
    placeholders: Vec<(u32, HtmlElement)>,
}

impl Blocks {
    /// Adopts the blocks that the server rendered.
    pub fn adopt(region: HtmlElement) -> Option<Self> {
        let mut cached = vec![];
        for block in dom::nodes::<Element>(&region.query_selector_all(".log-block").ok()?) {
            if let Some(first) = block.first_element_child().as_ref().and_then(line_number) {
                cached.push((block_of(first), block));
            }
        }
        let (spacer_above, spacer_below) = (div("log-space")?, div("log-space")?);
        region.prepend_with_node_1(&spacer_above).ok()?;
        region.append_with_node_1(&spacer_below).ok()?;
        Some(Self { region, spacer_above, spacer_below, cached, placeholders: vec![] })
    }

    /// The element that scrolls.
    pub fn region(&self) -> &HtmlElement {
        &self.region
    }

    /// Returns how many lines are cached.
    pub fn line_count(&self) -> u32 {
        self.cached.iter().map(|(_, block)| block.child_element_count()).sum()
    }

    /// Returns the average height of the lines in a block, if there is one.
    pub fn line_height(&self) -> Option<f64> {
        let (_, block) = self.cached.first()?;
        Some(block.get_bounding_client_rect().height() / f64::from(block.child_element_count().max(1)))
    }

    /// Returns all lines in the document.
    pub fn rows(&self) -> Vec<Element> {
        self.region.query_selector_all(".log-line").map_or(vec![], |rows| dom::nodes(&rows).collect())
    }

    /// Returns the first line in the viewport, and its offset from the viewport's top in pixels.
    pub fn first_visible_line(&self) -> Option<(u32, f64)> {
        let top = self.region.scroll_top();
        let blocks = self.region.query_selector_all(".log-block").ok()?;
        let below_top = |element: &HtmlElement| element.offset_top() + element.offset_height() > top;
        for block in dom::nodes::<HtmlElement>(&blocks).filter(below_top) {
            if block.offset_top() > top + self.region.client_height() {
                break;
            }
            let rows = block.children();
            for row in (0..rows.length()).filter_map(|index| rows.item(index)?.dyn_into::<HtmlElement>().ok()) {
                if below_top(&row)
                    && let Some(number) = line_number(&row)
                {
                    return Some((number, f64::from(row.offset_top() - top)));
                }
            }
        }
        None
    }

    /// Removes all blocks.
    pub fn clear(&mut self) {
        self.cached.clear();
        self.placeholders.clear();
        self.arrange(&[]);
    }

    /// Appends a line from the stream. A line of a block that is not cached is dropped; it is fetched when it comes into view.
    pub fn append(&mut self, number: u32, line: &JsValue) {
        let block = block_of(number);
        if number == first_line_of(block)
            && find(&self.cached, block).is_none()
            && let Some(element) = element("div", "log-block", "")
        {
            self.cached.push((block, element));
        }
        let Some(element) = find(&self.cached, block) else { return };
        let next = first_line_of(block) + element.child_element_count();
        if number == next
            && let Some(row) = row(number, line)
        {
            let _ = element.append_child(&row);
        }
    }

    /// Adds fetched lines, which are in order. A cached block is replaced only by one with more lines.
    pub fn insert(&mut self, lines: &Array) {
        let mut fetched: Vec<(u32, Element)> = vec![];
        for line in lines.iter() {
            let Some(number) = number_field(&line, "n") else { continue };
            if find(&fetched, block_of(number)).is_none() {
                let Some(element) = element("div", "log-block", "") else { return };
                fetched.push((block_of(number), element));
            }
            if let (Some(block), Some(row)) = (find(&fetched, block_of(number)), row(number, &line)) {
                let _ = block.append_child(&row);
            }
        }
        for (block, element) in fetched {
            let cached_lines = find(&self.cached, block).map_or(0, Element::child_element_count);
            if element.child_element_count() > cached_lines {
                if let Some(old) = find(&self.cached, block) {
                    old.remove();
                }
                self.cached.retain(|(known, _)| *known != block);
                self.cached.push((block, element));
            }
        }
    }

    /// Puts exactly these blocks into the document, with placeholders for missing ones, and measures them.
    pub fn render(&mut self, wanted: &RangeInclusive<u32>, layout: &mut Layout) {
        self.placeholders.retain(|(block, _)| wanted.contains(block) && find(&self.cached, *block).is_none());
        let mut nodes = vec![];
        for block in wanted.clone() {
            if let Some(element) = find(&self.cached, block) {
                nodes.push(element.clone());
            } else if let Some(placeholder) = self.placeholder(block) {
                nodes.push(placeholder.into());
            }
        }
        self.arrange(&nodes);
        for block in wanted.clone() {
            if let Some(element) = self.complete(block, layout) {
                let height = element.get_bounding_client_rect().height();
                layout.set_height(block, height);
            }
        }
        for (block, placeholder) in &self.placeholders {
            set_height(placeholder, layout.height(*block));
        }
        let after = wanted.end().saturating_add(1);
        set_height(&self.spacer_above, layout.top(*wanted.start()));
        set_height(&self.spacer_below, (layout.total_height() - layout.top(after)).max(0.0));
        self.evict(wanted);
    }

    /// Returns a block that has all of its lines so far.
    fn complete(&self, block: u32, layout: &Layout) -> Option<&Element> {
        find(&self.cached, block).filter(|element| element.child_element_count() >= layout.lines_in(block))
    }

    fn placeholder(&mut self, block: u32) -> Option<HtmlElement> {
        if find(&self.placeholders, block).is_none() {
            self.placeholders.push((block, div("log-gap")?));
        }
        find(&self.placeholders, block).cloned()
    }

    /// Makes `nodes` the content between the spacers. Nodes that are there already are not moved, which keeps text selected.
    fn arrange(&self, nodes: &[Element]) {
        let mut next = self.spacer_above.next_element_sibling();
        while let Some(element) = next {
            next = element.next_element_sibling();
            if element != *self.spacer_below && !nodes.contains(&element) {
                element.remove();
            }
        }
        let mut next = self.spacer_above.next_element_sibling();
        for node in nodes {
            if next.as_ref() == Some(node) {
                next = node.next_element_sibling();
            } else {
                let _ = self.region.insert_before(node, next.as_deref());
            }
        }
    }

    /// Removes the blocks that are farthest from the viewport from the cache.
    fn evict(&mut self, wanted: &RangeInclusive<u32>) {
        while self.cached.len() > MAX_CACHED_BLOCKS {
            let distance =
                |(block, _): &(u32, Element)| wanted.start().abs_diff(*block).min(wanted.end().abs_diff(*block));
            let farthest = self.cached.iter().enumerate().max_by_key(|(_, cached)| distance(cached));
            let Some((index, _)) = farthest else { return };
            self.cached.swap_remove(index);
        }
    }

    /// Returns the first wanted lines that are missing, as the first line and the one after the last.
    pub fn missing(&self, wanted: &RangeInclusive<u32>, layout: &Layout) -> Option<(u32, u32)> {
        let is_missing = |block: &u32| self.complete(*block, layout).is_none();
        let first = wanted.clone().find(is_missing)?;
        let last = (first..=*wanted.end()).take_while(is_missing).take(MAX_FETCHED_BLOCKS).last()?;
        Some((first_line_of(first), first_line_of(last).saturating_add(LINES_PER_BLOCK)))
    }
}

/// Returns the number of a line in the document.
pub fn line_number(row: &Element) -> Option<u32> {
    row.id().strip_prefix('L')?.parse().ok()
}

/// Returns a line by its number, if it is in the document.
pub fn find_row(line: u32) -> Option<HtmlElement> {
    dom::by_id(&format!("L{line}"))?.dyn_into().ok()
}

pub fn field(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap_or(JsValue::NULL)
}

pub fn number_field(value: &JsValue, name: &str) -> Option<u32> {
    to_u32(&field(value, name))
}

pub fn to_u32(value: &JsValue) -> Option<u32> {
    value.as_f64().map(round)
}

fn text_field(value: &JsValue, name: &str) -> String {
    field(value, name).as_string().unwrap_or_default()
}

/// Rounds to the nearest whole number, and saturates.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the conversion saturates"
)]
pub fn round(number: f64) -> u32 {
    (number + 0.5) as u32
}

/// Builds a line as the server renders it (`app/src/tasks/log.rs`): text nodes and fixed classes, never markup.
fn row(number: u32, line: &JsValue) -> Option<Element> {
    let (at, stream, id) = (text_field(line, "at"), text_field(line, "s"), format!("L{number}"));
    let continued = if field(line, "continued").is_truthy() { " log-continued" } else { "" };
    let row = element("div", &format!("log-line log-{stream}{continued}"), "")?;
    row.set_id(&id);
    let anchor = element("a", "log-number", &number.to_string())?;
    let _ = anchor.set_attribute("href", &format!("#{id}"));
    let _ = anchor.set_attribute("tabindex", "-1");
    let time = element("time", "log-at", at.get(11..19).unwrap_or_default())?;
    let _ = time.set_attribute("datetime", &at);
    let source = element("span", "log-stream", if stream == "stdout" { "" } else { &stream })?;
    for part in [anchor, time, source, text(line)?] {
        let _ = row.append_child(&part);
    }
    Some(row)
}

fn text(line: &JsValue) -> Option<Element> {
    let text = element("span", "log-text", "")?;
    for span in field(line, "spans").dyn_into::<Array>().ok()?.iter() {
        let class = text_field(&span, "class");
        let is_known = class.split(' ').all(|name| name.is_empty() || name.starts_with("ansi-"));
        let _ = text.append_child(&*element("span", if is_known { &class } else { "" }, &text_field(&span, "text"))?);
    }
    Some(text)
}

/// Replaces the incomplete lines, which are below the others.
pub fn show_incomplete(lines: &Array) {
    let Some(region) = dom::by_id("log-incomplete") else { return };
    region.set_text_content(None);
    for line in lines.iter() {
        let row = element("div", &format!("log-line log-{}", text_field(&line, "s")), "");
        if let (Some(row), Some(text)) = (row, text(&line)) {
            let _ = row.append_child(&text);
            let _ = region.append_child(&row);
        }
    }
}

fn element(name: &str, class: &str, text: &str) -> Option<Element> {
    let element = dom::document()?.create_element(name).ok()?;
    element.set_class_name(class);
    if !text.is_empty() {
        element.set_text_content(Some(text));
    }
    Some(element)
}

fn div(class: &str) -> Option<HtmlElement> {
    element("div", class, "")?.dyn_into().ok()
}

/// Sets the height by the CSSOM, because the pages' policy forbids style attributes.
fn set_height(element: &HtmlElement, height: f64) {
    let _ = element.style().set_property("height", &format!("{}px", round(height)));
}

fn find<T>(blocks: &[(u32, T)], block: u32) -> Option<&T> {
    blocks.iter().find(|(known, _)| *known == block).map(|(_, element)| element)
}
