//! Lines as they come, each once and in order.
//!
//! `lines` brings `[{"n":12,"at":"…","s":"stdout","spans":[{"class":"…","text":"…"}]}]`; `attempt` says that the task was
//! started anew (the start's number), from line 1; `end` that nothing follows. A line that is here already is passed over.
use super::{
    bar, chosen, find, layout, line,
    space::Space,
    state::{self, Place, hear},
};
use crate::ui::islands::dom;
use js_sys::{Array, JSON};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{EventSource, EventTarget, MessageEvent};

/// Until a stream that the server did not give is asked for again, in milliseconds.
const AGAIN: i32 = 5_000;

/// Where the stream stands.
pub struct Stream {
    attempt: u32,
    /// The number of the line that comes next.
    next: u32,
    source: Option<EventSource>,
    /// Whether all lines have come.
    ended: bool,
}

impl Stream {
    /// One that goes on at a line.
    pub fn new(attempt: u32, next: u32) -> Self {
        Self { attempt, next, source: None, ended: false }
    }
}

/// Opens the stream.
pub fn open() {
    let _ = state::with(|viewer| {
        let stream = &mut viewer.stream;
        let hidden = dom::document().is_some_and(|document| document.hidden());
        if stream.ended || stream.source.is_some() || hidden {
            return;
        }
        let address = format!("{}/live?attempt={}&from={}", viewer.address, stream.attempt, stream.next);
        let Ok(source) = EventSource::new(&address) else { return };
        hear(&source, "open", |_| bar::say("log-said", "live", &[]));
        hear(&source, "error", |_| lost());
        hear_data(&source, "lines", |data| take(&data));
        hear_data(&source, "attempt", |attempt| again(&attempt));
        hear(&source, "end", |_| end());
        stream.source = Some(source);
    });
}

fn hear_data(source: &EventTarget, event: &str, act: impl Fn(String) + 'static) {
    hear(source, event, move |event: JsValue| {
        let data = event.dyn_into::<MessageEvent>().ok().and_then(|event| event.data().as_string());
        act(data.unwrap_or_default());
    });
}

/// The browser itself tries again where the network failed; after an answer with an error it has given up.
fn lost() {
    bar::say("log-said", "lost", &[]);
    let is_over = |source: &EventSource| source.ready_state() == EventSource::CLOSED;
    let gave_up = state::with(|viewer| viewer.stream.source.take_if(|source| is_over(source)).is_some());
    if gave_up == Some(true) {
        dom::after(AGAIN, open);
    }
}

fn end() {
    let _ = state::with(|viewer| {
        viewer.stream.ended = true;
        if let Some(source) = viewer.stream.source.take() {
            source.close();
        }
    });
    bar::say("log-said", "ended", &[]);
    bar::say("log-empty", "ended", &[]);
    bar::show("log-follow", false);
    bar::show("log-end", true);
}

/// Another start of the task prints from line 1.
fn again(attempt: &str) {
    let Ok(attempt) = attempt.parse() else { return };
    let _ = state::with(|viewer| {
        let line = viewer.blocks.height_of_a_line().unwrap_or(20.0);
        (viewer.attempt, viewer.stream.attempt, viewer.stream.next) = (attempt, attempt, 1);
        (viewer.space, viewer.place, viewer.chosen) = (Space::new(1, line), Place::End, None);
        viewer.blocks.clear();
    });
    find::enter(String::new());
    chosen::say();
    layout::show();
}

fn take(data: &str) {
    let Some(batch) = JSON::parse(data).ok().and_then(|json| json.dyn_into::<Array>().ok()) else { return };
    let _ = state::with(|viewer| {
        for said in batch.iter() {
            let Some(number) = line::number(&said).filter(|number| *number >= viewer.stream.next) else { continue };
            viewer.blocks.push(number, &said);
            viewer.stream.next = number + 1;
        }
        viewer.space.grow(viewer.stream.next);
        if viewer.place == Place::End {
            viewer.space.center(viewer.stream.next);
        }
    });
    layout::show();
}

/// A browser opens only a few connections to one server: a page that nobody looks at gives its own back.
pub fn close_while_hidden() {
    let Some(document) = dom::document() else { return };
    hear(&document, "visibilitychange", |_| {
        let hidden = dom::document().is_some_and(|document| document.hidden());
        let source = state::with(|viewer| viewer.stream.source.take()).flatten();
        if let Some(source) = source {
            source.close();
        }
        if !hidden {
            open();
        }
    });
}
