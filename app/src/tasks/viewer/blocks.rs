//! The blocks of lines that were fetched or came live: some on the page, some kept for when one scrolls back.
use super::{
    line,
    space::{BLOCK, Space, block_of, first_of},
};
use js_sys::Array;
use std::ops::RangeInclusive;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement};

/// How many blocks are kept.
const KEPT: usize = 60;

/// What stands in the box that scrolls: an empty space above, blocks, an empty space below.
pub struct Blocks {
    region: HtmlElement,
    above: HtmlElement,
    below: HtmlElement,
    /// In no order; there are few.
    kept: Vec<(u32, Element)>,
    /// What stands for blocks that are still to come.
    gaps: Vec<(u32, HtmlElement)>,
}

impl Blocks {
    /// Takes over the server's blocks.
    pub fn adopt(region: &HtmlElement) -> Option<Self> {
        let mut kept = vec![];
        let found = region.query_selector_all(".log-block").ok()?;
        for block in (0..found.length()).filter_map(|at| found.get(at)?.dyn_into::<Element>().ok()) {
            if let Some(first) = block.first_element_child().as_ref().and_then(line::number_of) {
                kept.push((block_of(first), block));
            }
        }
        let space = || line::element("div", "log-space", "")?.dyn_into::<HtmlElement>().ok();
        let (above, below) = (space()?, space()?);
        region.prepend_with_node_1(&above).ok()?;
        region.append_with_node_1(&below).ok()?;
        Some(Self { region: region.clone(), above, below, kept, gaps: vec![] })
    }

    /// How many lines there are.
    pub fn rows(&self) -> u32 {
        self.kept.iter().map(|(_, block)| block.child_element_count()).sum()
    }

    /// The height of a line, by those that are there.
    pub fn height_of_a_line(&self) -> Option<f64> {
        let (_, block) = self.kept.first()?;
        Some(block.get_bounding_client_rect().height() / f64::from(block.child_element_count().max(1)))
    }

    /// A block that is whole as far as the task has come.
    pub fn whole(&self, block: u32, space: &Space) -> Option<&Element> {
        find(&self.kept, block).filter(|element| element.child_element_count() >= space.lines_in(block))
    }

    /// Forgets everything: the task was started anew.
    pub fn clear(&mut self) {
        self.kept.clear();
        self.gaps.clear();
        self.put(&[]);
    }

    /// Takes a line that came live. One whose block is not here is fetched when it is looked at.
    pub fn push(&mut self, number: u32, said: &JsValue) {
        let block = block_of(number);
        if number == first_of(block)
            && find(&self.kept, block).is_none()
            && let Some(element) = line::element("div", "log-block", "")
        {
            self.kept.push((block, element));
        }
        let Some(element) = find(&self.kept, block) else { return };
        let next = first_of(block) + element.child_element_count();
        if number == next
            && let Some(row) = line::row(number, said)
        {
            let _ = element.append_child(&row);
        }
    }

    /// Takes lines that were fetched, in order.
    pub fn take(&mut self, lines: &Array) {
        let mut fresh: Vec<(u32, Element)> = vec![];
        for said in lines.iter() {
            let Some(number) = line::number(&said) else { continue };
            if find(&fresh, block_of(number)).is_none() {
                let Some(element) = line::element("div", "log-block", "") else { return };
                fresh.push((block_of(number), element));
            }
            if let (Some(block), Some(row)) = (find(&fresh, block_of(number)), line::row(number, &said)) {
                let _ = block.append_child(&row);
            }
        }
        for (block, element) in fresh {
            let had = find(&self.kept, block).map_or(0, Element::child_element_count);
            if element.child_element_count() > had {
                if let Some(old) = find(&self.kept, block) {
                    old.remove();
                }
                self.kept.retain(|(known, _)| *known != block);
                self.kept.push((block, element));
            }
        }
    }

    /// Puts blocks on the page, and nothing else; what is not here yet gets a gap of its height.
    pub fn show(&mut self, wanted: &RangeInclusive<u32>, space: &mut Space) {
        self.gaps.retain(|(block, _)| wanted.contains(block) && find(&self.kept, *block).is_none());
        let mut nodes = vec![];
        for block in wanted.clone() {
            if let Some(element) = find(&self.kept, block) {
                nodes.push(element.clone());
            } else if let Some(gap) = self.gap(block) {
                nodes.push(gap.into());
            }
        }
        self.put(&nodes);
        for block in wanted.clone() {
            if let Some(element) = self.whole(block, space) {
                let height = element.get_bounding_client_rect().height();
                space.measured(block, height);
            }
        }
        for (block, gap) in &self.gaps {
            set_height(gap, space.height(*block));
        }
        let after = wanted.end().saturating_add(1);
        set_height(&self.above, space.top(*wanted.start()));
        set_height(&self.below, (space.total() - space.top(after)).max(0.0));
        self.let_go(wanted);
    }

    fn gap(&mut self, block: u32) -> Option<HtmlElement> {
        if find(&self.gaps, block).is_none() {
            let gap = line::element("div", "log-gap", "")?.dyn_into().ok()?;
            self.gaps.push((block, gap));
        }
        find(&self.gaps, block).cloned()
    }

    /// What stands there already stays untouched, so that marked text stays marked.
    fn put(&self, nodes: &[Element]) {
        let mut here = self.above.next_element_sibling();
        while let Some(element) = here {
            here = element.next_element_sibling();
            if element != *self.below && !nodes.contains(&element) {
                element.remove();
            }
        }
        let mut before = self.above.next_element_sibling();
        for node in nodes {
            if before.as_ref() == Some(node) {
                before = node.next_element_sibling();
            } else {
                let _ = self.region.insert_before(node, before.as_deref());
            }
        }
    }

    /// Keeps what is closest to where one reads.
    fn let_go(&mut self, wanted: &RangeInclusive<u32>) {
        while self.kept.len() > KEPT {
            let away = |(block, _): &(u32, Element)| wanted.start().abs_diff(*block).min(wanted.end().abs_diff(*block));
            let Some(farthest) = self.kept.iter().enumerate().max_by_key(|(_, kept)| away(kept)).map(|(at, _)| at)
            else {
                return;
            };
            self.kept.swap_remove(farthest);
        }
    }

    /// The first blocks that are wanted and not here: their first line, and the line after them.
    pub fn missing(&self, wanted: &RangeInclusive<u32>, space: &Space) -> Option<(u32, u32)> {
        let first = wanted.clone().find(|block| self.whole(*block, space).is_none())?;
        let last = (first..=*wanted.end()).take_while(|block| self.whole(*block, space).is_none()).take(8).last()?;
        Some((first_of(first), first_of(last).saturating_add(BLOCK)))
    }
}

/// By the object model: a style in markup is against the page's policy.
fn set_height(element: &HtmlElement, height: f64) {
    let _ = element.style().set_property("height", &format!("{}px", line::whole_of(height)));
}

fn find<T>(blocks: &[(u32, T)], block: u32) -> Option<&T> {
    blocks.iter().find(|(known, _)| *known == block).map(|(_, element)| element)
}
