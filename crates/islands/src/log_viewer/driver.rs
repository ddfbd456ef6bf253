//! Driver of the log viewer: turns browser events into viewer events, and runs the effects.
use super::viewer::{Effect, Event, Viewer};
use crate::{
    dom,
    event_stream::{EventStream, Status, Subscriber},
    fetch,
};
use js_sys::{Array, JSON, futures::spawn_local};
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{EventTarget, HtmlInputElement, KeyboardEvent, MessageEvent};

/// A function pointer, because each closure type would add its own copy of `listen` to the wasm file.
type ToEvent = fn(&Driver, JsValue) -> Option<Event>;

/// Connects the viewer with the browser. Its listeners keep it alive as long as the page.
pub struct Driver {
    viewer: RefCell<Viewer>,
    stream: RefCell<Option<Rc<EventStream>>>,
}

impl Driver {
    pub fn start(viewer: Viewer, live: bool) {
        let driver = Rc::new(Self { viewer: RefCell::new(viewer), stream: RefCell::new(None) });
        driver.dispatch(Event::Started);
        driver.listen_to_page();
        driver.enable_toolbar();
        if live {
            driver.stream.replace(Some(EventStream::start(Output(Rc::clone(&driver)))));
        }
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

    fn listen_to_page(self: &Rc<Self>) {
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
            Effect::StopStream => {
                if let Some(stream) = self.stream.take() {
                    stream.stop();
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
}

/// The subscription to the output. Its events:
///
/// - `lines`: `[{"n":12,"at":"…","s":"stdout","spans":[{"class":"…","text":"…"}]}]`
/// - `incomplete`: the incomplete last line of each stream, in the same form
/// - `attempt`: the number of a new attempt, whose lines count from 1
/// - `end`: the output is complete
struct Output(Rc<Driver>);

impl Subscriber for Output {
    fn url(&self) -> String {
        self.0.viewer.borrow().stream_url()
    }

    fn events(&self) -> Vec<String> {
        ["lines", "incomplete", "attempt", "end"].map(str::to_owned).to_vec()
    }

    fn received(&self, name: &str, event: &MessageEvent) {
        let Some(data) = event.data().as_string() else { return };
        let lines = || JSON::parse(&data).ok()?.dyn_into::<Array>().ok();
        let event = match name {
            "lines" => lines().map(Event::LinesReceived),
            "incomplete" => lines().map(Event::IncompleteReceived),
            "attempt" => data.parse().ok().map(Event::AttemptStarted),
            _ => Some(Event::OutputEnded(data)),
        };
        if let Some(event) = event {
            self.0.dispatch(event);
        }
    }

    fn status_changed(&self, status: Status) {
        self.0.dispatch(Event::StreamChanged(status));
    }
}

fn search_text() -> String {
    let field = dom::by_id("log-search-text").and_then(|field| field.dyn_into::<HtmlInputElement>().ok());
    field.map_or_else(String::new, |field| field.value())
}
