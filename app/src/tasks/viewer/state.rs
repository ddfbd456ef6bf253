//! What the viewer knows: one for the page.
use super::{
    bar,
    blocks::Blocks,
    chosen::{self, Chosen},
    layout,
    space::Space,
    stream::Stream,
};
use crate::ui::islands::dom;
use std::cell::RefCell;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{EventTarget, HtmlElement};

/// Where one reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// At the end, and stays there.
    End,
    /// A line, and how far below the upper edge it stands, in pixels.
    Line(u32, f64),
    /// Where the scroll bar was dragged to.
    Between,
}

/// The viewer.
pub struct Viewer {
    /// The task's address: `/tasks/…`.
    pub address: String,
    /// Which start of it is shown.
    pub attempt: u32,
    pub space: Space,
    pub blocks: Blocks,
    pub place: Place,
    pub chosen: Option<Chosen>,
    pub stream: Stream,
    /// Whether the end is followed, as the bar says it.
    pub following: Option<bool>,
}

thread_local! {
    static VIEWER: RefCell<Option<Viewer>> = const { RefCell::new(None) };
}

/// Does something with the viewer, once it is there.
pub fn with<T>(act: impl FnOnce(&mut Viewer) -> T) -> Option<T> {
    VIEWER.with_borrow_mut(|viewer| viewer.as_mut().map(act))
}

/// The box that scrolls.
pub fn region() -> Option<HtmlElement> {
    dom::by_id("log-lines")?.dyn_into().ok()
}

/// Takes over what the server rendered, and goes where the address says, or to the end.
pub fn start(address: String, attempt: u32, next: u32, from: u32, live: bool) {
    let Some(lines) = region() else { return };
    let Some(blocks) = Blocks::adopt(&lines) else { return };
    let space = Space::new(next, blocks.height_of_a_line().unwrap_or(20.0));
    let asked = chosen::in_address();
    let place = match (&asked, from) {
        (Some(chosen), _) => Place::Line(chosen.first, f64::from(lines.client_height()) / 3.0),
        (None, 1..) => Place::Line(from, 0.0),
        // A short output that is complete is read from its beginning.
        (None, 0) if !live && next <= blocks.rows() + 1 => Place::Line(1, 0.0),
        (None, 0) => Place::End,
    };
    if asked.is_some() || from > 0 {
        lines.scroll_into_view();
    }
    let stream = Stream::new(attempt, next);
    VIEWER.set(Some(Viewer { address, attempt, space, blocks, place, chosen: asked, stream, following: None }));
    layout::say_following();
    layout::show();
    chosen::show();
    chosen::say();
    hear(&lines, "scroll", |_| layout::scrolled());
    hear(&lines, "click", chosen::clicked);
    if let Some(window) = dom::window() {
        hear(&window, "resize", |_| layout::measure_anew());
        hear(&window, "hashchange", |_| chosen::go_to_address());
    }
    for switch in ["log-wrap", "log-times"].iter().filter_map(|id| dom::by_id(id)) {
        hear(&switch, "change", |_| layout::measure_anew());
    }
    if live {
        super::stream::open();
        super::stream::close_while_hidden();
    }
    bar::wake();
}

/// Listens for an event.
pub fn hear(source: &EventTarget, event: &str, act: impl Fn(JsValue) + 'static) {
    let listener = Closure::<dyn Fn(JsValue)>::new(act);
    let _ = source.add_event_listener_with_callback(event, listener.as_ref().unchecked_ref());
    listener.forget();
}
