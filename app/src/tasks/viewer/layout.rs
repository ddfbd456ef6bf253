//! Which blocks are on the page, and that what one reads stays where it is.
use super::{
    chosen, line, marks,
    space::{block_of, first_of},
    state::{self, Place, Viewer},
};
use crate::ui::islands::dom;
use js_sys::{Array, futures::spawn_local};
use std::{cell::Cell, ops::RangeInclusive};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// How close to the end counts as the end, in pixels.
const NEAR: i32 = 24;

thread_local! {
    /// Whether lines were asked for that have not come yet.
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// Puts on the page what is wanted now, and asks for what is missing.
pub fn show() {
    let Some(region) = state::region() else { return };
    let missing = state::with(|viewer| {
        let wanted = viewer.lay_out(&region)?;
        // Blocks that were guessed may have turned out lower than the window: once more with what was measured.
        let wanted = if viewer.wanted(&region)? == wanted { wanted } else { viewer.lay_out(&region)? };
        let (from, until) = viewer.blocks.missing(&wanted, &viewer.space)?;
        Some((format!("{}/log/lines?attempt={}", viewer.address, viewer.attempt), from, until))
    });
    chosen::show();
    marks::repaint();
    if let Some((address, from, until)) = missing.flatten() {
        ask(format!("{address}&from={from}&until={until}"));
    }
}

/// One question at a time: when its answer is there, what is wanted then is asked for.
fn ask(address: String) {
    if ASKING.replace(true) {
        return;
    }
    spawn_local(async move {
        let answer = dom::fetch_json(&address).await;
        ASKING.set(false);
        let Ok(answer) = answer else {
            dom::after(2_000, show);
            return;
        };
        let came = state::with(|viewer| {
            let lines = line::field(&answer, "lines").dyn_into::<Array>().ok()?;
            // The task may have been started anew meanwhile.
            let of_this = format!("{}/log/lines?attempt={}&", viewer.address, viewer.attempt);
            if !address.starts_with(&of_this) {
                return Some(true);
            }
            viewer.blocks.take(&lines);
            Some(lines.length() > 0)
        });
        // Who gets nothing does not ask the same again.
        if came.flatten() == Some(true) {
            show();
        }
    });
}

impl Viewer {
    fn lay_out(&mut self, region: &HtmlElement) -> Option<RangeInclusive<u32>> {
        let wanted = self.wanted(region)?;
        self.blocks.show(&wanted, &mut self.space);
        self.keep_place(region);
        Some(wanted)
    }

    /// The blocks in sight, and as much again before and after.
    fn wanted(&self, region: &HtmlElement) -> Option<RangeInclusive<u32>> {
        let window = f64::from(region.client_height().max(200));
        let top = match self.place {
            Place::End => self.space.total() - window,
            Place::Line(line, offset) => match row(line) {
                Some(row) => f64::from(row.offset_top()) - offset,
                None => self.estimate(line) - offset,
            },
            Place::Between => f64::from(region.scroll_top()),
        };
        self.space.between(top - window, top + 2.0 * window)
    }

    fn estimate(&self, line: u32) -> f64 {
        let block = block_of(line);
        let share = f64::from(line.saturating_sub(first_of(block))) / f64::from(self.space.lines_in(block).max(1));
        self.space.top(block) + share * self.space.height(block)
    }

    /// Scrolls so that what one reads stands where it stood.
    fn keep_place(&self, region: &HtmlElement) {
        match self.place {
            Place::End => region.set_scroll_top(region.scroll_height()),
            Place::Between => {}
            Place::Line(line, offset) => {
                let top = row(line).map_or_else(|| self.estimate(line), |row| f64::from(row.offset_top()));
                let wanted = pixels(top - offset);
                if region.scroll_top().abs_diff(wanted) > 1 {
                    region.set_scroll_top(wanted);
                }
            }
        }
    }
}

fn row(line: u32) -> Option<HtmlElement> {
    dom::by_id(&format!("L{line}"))?.dyn_into().ok()
}

/// Whole pixels.
fn pixels(number: f64) -> i32 {
    i32::try_from(line::whole_of(number)).unwrap_or(i32::MAX)
}

/// Somebody scrolled, or we did.
pub fn scrolled() {
    let Some(region) = state::region() else { return };
    let below = region.scroll_height() - region.scroll_top() - region.client_height();
    let place = if below <= NEAR { Place::End } else { first_in_sight(&region) };
    let _ = state::with(|viewer| {
        viewer.place = place;
        // At the edge of what is laid out, that which lies around the line is laid out instead.
        if let Place::Line(line, _) = place
            && viewer.space.is_at_edge(block_of(line), 3)
        {
            viewer.space.center(line);
        }
    });
    say_following();
    show();
}

/// Lets the button say whether the end is followed.
pub fn say_following() {
    let changed = state::with(|viewer| {
        let following = viewer.place == Place::End;
        (viewer.following.replace(following) != Some(following)).then_some(following)
    });
    if let Some(following) = changed.flatten() {
        dom::set_attribute("log-follow", "aria-pressed", if following { "true" } else { "false" });
    }
}

/// The first line that is in sight, and where it stands.
fn first_in_sight(region: &HtmlElement) -> Place {
    let top = region.scroll_top();
    let Ok(blocks) = region.query_selector_all(".log-block") else { return Place::Between };
    let elements = (0..blocks.length()).filter_map(|at| blocks.get(at)?.dyn_into::<HtmlElement>().ok());
    for block in elements.filter(|block| block.offset_top() + block.offset_height() > top) {
        if block.offset_top() > top + region.client_height() {
            break;
        }
        let rows = block.children();
        for row in (0..rows.length()).filter_map(|at| rows.item(at)?.dyn_into::<HtmlElement>().ok()) {
            if row.offset_top() + row.offset_height() > top
                && let Some(number) = line::number_of(&row)
            {
                return Place::Line(number, f64::from(row.offset_top() - top));
            }
        }
    }
    Place::Between
}

/// Goes to a line, a third below the upper edge.
pub fn go_to(line: u32) {
    let Some(region) = state::region() else { return };
    let _ = state::with(|viewer| {
        let line = line.min(viewer.space.end().saturating_sub(1)).max(1);
        viewer.space.center(line);
        viewer.place = Place::Line(line, f64::from(region.client_height()) / 3.0);
    });
    say_following();
    show();
}

/// Goes to the first line.
pub fn to_start() {
    let _ = state::with(|viewer| {
        viewer.space.center(1);
        viewer.place = Place::Line(1, 0.0);
    });
    say_following();
    show();
}

/// Goes to the end, and stays there while lines come.
pub fn to_end() {
    let _ = state::with(|viewer| {
        viewer.space.center(viewer.space.end());
        viewer.place = Place::End;
    });
    say_following();
    show();
}

/// The width changed, or how lines are wrapped.
pub fn measure_anew() {
    let _ = state::with(|viewer| viewer.space.forget());
    show();
}

/// The line at which one reads: where a search begins.
pub fn reading() -> u32 {
    let place = state::region().map(|region| first_in_sight(&region));
    match place {
        Some(Place::Line(line, _)) => line,
        _ => 1,
    }
}

/// All lines that are on the page.
pub fn rows() -> Vec<Element> {
    let found = state::region().and_then(|region| region.query_selector_all(".log-line").ok());
    let Some(found) = found else { return vec![] };
    (0..found.length()).filter_map(|at| found.get(at)?.dyn_into().ok()).collect()
}
