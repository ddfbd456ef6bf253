//! The one event stream of a page, and the regions that follow it.
//!
//! An event makes its regions stale; after a moment the page is fetched again and each stale region takes its content from
//! the answer, unless somebody is typing in it or has marked text in it. Where somebody points at a row of a list, or reads
//! further down, the rows that are there are brought up to date in their places, and a button offers the new ones.
use super::dom;
use js_sys::futures::spawn_local;
use leptos::prelude::{ArcRwSignal, GetUntracked, Set};
use std::cell::{Cell, RefCell};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Document, Element, EventSource, FocusOptions, HtmlElement, MessageEvent};

/// How long events are gathered before the page is fetched, in milliseconds.
const GATHER: i32 = 300;

/// How long to wait before looking again whether a region is free, in milliseconds.
const AGAIN: i32 = 1_000;
/// So long may a stream be away before it is said, in milliseconds.
const UNSAID: i32 = 5_000;
/// Until a stream that the server did not give is asked for again: twice as long each time, up to the longest.
const FIRST: i32 = 2_000;
const LONGEST: i32 = 60_000;

#[derive(Clone)]
struct Region {
    /// Each a topic, or a topic and the one thing that it is about: `tasks:ID`.
    topics: Vec<String>,
    id: String,
    quiet: bool,
    /// Events that its content does not show yet.
    news: u32,
    stale: bool,
    /// Whether somebody asked for what waits: then it comes wherever they point.
    asked: bool,
    /// What its button counts.
    waiting: ArcRwSignal<u32>,
}

thread_local! {
    static REGIONS: RefCell<Vec<Region>> = const { RefCell::new(Vec::new()) };
    static SOURCE: RefCell<Option<EventSource>> = const { RefCell::new(None) };
    /// Where the page is fetched from.
    static PAGE: RefCell<String> = const { RefCell::new(String::new()) };
    /// The id of the last event; before the first, when the page was read. What happens from then on is not known here.
    static SINCE: RefCell<String> = const { RefCell::new(String::new()) };
    static GATHERING: Cell<bool> = const { Cell::new(false) };
    /// Until a stream that failed is opened again, and until a page is fetched again.
    static PATIENCE: Cell<i32> = const { Cell::new(FIRST) };
    static RETRY: Cell<i32> = const { Cell::new(AGAIN) };
    /// Whether the stream is away.
    static LOST: Cell<bool> = const { Cell::new(false) };
}

/// Adds a region. The stream is opened once all of the page's islands are awake.
pub fn join(topics: &str, id: &str, page: &str, since: &str, now: &str, quiet: bool, waiting: ArcRwSignal<u32>) {
    PAGE.set(page.to_owned());
    let topics = topics.split(',').map(str::to_owned).collect();
    let first = REGIONS.with_borrow_mut(|regions| {
        regions.push(Region { topics, id: id.to_owned(), quiet, news: 0, stale: false, asked: false, waiting });
        regions.len() == 1
    });
    if first {
        SINCE.set(since.to_owned());
        super::clock::start(now);
        dom::after(GATHER, open);
        close_while_hidden();
    }
}

/// Shows what waits: the region takes its new content, and one is led to its beginning.
pub fn show(id: &str) {
    each(|region| {
        if region.id == id {
            (region.stale, region.asked) = (true, true);
            region.news = 0;
            region.waiting.set(0);
        }
    });
    if let Some(element) = dom::by_id(id) {
        element.scroll_into_view();
        focus(&element); // the button that was pressed is gone
    }
    gather();
}

fn each(act: impl FnMut(&mut Region)) {
    REGIONS.with_borrow_mut(|regions| regions.iter_mut().for_each(act));
}

fn open() {
    // A page that is opened in the background waits until somebody looks at it.
    if dom::document().is_some_and(|document| document.hidden()) || SOURCE.with_borrow(Option::is_some) {
        return;
    }
    let mut topics: Vec<String> =
        REGIONS.with_borrow(|regions| regions.iter().flat_map(|r| &r.topics).map(|t| noun(t).to_owned()).collect());
    topics.sort();
    topics.dedup();
    let address = SINCE.with_borrow(|since| format!("/live?topics={}&since={since}", topics.join(",")));
    let Ok(source) = EventSource::new(&address) else { return };
    let opened = Closure::<dyn Fn()>::new(|| {
        PATIENCE.set(FIRST);
        LOST.set(false);
        say_lost(false);
    });
    source.set_onopen(Some(opened.as_ref().unchecked_ref()));
    opened.forget();
    for topic in topics {
        let named = topic.clone();
        let listener = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            SINCE.set(event.last_event_id());
            heard(&topic, &event.data().as_string().unwrap_or_default());
        });
        let _ = source.add_event_listener_with_callback(&named, listener.as_ref().unchecked_ref());
        listener.forget();
    }
    let failed = Closure::<dyn Fn()>::new(open_later);
    source.set_onerror(Some(failed.as_ref().unchecked_ref()));
    failed.forget();
    SOURCE.set(Some(source));
}

/// The browser itself tries again where the network failed; after an answer with an error it has given up.
fn open_later() {
    if !LOST.replace(true) {
        dom::after(UNSAID, || say_lost(LOST.get()));
    }
    let is_over = |source: &EventSource| source.ready_state() == EventSource::CLOSED;
    if SOURCE.with_borrow(|source| source.as_ref().is_some_and(is_over)) {
        SOURCE.set(None);
        let wait = PATIENCE.get();
        PATIENCE.set((wait * 2).min(LONGEST));
        dom::after(wait, open);
    }
}

/// Says that the page does not follow any more what happens, or no longer says so.
fn say_lost(lost: bool) {
    if let Some(banner) = dom::by_id("not-live") {
        let _ = if lost { banner.remove_attribute("hidden") } else { banner.set_attribute("hidden", "") };
    }
}

/// A browser opens only a few connections to one server: a page that nobody looks at gives its own back.
fn close_while_hidden() {
    let Some(document) = dom::document() else { return };
    let changed = Closure::<dyn Fn()>::new(|| {
        let hidden = dom::document().is_some_and(|document| document.hidden());
        match SOURCE.take() {
            Some(source) if hidden => source.close(),
            None if !hidden => open(),
            same => SOURCE.set(same),
        }
    });
    let _ = document.add_event_listener_with_callback("visibilitychange", changed.as_ref().unchecked_ref());
    changed.forget();
}

/// Something happened to the thing of a topic with this id; `*` for any, and where it may be that something happened.
fn heard(topic: &str, id: &str) {
    each(|region| {
        if region.topics.iter().any(|wanted| is_about(wanted, topic, id)) {
            region.stale = true;
            region.news += 1;
        }
    });
    gather();
}

/// The topic of `tasks` and of `tasks:ID`.
fn noun(wanted: &str) -> &str {
    wanted.split(':').next().unwrap_or(wanted)
}

fn is_about(wanted: &str, topic: &str, id: &str) -> bool {
    match wanted.split_once(':') {
        None => wanted == topic,
        Some((noun, one)) => noun == topic && (id == one || id == "*"),
    }
}

fn gather() {
    if !GATHERING.replace(true) {
        dom::after(GATHER, || spawn_local(refresh()));
    }
}

/// Fetches the page for those regions that are stale, and not in somebody's hands. One at a time: an older answer must not come
/// last.
async fn refresh() {
    let is_free = |region: &Region| region.stale && !dom::by_id(&region.id).is_some_and(|element| in_use(&element));
    if REGIONS.with_borrow(|regions| regions.iter().any(is_free)) {
        each(|region| region.stale = false);
        match dom::fetch(&PAGE.with_borrow(String::clone)).await {
            Ok(fresh) => {
                RETRY.set(AGAIN);
                each(|region| region.take(&fresh));
            }
            Err(_) => {
                RETRY.set((RETRY.get() * 2).min(LONGEST));
                each(|region| region.stale = true);
            }
        }
    }
    GATHERING.set(false);
    if REGIONS.with_borrow(|regions| regions.iter().any(|region| region.stale)) {
        dom::after(RETRY.get(), gather);
    }
}

impl Region {
    /// Takes its content from the fetched page; in use now, it is stale still.
    fn take(&mut self, fresh: &Document) {
        let (Some(old), Some(new)) = (dom::by_id(&self.id), fresh.get_element_by_id(&self.id)) else { return };
        if old.inner_html() == new.inner_html() {
            self.shown();
        } else if in_use(&old) {
            self.stale = true;
        } else if !self.quiet && !self.asked && (scrolled_past(&old) || is_read(&old)) {
            let waiting = super::merge::merge(&old, &new).unwrap_or(self.news);
            if self.waiting.get_untracked() != waiting {
                self.waiting.set(waiting);
            }
        } else {
            replace(&old, &new);
            self.shown();
        }
    }

    fn shown(&mut self) {
        (self.news, self.asked) = (0, false);
        if self.waiting.get_untracked() != 0 {
            self.waiting.set(0);
        }
    }
}

/// Whether replacing would take something out of somebody's hands: a field, what was ticked or chosen, an open question, what
/// is being pressed, marked text.
fn in_use(region: &Element) -> bool {
    let busy = ":is(input, textarea, select):focus, details[open], :active, \
                input:checked:not([checked]), input[checked]:not(:checked), select:has(option[selected]) option:checked:not([selected])";
    let marked = || {
        let selection = dom::window()?.get_selection().ok()??;
        Some(!selection.is_collapsed() && region.contains(selection.anchor_node().as_ref()))
    };
    region.query_selector(busy).ok().flatten().is_some() || marked().unwrap_or(false)
}

/// Whether somebody points at a row or has the focus in one: it must not move from under the hand.
fn is_read(region: &Element) -> bool {
    region.query_selector("tbody:hover, tbody:focus-within").ok().flatten().is_some()
}

/// Whether the region's beginning is out of sight above.
fn scrolled_past(region: &Element) -> bool {
    region.get_bounding_client_rect().top() < -40.0
}

/// Gives an element the content of another, and the focus back to what had it.
pub(super) fn replace(region: &Element, new: &Element) {
    let focused = dom::document().and_then(|d| d.active_element()).filter(|element| region.contains(Some(element)));
    let same = focused.map(|element| (element.tag_name(), element.get_attribute("href"), element.text_content()));
    let nodes = new.child_nodes();
    region.replace_children_with_node(&(0..nodes.length()).filter_map(|n| nodes.get(n)).collect());
    let Some((tag, href, text)) = same else { return };
    let Ok(candidates) = region.query_selector_all(&tag) else { return };
    let elements = (0..candidates.length()).filter_map(|n| candidates.get(n)?.dyn_into::<HtmlElement>().ok());
    for element in elements {
        if element.get_attribute("href") == href && (href.is_some() || element.text_content() == text) {
            let _ = element.focus();
            return;
        }
    }
    focus(region); // what had it is gone
}

/// Puts the focus at the beginning of a region, so that the next key goes on from there.
fn focus(region: &Element) {
    let Some(region) = region.dyn_ref::<HtmlElement>() else { return };
    let _ = region.set_attribute("tabindex", "-1");
    let options = FocusOptions::new();
    options.set_prevent_scroll(true);
    let _ = region.focus_with_options(&options);
}
