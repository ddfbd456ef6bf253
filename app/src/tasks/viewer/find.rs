//! Searching all of the output: the server names the lines, and one goes from place to place.
use super::{layout, line, marks, state};
use crate::{tasks::islands::Search, ui::islands::dom};
use js_sys::{Array, encode_uri_component, futures::spawn_local};
use leptos::prelude::{GetUntracked, RwSignal, Set};
use wasm_bindgen::JsCast;

/// Seeks a text, from where one reads on; nothing to seek takes the marks away.
pub fn seek(text: String, search: RwSignal<Search>) {
    if text.is_empty() {
        marks::mark(None);
        search.set(Search::Idle);
        return;
    }
    let asked = state::with(|viewer| (viewer.address.clone(), viewer.attempt, viewer.space.end()));
    let Some((address, attempt, end)) = asked else { return };
    let sought = String::from(encode_uri_component(&text));
    let from = layout::reading();
    search.set(Search::Asking);
    spawn_local(async move {
        let answer = dom::fetch_json(&format!("{address}/log/find?attempt={attempt}&text={sought}")).await;
        let found = answer.ok().and_then(|answer| {
            let lines = line::field(&answer, "lines").dyn_into::<Array>().ok()?;
            let lines: Vec<u32> = lines.iter().filter_map(|number| line::whole(&number)).collect();
            Some((lines, line::whole(&line::field(&answer, "total"))?))
        });
        let Some((lines, total)) = found else {
            search.set(Search::Failed);
            return;
        };
        let at = lines.iter().position(|line| *line >= from).unwrap_or(0);
        show(Search::Found { text, lines, total, at, end }, search);
    });
}

/// Goes to the next place, or the one before; from the last to the first, unless lines came meanwhile: they are sought too.
pub fn step(forward: bool, search: RwSignal<Search>) {
    let Search::Found { text, lines, total, at, end } = search.get_untracked() else { return };
    let now = state::with(|viewer| viewer.space.end()).unwrap_or(end);
    if forward && at + 1 >= lines.len() && now > end {
        return seek(text, search);
    }
    let count = lines.len().max(1);
    let at = if forward { at + 1 } else { at + count - 1 } % count;
    show(Search::Found { text, lines, total, at, end }, search);
}

fn show(found: Search, search: RwSignal<Search>) {
    if let Search::Found { text, lines, at, .. } = &found {
        let line = lines.get(*at).copied();
        marks::mark(line.map(|line| (text.to_lowercase(), line)));
        if let Some(line) = line {
            layout::go_to(line);
        }
    }
    search.set(found);
}
