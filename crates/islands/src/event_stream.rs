//! Event stream of a page: open while the tab is visible and a slot is free, and opened again after failures.
use crate::{
    dom,
    stream_slot::{self, Claim, Slot},
};
use js_sys::futures::spawn_local;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{EventSource, MessageEvent};

/// The first delay before a stream is opened again after the server refused it. It doubles up to `MAX_BACKOFF_MS`.
const BACKOFF_MS: i32 = 2_000;

const MAX_BACKOFF_MS: i32 = 60_000;

/// The interval at which a window without a slot looks for a free one.
const SLOT_INTERVAL_MS: i32 = 5_000;

/// After this many failed attempts, a window in the background takes a slot from another one, so that its page lags by about ten
/// seconds at most.
const SLOT_ATTEMPTS: u32 = 2;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Open,
    /// The connection is lost, and will be opened again.
    Lost,
    /// Other windows of the browser have all slots.
    Paused,
}

/// What a stream serves.
pub trait Subscriber {
    /// Returns the URL of the next connection, from the position that was reached.
    fn url(&self) -> String;
    /// Returns the names of the events to receive.
    fn events(&self) -> Vec<String>;
    fn received(&self, name: &str, event: &MessageEvent);
    fn status_changed(&self, status: Status);
}

pub struct EventStream {
    subscriber: Box<dyn Subscriber>,
    connection: RefCell<Option<(EventSource, Slot)>>,
    /// Whether a slot is being requested.
    opening: Cell<bool>,
    /// Whether the window is in use, and took no slot for that yet.
    was_used: Cell<bool>,
    /// How often it found no free slot since it last had one.
    failed_attempts: Cell<u32>,
    backoff: Cell<i32>,
    stopped: Cell<bool>,
}

impl EventStream {
    /// Opens a stream for the lifetime of the page.
    pub fn start(subscriber: impl Subscriber + 'static) -> Rc<Self> {
        let stream = Rc::new(Self {
            subscriber: Box::new(subscriber),
            connection: RefCell::new(None),
            opening: Cell::new(false),
            was_used: Cell::new(false),
            failed_attempts: Cell::new(0),
            backoff: Cell::new(BACKOFF_MS),
            stopped: Cell::new(false),
        });
        stream.open(true);
        if let (Some(document), Some(window)) = (dom::document(), dom::window()) {
            let this = Rc::clone(&stream);
            dom::listen(&document, "visibilitychange", move |_| match dom::is_hidden() {
                true => this.close(),
                false => this.open(true),
            });
            let this = Rc::clone(&stream);
            dom::listen(&window, "focus", move |_| this.open(true));
            let this = Rc::clone(&stream);
            dom::listen(&window, "blur", move |_| {
                this.was_used.set(false);
                if stream_slot::follows_focus() {
                    this.close();
                    this.pause();
                }
            });
        }
        stream
    }

    /// Closes the stream for good.
    pub fn stop(&self) {
        self.stopped.set(true);
        self.close();
    }

    fn close(&self) {
        if let Some((source, _slot)) = self.connection.take() {
            source.close();
        }
    }

    fn is_wanted(&self) -> bool {
        !self.stopped.get() && !dom::is_hidden() && self.connection.borrow().is_none()
    }

    /// Opens the connection unless it is open or the tab is hidden. A window that is used or waits for long takes a slot from another.
    fn open(self: &Rc<Self>, is_used: bool) {
        self.was_used.set(self.was_used.get() || is_used);
        if !self.is_wanted() || self.opening.replace(true) {
            return;
        }
        let claim = match self.was_used.replace(false) {
            true => Claim::InUse,
            false if self.failed_attempts.get() >= SLOT_ATTEMPTS => Claim::Shared,
            false => Claim::Free,
        };
        let this = Rc::clone(self);
        spawn_local(async move {
            let on_loss = {
                let this = Rc::clone(&this);
                Rc::new(move || {
                    this.close();
                    this.open(false);
                })
            };
            let slot = stream_slot::acquire(claim, on_loss).await;
            this.opening.set(false);
            match slot {
                Some(slot) if this.is_wanted() => {
                    this.failed_attempts.set(0);
                    this.connect(slot);
                }
                Some(_) => {}
                None if this.was_used.get() => this.open(true),
                None => {
                    this.failed_attempts.update(|n| n + 1);
                    this.pause();
                }
            }
        });
    }

    fn pause(self: &Rc<Self>) {
        if self.is_wanted() {
            self.subscriber.status_changed(Status::Paused);
            let this = Rc::clone(self);
            dom::after(SLOT_INTERVAL_MS, move || this.open(false));
        }
    }

    fn connect(self: &Rc<Self>, slot: Slot) {
        let Ok(source) = EventSource::new(&self.subscriber.url()) else { return };
        self.listen(&source, "open", |this, _| {
            this.backoff.set(BACKOFF_MS);
            this.subscriber.status_changed(Status::Open);
        });
        self.listen(&source, "error", |this, _| this.failed());
        for name in self.subscriber.events() {
            let event_name = name.clone();
            self.listen(&source, &event_name, move |this, event| {
                if let Ok(event) = event.dyn_into() {
                    this.subscriber.received(&name, &event);
                }
            });
        }
        self.connection.replace(Some((source, slot)));
    }

    fn listen(self: &Rc<Self>, source: &EventSource, name: &str, handler: impl Fn(&Rc<Self>, JsValue) + 'static) {
        let this = Rc::clone(self);
        dom::listen(source, name, move |event| handler(&this, event));
    }

    /// After a network failure the browser reconnects itself; after an error status it does not.
    fn failed(self: &Rc<Self>) {
        self.subscriber.status_changed(Status::Lost);
        let is_closed = |(source, _): &mut (EventSource, Slot)| source.ready_state() == EventSource::CLOSED;
        if self.connection.borrow_mut().take_if(is_closed).is_some() {
            let delay = self.backoff.get();
            self.backoff.set((delay * 2).min(MAX_BACKOFF_MS));
            let this = Rc::clone(self);
            dom::after(delay, move || this.open(dom::has_focus()));
        }
    }
}
