//! The stream behind [`super::islands::LiveLog`]: one for the page.
//!
//! `lines` brings `[{"n":12,"at":"…","s":"stdout","spans":[{"class":"…","text":"…"}]}]`; `attempt` says that the task was
//! started anew (the start's number), from line 1; `end` that nothing follows. A line that is here already is passed over.
use super::{islands::Phase, line};
use crate::ui::islands::dom;
use js_sys::{Array, JSON};
use leptos::prelude::{GetUntracked, RwSignal, Set};
use std::cell::RefCell;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{EventSource, EventTarget, HtmlElement, MessageEvent};

/// How many lines a page holds; beyond them the earliest go.
const HELD: u32 = 20_000;

/// How close to the end counts as the end, in pixels.
const NEAR: i32 = 24;

/// What the island shows of it.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Whether the end is followed.
    pub following: RwSignal<bool>,
    /// Where the stream stands.
    pub phase: RwSignal<Phase>,
    /// Whether earlier lines were taken off the page.
    pub cut: RwSignal<bool>,
}

struct Tail {
    stream: String,
    attempt: u32,
    /// The number of the line that comes next; a float as all numbers in JavaScript are.
    next: f64,
    source: Option<EventSource>,
    seen: Seen,
}

thread_local! {
    static TAIL: RefCell<Option<Tail>> = const { RefCell::new(None) };
}

/// Opens the stream.
pub fn start(stream: String, attempt: u32, from: u32, seen: Seen) {
    TAIL.set(Some(Tail { stream, attempt, next: f64::from(from), source: None, seen }));
    open();
    stop_following_above(seen);
    close_while_hidden();
    to_end(seen.following);
}

/// Goes to the end, if that is followed.
pub fn to_end(following: RwSignal<bool>) {
    if let Some(lines) = lines().filter(|_| following.get_untracked()) {
        lines.set_scroll_top(lines.scroll_height());
    }
}

fn lines() -> Option<HtmlElement> {
    dom::by_id("log-lines")?.dyn_into().ok()
}

fn open() {
    TAIL.with_borrow_mut(|tail| {
        let Some(tail) = tail.as_mut().filter(|tail| tail.seen.phase.get_untracked() != Phase::Ended) else { return };
        let address = format!("{}?attempt={}&from={}", tail.stream, tail.attempt, tail.next);
        let Ok(source) = EventSource::new(&address) else { return };
        let seen = tail.seen;
        hear(&source, "open", move |_| seen.phase.set(Phase::Live));
        hear(&source, "error", move |_| lost(seen));
        hear(&source, "lines", |data| take(&data));
        hear(&source, "attempt", |attempt| again(&attempt));
        hear(&source, "end", |_| end());
        tail.source = Some(source);
    });
}

/// Listens for an event; `act` gets its data, empty where it has none.
fn hear(source: &EventTarget, event: &str, act: impl Fn(String) + 'static) {
    let listener = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
        let data = event.dyn_into::<MessageEvent>().ok().and_then(|event| event.data().as_string());
        act(data.unwrap_or_default());
    });
    let _ = source.add_event_listener_with_callback(event, listener.as_ref().unchecked_ref());
    listener.forget();
}

fn lost(seen: Seen) {
    if seen.phase.get_untracked() == Phase::Live {
        seen.phase.set(Phase::Lost);
    }
}

fn end() {
    TAIL.with_borrow_mut(|tail| {
        let Some(tail) = tail.as_mut() else { return };
        if let Some(source) = tail.source.take() {
            source.close();
        }
        tail.seen.phase.set(Phase::Ended);
    });
}

/// Another start of the task prints from line 1.
fn again(attempt: &str) {
    TAIL.with_borrow_mut(|tail| {
        if let (Some(tail), Ok(attempt)) = (tail.as_mut(), attempt.parse()) {
            (tail.attempt, tail.next) = (attempt, 1.0);
        }
    });
    if let Some(lines) = lines() {
        lines.set_text_content(None);
    }
}

fn take(data: &str) {
    let Some(batch) = JSON::parse(data).ok().and_then(|json| json.dyn_into::<Array>().ok()) else { return };
    let Some(lines) = lines() else { return };
    TAIL.with_borrow_mut(|tail| {
        let Some(tail) = tail.as_mut() else { return };
        for line in batch.iter() {
            let Some(number) = line::number(&line).filter(|number| *number >= tail.next) else { continue };
            if let Some(row) = line::row(number, &line) {
                let _ = lines.append_child(&row);
            }
            tail.next = number + 1.0;
        }
        while lines.child_element_count() > HELD {
            if let Some(first) = lines.first_element_child() {
                first.remove();
            }
            tail.seen.cut.set(true);
        }
        to_end(tail.seen.following);
    });
}

/// Who scrolls up reads; who scrolls down to the end follows again.
fn stop_following_above(seen: Seen) {
    let Some(lines) = lines() else { return };
    let listened = lines.clone();
    hear(&listened, "scroll", move |_| {
        let below = lines.scroll_height() - lines.scroll_top() - lines.client_height();
        let at_end = below <= NEAR;
        if seen.following.get_untracked() != at_end {
            seen.following.set(at_end);
        }
    });
}

/// A browser opens only a few connections to one server: a page that nobody looks at gives its own back.
fn close_while_hidden() {
    let Some(document) = dom::document() else { return };
    hear(&document, "visibilitychange", |_| {
        let hidden = dom::document().is_some_and(|document| document.hidden());
        let source = TAIL.with_borrow_mut(|tail| tail.as_mut().and_then(|tail| tail.source.take()));
        if let Some(source) = source {
            source.close();
        }
        if !hidden {
            open();
        }
    });
}
