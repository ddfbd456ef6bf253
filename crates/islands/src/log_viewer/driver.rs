//! Driver of the log viewer: turns browser events into viewer events, and runs the effects.
use super::viewer::{Effect, Event, Viewer};
use crate::{dom, fetch};
use js_sys::{Array, JSON, futures::spawn_local};
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{EventSource, EventTarget, HtmlInputElement, KeyboardEvent, MessageEvent};

/// A function pointer, because each closure type would add its own copy of `listen` to the wasm file.
type ToEvent = fn(&Driver, JsValue) -> Option<Event>;

/// Connects the viewer with the browser. Its listeners keep it alive as long as the page.
pub struct Driver {
    viewer: RefCell<Viewer>,
    stream: RefCell<Option<EventSource>>,
}

impl Driver {
    pub fn start(viewer: Viewer, live: bool) {
        let driver = Rc::new(Self { viewer: RefCell::new(viewer), stream: RefCell::new(None) });
        driver.dispatch(Event::Started { live });
        driver.listen_to_page(live);
        driver.enable_toolbar();
    }

    fn dispatch(self: &Rc<Self>, event: Event) {
        let effects = self.viewer.borrow_mut().handle(event);
        for effect in effects {
            self.run(effect);
        }
    }

    /// Dispatches the event that `to_event` makes of each browser event.
    fn listen(self: &Rc<Self>, target: &EventTarget, name: &str, to_event: ToEvent) {
        let driver = Rc::clone(self);
        dom::listen(target, name, move |event| {
            if let Some(event) = to_event(&driver, event) {
                driver.dispatch(event);
            }
        });
    }

    fn listen_to_page(self: &Rc<Self>, live: bool) {
        let lines = self.viewer.borrow().scrolled_element().clone();
        self.listen(&lines, "scroll", |_, _| Some(Event::Scrolled));
        self.listen(&lines, "click", |_, event| event.dyn_into().ok().map(Event::Clicked));
        if let Some(window) = dom::window() {
            self.listen(&window, "resize", |_, _| Some(Event::Resized));
            self.listen(&window, "hashchange", |_, _| Some(Event::HashChanged));
        }
        for checkbox in ["log-wrap", "log-times"].iter().filter_map(|id| dom::by_id(id)) {
            self.listen(&checkbox, "change", |_, _| Some(Event::Resized));
        }
        if let Some(document) = dom::document().filter(|_| live) {
            // A browser opens only a few connections to one server: a background tab closes its own.
            self.listen(&document, "visibilitychange", |_, _| {
                Some(Event::VisibilityChanged { hidden: dom::is_hidden() })
            });
        }
    }

    /// Shows the controls that need JavaScript, and searches for the text that the page was requested with.
    fn enable_toolbar(self: &Rc<Self>) {
        let buttons: [(&str, ToEvent); 6] = [
            ("log-start", |_, _| Some(Event::StartRequested)),
            ("log-end", |_, _| Some(Event::EndRequested)),
            ("log-follow", |_, _| Some(Event::EndRequested)),
            ("log-copy", |_, _| Some(Event::CopyRequested)),
            ("log-next", |_, _| Some(Event::NextRequested)),
            ("log-before", |_, _| Some(Event::PreviousRequested)),
        ];
        for (id, to_event) in buttons {
            if let Some(button) = dom::by_id(id) {
                self.listen(&button, "click", to_event);
            }
        }
        let live = dom::by_id("log-follow").is_some();
        for id in ["log-start", if live { "log-follow" } else { "log-end" }, "log-copy"] {
            dom::set_hidden(id, false);
        }
        if let Some(form) = dom::by_id("log-find") {
            self.listen(&form, "submit", |_, event| {
                if let Ok(event) = event.dyn_into::<web_sys::Event>() {
                    event.prevent_default();
                }
                Some(Event::SearchSubmitted(search_text()))
            });
            self.listen(&form, "keydown", |_, event| {
                let key = event.dyn_into::<KeyboardEvent>().ok()?.key();
                (key == "Escape").then(|| Event::SearchSubmitted(String::new()))
            });
        }
        let text = search_text();
        if !text.is_empty() {
            self.dispatch(Event::SearchSubmitted(text));
        }
    }

    fn run(self: &Rc<Self>, effect: Effect) {
        let driver = Rc::clone(self);
        match effect {
            Effect::OpenStream { url } => self.open_stream(&url),
            Effect::CloseStream => {
                if let Some(stream) = self.stream.take() {
                    stream.close();
                }
            }
            Effect::FetchLines(request) => spawn_local(async move {
                let answer = fetch::json(&request.url).await.ok();
                driver.dispatch(Event::LinesFetched(request, answer));
            }),
            Effect::Search(request) => spawn_local(async move {
                let answer = fetch::json(&request.url).await.ok();
                driver.dispatch(Event::SearchAnswered(request, answer));
            }),
            Effect::CopyFrom { url } => spawn_local(async move {
                if let Ok(text) = fetch::text(&url).await {
                    dom::copy_to_clipboard(&text, move || driver.dispatch(Event::Copied));
                }
            }),
            Effect::SetHash(hash) => {
                if let Some(Ok(history)) = dom::window().map(|window| window.history()) {
                    let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&hash));
                }
            }
            Effect::DispatchLater { milliseconds, event } => dom::after(milliseconds, move || driver.dispatch(event)),
        }
    }

    /// Opens the event stream, unless it is open or the tab is in the background. Its events:
    ///
    /// - `lines`: `[{"n":12,"at":"…","s":"stdout","spans":[{"class":"…","text":"…"}]}]`
    /// - `attempt`: the number of a new attempt, whose lines count from 1
    /// - `end`: the output is complete
    fn open_stream(self: &Rc<Self>, url: &str) {
        if self.stream.borrow().is_some() || dom::is_hidden() {
            return;
        }
        let Ok(stream) = EventSource::new(url) else { return };
        self.listen(&stream, "open", |_, _| Some(Event::StreamOpened));
        self.listen(&stream, "error", |driver, _| Some(Event::StreamFailed { closed: driver.drop_closed_stream() }));
        self.listen(&stream, "lines", |_, event| {
            let lines = JSON::parse(&data(event)?).ok()?.dyn_into::<Array>().ok()?;
            Some(Event::LinesReceived(lines))
        });
        self.listen(&stream, "attempt", |_, event| data(event)?.parse().ok().map(Event::AttemptStarted));
        self.listen(&stream, "end", |_, _| Some(Event::OutputEnded));
        self.stream.replace(Some(stream));
    }

    /// Drops the stream if it is closed. After a network failure the browser reconnects itself; after an error status it closes
    /// the stream.
    fn drop_closed_stream(&self) -> bool {
        let is_closed = |stream: &mut EventSource| stream.ready_state() == EventSource::CLOSED;
        self.stream.borrow_mut().take_if(is_closed).is_some()
    }
}

fn data(event: JsValue) -> Option<String> {
    event.dyn_into::<MessageEvent>().ok()?.data().as_string()
}

fn search_text() -> String {
    let field = dom::by_id("log-search-text").and_then(|field| field.dyn_into::<HtmlInputElement>().ok());
    field.map_or_else(String::new, |field| field.value())
}
