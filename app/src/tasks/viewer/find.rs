//! Searching all of the output: the server names the lines, and one goes from place to place.
use super::{bar, layout, line, marks, state};
use crate::ui::islands::dom;
use js_sys::{Array, JsString, encode_uri_component, futures::spawn_local};
use std::cell::RefCell;
use wasm_bindgen::JsCast;

/// What was found.
struct Found {
    /// What was sought.
    text: String,
    /// The lines that have it.
    lines: Vec<u32>,
    /// How many have it; more than are named, where they are very many.
    total: u32,
    /// At which of them one is.
    at: usize,
    /// The number that the next line had then.
    end: u32,
}

thread_local! {
    static FOUND: RefCell<Option<Found>> = const { RefCell::new(None) };
}

/// Somebody pressed Enter: the same text once more leads to its next place.
pub fn enter(text: String) {
    match FOUND.with_borrow(|found| found.as_ref().is_some_and(|found| found.text == text)) {
        true => step(true),
        false => seek(text),
    }
}

/// Seeks a text, from where one reads on; nothing to seek takes the marks away.
fn seek(text: String) {
    FOUND.set(None);
    if text.is_empty() {
        marks::mark(None);
        say();
        return;
    }
    let asked = state::with(|viewer| (viewer.address.clone(), viewer.attempt, viewer.space.end()));
    let Some((address, attempt, end)) = asked else { return };
    let sought = String::from(encode_uri_component(&text));
    let from = layout::reading();
    bar::say("log-found", "seeking", &[]);
    spawn_local(async move {
        let answer = dom::fetch_json(&format!("{address}/log/find?attempt={attempt}&text={sought}")).await;
        let found = answer.ok().and_then(|answer| {
            let lines = line::field(&answer, "lines").dyn_into::<Array>().ok()?;
            let lines: Vec<u32> = lines.iter().filter_map(|number| line::whole(&number)).collect();
            Some((lines, line::whole(&line::field(&answer, "total"))?))
        });
        let Some((lines, total)) = found else {
            bar::say("log-found", "failed", &[]);
            return;
        };
        let at = lines.iter().position(|line| *line >= from).unwrap_or(0);
        FOUND.set(Some(Found { text, lines, total, at, end }));
        show();
    });
}

/// Goes to the next place, or the one before; from the last to the first, unless lines came meanwhile: they are sought too.
pub fn step(forward: bool) {
    let now = state::with(|viewer| viewer.space.end()).unwrap_or(1);
    let again = FOUND.with_borrow_mut(|found| {
        let found = found.as_mut()?;
        if forward && found.at + 1 >= found.lines.len() && now > found.end {
            return Some(found.text.clone());
        }
        let count = found.lines.len().max(1);
        found.at = if forward { found.at + 1 } else { found.at + count - 1 } % count;
        None
    });
    match again {
        Some(text) => seek(text),
        None => show(),
    }
}

fn show() {
    let here = FOUND.with_borrow(|found| {
        let found = found.as_ref()?;
        // As the page compares: by the browser's own table of letters.
        let sought = JsString::from(found.text.as_str()).to_lower_case();
        Some((String::from(sought), found.lines.get(found.at).copied()?))
    });
    marks::mark(here.clone());
    if let Some((_, line)) = here {
        layout::go_to(line);
    }
    say();
}

fn say() {
    let stands =
        FOUND.with_borrow(|found| found.as_ref().map(|found| (found.total, u32::try_from(found.at + 1).unwrap_or(0))));
    match stands {
        None => bar::say("log-found", "none", &[]),
        Some((0, _)) => bar::say("log-found", "nowhere", &[]),
        Some((total, at)) => bar::say("log-found", "found", &[("{at}", at), ("{n}", total)]),
    }
    let many = stands.is_some_and(|(total, _)| total > 0);
    bar::show("log-next", many);
    bar::show("log-before", many);
}
