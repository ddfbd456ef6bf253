//! Search in the output: the matching lines, and the highlights of the matches in the document.
use super::blocks::{self, line_number};
use crate::dom;
use js_sys::{Array, Function, JsString, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Node, Range};

/// The response to a search.
pub struct Matches {
    pub text: String,
    /// The matching lines, in order.
    lines: Vec<u32>,
    /// The number of matching lines; `lines` has only the first of very many.
    pub total: u32,
    /// The index of the current line.
    index: usize,
    /// The number of the next line at the time of the search.
    next_line: u32,
}

/// The position after a step through the matches.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    Moved,
    /// The last match was passed, and there are lines that the search did not see.
    SearchAgain,
}

impl Matches {
    /// Parses the server's response. The current match is the first one from the line `from` on.
    pub fn parse(answer: &JsValue, text: String, from: u32, next_line: u32) -> Option<Self> {
        let lines = blocks::field(answer, "lines").dyn_into::<Array>().ok()?;
        let lines = lines.iter().filter_map(|number| blocks::to_u32(&number)).collect();
        let total = blocks::number_field(answer, "total")?;
        Some(Self::new(text, lines, total, from, next_line))
    }

    fn new(text: String, lines: Vec<u32>, total: u32, from: u32, next_line: u32) -> Self {
        let index = lines.iter().position(|line| *line >= from).unwrap_or(0);
        Self { text, lines, total, index, next_line }
    }

    /// Moves to the next or the previous match, from the last to the first and back.
    pub fn step(&mut self, forward: bool, next_line: u32) -> Step {
        if forward && self.index + 1 >= self.lines.len() && next_line > self.next_line {
            return Step::SearchAgain;
        }
        let count = self.lines.len().max(1);
        self.index = if forward { self.index + 1 } else { self.index + count - 1 } % count;
        Step::Moved
    }

    /// Returns the line of the current match.
    pub fn current(&self) -> Option<u32> {
        self.lines.get(self.index).copied()
    }

    /// Returns the position of the current match, from 1.
    pub fn position(&self) -> u32 {
        u32::try_from(self.index + 1).unwrap_or(0)
    }
}

/// The highlighted text, and the line of the current match.
pub struct Highlight {
    /// In lower case, by the browser's own rules, because lines are compared by them too.
    text: String,
    line: u32,
}

impl Highlight {
    pub fn of(matches: &Matches) -> Option<Self> {
        let text = String::from(JsString::from(matches.text.as_str()).to_lower_case());
        Some(Self { text, line: matches.current()? })
    }
}

/// Highlights the matches in these lines with the CSS Custom Highlight API, which adds no elements.
pub fn highlight(rows: &[Element], highlight: Option<&Highlight>) {
    let ranges = Array::new();
    for row in rows {
        let is_current = highlight.is_some_and(|highlight| line_number(row) == Some(highlight.line));
        let _ = row.class_list().toggle_with_force("log-here", is_current);
        if let Some(highlight) = highlight {
            collect_ranges(row, &highlight.text, &ranges);
        }
    }
    let _ = register(&ranges);
}

/// Collects the ranges of a text in a line; a match may span several styles. Returns `None` after the last one.
fn collect_ranges(row: &Element, text: &str, ranges: &Array) -> Option<()> {
    let body = row.query_selector(".log-text").ok()??;
    let content = JsString::from(body.text_content()?).to_lower_case();
    let length = u32::try_from(text.encode_utf16().count()).ok()?;
    let mut from = 0;
    loop {
        let start = u32::try_from(content.index_of(text, from)).ok()?;
        let end = start + length;
        let range = Range::new().ok()?;
        let (node, offset) = text_position(&body, start, false)?;
        range.set_start(&node, offset).ok()?;
        let (node, offset) = text_position(&body, end, true)?;
        range.set_end(&node, offset).ok()?;
        ranges.push(&range);
        from = i32::try_from(end).ok()?;
    }
}

/// Returns the text node at an offset in a line (in UTF-16 units), and the offset in that node. Between two nodes it is the
/// second, or the first for the end of a range.
fn text_position(body: &Element, offset: u32, is_end: bool) -> Option<(Node, u32)> {
    let (spans, mut start) = (body.child_nodes(), 0);
    for node in (0..spans.length()).filter_map(|index| spans.get(index)?.first_child()) {
        let length = JsString::from(node.text_content()?).length();
        let inside = offset - start;
        if inside < length || (is_end && inside == length) {
            return Some((node, inside));
        }
        start += length;
    }
    None
}

/// Runs `CSS.highlights.set("found", new Highlight(...ranges))`. A browser without that API marks only the current line.
fn register(ranges: &Array) -> Result<(), JsValue> {
    let Some(window) = dom::window() else { return Ok(()) };
    let registry = Reflect::get(&Reflect::get(&window, &"CSS".into())?, &"highlights".into())?;
    let class: Function = Reflect::get(&window, &"Highlight".into())?.dyn_into()?;
    let highlight = Reflect::construct(&class, ranges)?;
    let set: Function = Reflect::get(&registry, &"set".into())?.dyn_into()?;
    set.call2(&registry, &"found".into(), &highlight)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(from: u32) -> Matches {
        Matches::new("x".into(), vec![3, 7, 9], 3, from, 100)
    }

    #[test]
    fn a_search_starts_at_the_line_that_is_read() {
        assert_eq!((matches(1).current(), matches(4).current(), matches(10).current()), (Some(3), Some(7), Some(3)));
    }

    #[test]
    fn steps_wrap_around_unless_new_lines_must_be_searched() {
        let mut found = matches(9);
        assert_eq!(found.step(true, 101), Step::SearchAgain);
        assert_eq!((found.step(true, 100), found.current(), found.position()), (Step::Moved, Some(3), 1));
        assert_eq!((found.step(false, 101), found.current(), found.position()), (Step::Moved, Some(9), 3));
        let mut none = Matches::new("x".into(), vec![], 0, 1, 100);
        assert_eq!((none.step(false, 100), none.current()), (Step::Moved, None));
    }
}
