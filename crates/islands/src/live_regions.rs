//! Live regions: the page's subscription to `/live`, and the regions that it keeps current.
//!
//! An event marks its regions as stale. After a debounce the page is fetched again, and each stale region takes its content from
//! the response, unless someone is using it. While the pointer or the focus is in a row, or the list's top is above the viewport,
//! only the rows that are shown are updated, and a button offers the new ones.
use crate::{
    dom,
    event_stream::{EventStream, Status, Subscriber},
    fetch, region_content, relative_time, waiting_count,
};
use js_sys::futures::spawn_local;
use leptos::prelude::{ArcRwSignal, GetUntracked, Set};
use std::cell::{Cell, RefCell};
use web_sys::{Document, MessageEvent};

/// The debounce interval of events before the page is fetched.
const DEBOUNCE_MS: i32 = 300;

/// The first delay before a failed fetch, or a region that is in use, is tried again.
const REFRESH_BACKOFF_MS: i32 = 1_000;

/// The duration of a connection loss after which the page reports it.
const OUTAGE_GRACE_MS: i32 = 5_000;

const MAX_BACKOFF_MS: i32 = 60_000;

/// A part of the page that follows topics.
#[derive(Clone)]
pub struct Region {
    /// Each a topic, or a topic with the one id that matters: `tasks:ID`.
    topics: Vec<String>,
    id: String,
    /// Whether new content replaces the old regardless of the scroll position.
    quiet: bool,
    /// The number of events that the content does not reflect yet.
    unseen_events: u32,
    stale: bool,
    /// Whether the button was pressed: the next content replaces the old regardless of the pointer's position.
    replace_requested: bool,
    /// The number on the region's button.
    waiting: ArcRwSignal<u32>,
}

thread_local! {
    static REGIONS: RefCell<Vec<Region>> = const { RefCell::new(Vec::new()) };
    static PAGE_URL: RefCell<String> = const { RefCell::new(String::new()) };
    /// The id of the last event, initially the position at which the page was read. A new stream starts after it.
    static LAST_EVENT_ID: RefCell<String> = const { RefCell::new(String::new()) };
    static REFRESH_SCHEDULED: Cell<bool> = const { Cell::new(false) };
    static REFRESH_BACKOFF: Cell<i32> = const { Cell::new(REFRESH_BACKOFF_MS) };
    static STATUS: Cell<Status> = const { Cell::new(Status::Open) };
}

/// Registers a region. The stream is opened once all islands of the page had time to register theirs.
pub fn register(region: Region, page_url: &str, since: &str, rendered_at: &str) {
    PAGE_URL.set(page_url.to_owned());
    let is_first = REGIONS.with_borrow_mut(|regions| {
        regions.push(region);
        regions.len() == 1
    });
    if is_first {
        LAST_EVENT_ID.set(since.to_owned());
        relative_time::start(rendered_at);
        dom::after(DEBOUNCE_MS, || drop(EventStream::start(Changes)));
    }
}

/// Replaces a region's content with the newest, and scrolls to its beginning.
pub fn show_waiting(id: &str) {
    for_each_region(|region| {
        if region.id == id {
            (region.stale, region.replace_requested) = (true, true);
            region.unseen_events = 0;
            region.waiting.set(0);
        }
    });
    if let Some(element) = dom::by_id(id) {
        element.scroll_into_view();
        region_content::focus(&element); // the pressed button disappears
    }
    schedule_refresh();
}

fn for_each_region(action: impl FnMut(&mut Region)) {
    REGIONS.with_borrow_mut(|regions| regions.iter_mut().for_each(action));
}

/// The subscription to the changes of all regions.
struct Changes;

impl Subscriber for Changes {
    fn url(&self) -> String {
        LAST_EVENT_ID.with_borrow(|since| format!("/live?topics={}&since={since}", self.events().join(",")))
    }

    fn events(&self) -> Vec<String> {
        let mut topics: Vec<String> = REGIONS
            .with_borrow(|regions| regions.iter().flat_map(|r| &r.topics).map(|t| topic_name(t).to_owned()).collect());
        topics.sort();
        topics.dedup();
        topics
    }

    fn received(&self, topic: &str, event: &MessageEvent) {
        LAST_EVENT_ID.set(event.last_event_id());
        receive(topic, &event.data().as_string().unwrap_or_default());
    }

    fn status_changed(&self, status: Status) {
        if STATUS.replace(status) != status && status == Status::Lost {
            dom::after(OUTAGE_GRACE_MS, || dom::set_hidden("not-live", STATUS.get() != Status::Lost));
        } else if status != Status::Lost {
            dom::set_hidden("not-live", true);
        }
        dom::set_hidden("live-paused", status != Status::Paused);
    }
}

/// Marks the regions that an event concerns as stale. The id is `*` for any, also when events may have been missed.
fn receive(topic: &str, id: &str) {
    for_each_region(|region| {
        if region.topics.iter().any(|followed| concerns(followed, topic, id)) {
            region.stale = true;
            region.unseen_events += 1;
        }
    });
    schedule_refresh();
}

/// Returns the topic of `tasks` and of `tasks:ID`.
fn topic_name(followed: &str) -> &str {
    followed.split(':').next().unwrap_or(followed)
}

fn concerns(followed: &str, topic: &str, id: &str) -> bool {
    match followed.split_once(':') {
        None => followed == topic,
        Some((name, only)) => name == topic && (id == only || id == "*"),
    }
}

fn schedule_refresh() {
    if !REFRESH_SCHEDULED.replace(true) {
        dom::after(DEBOUNCE_MS, || spawn_local(refresh()));
    }
}

/// Fetches the page if a region is stale and not in use. One request at a time, so that an older response cannot arrive last.
async fn refresh() {
    let can_refresh =
        |region: &Region| region.stale && !dom::by_id(&region.id).is_some_and(|it| region_content::is_in_use(&it));
    if REGIONS.with_borrow(|regions| regions.iter().any(can_refresh)) {
        for_each_region(|region| region.stale = false);
        match fetch::page(&PAGE_URL.with_borrow(String::clone)).await {
            Ok(page) => {
                REFRESH_BACKOFF.set(REFRESH_BACKOFF_MS);
                for_each_region(|region| region.update(&page));
            }
            Err(_) => {
                REFRESH_BACKOFF.set((REFRESH_BACKOFF.get() * 2).min(MAX_BACKOFF_MS));
                for_each_region(|region| region.stale = true);
            }
        }
    }
    REFRESH_SCHEDULED.set(false);
    if REGIONS.with_borrow(|regions| regions.iter().any(|region| region.stale)) {
        dom::after(REFRESH_BACKOFF.get(), schedule_refresh);
    }
}

impl Region {
    pub fn new(topics: &str, id: &str, quiet: bool, waiting: ArcRwSignal<u32>) -> Self {
        let topics = topics.split(',').map(str::to_owned).collect();
        let id = id.to_owned();
        Self { topics, id, quiet, unseen_events: 0, stale: false, replace_requested: false, waiting }
    }

    /// Takes the region's content from the fetched page. A region that is in use by now stays stale.
    fn update(&mut self, page: &Document) {
        let (Some(old), Some(new)) = (dom::by_id(&self.id), page.get_element_by_id(&self.id)) else { return };
        if old.inner_html() == new.inner_html() {
            self.mark_current();
        } else if region_content::is_in_use(&old) {
            self.stale = true;
        } else if !self.quiet && !self.replace_requested && region_content::must_not_move(&old) {
            self.set_waiting(region_content::merge_rows(&old, &new).unwrap_or(self.unseen_events));
        } else {
            region_content::replace(&old, &new);
            waiting_count::refresh();
            self.mark_current();
        }
    }

    fn mark_current(&mut self) {
        (self.unseen_events, self.replace_requested) = (0, false);
        self.set_waiting(0);
    }

    fn set_waiting(&self, count: u32) {
        if self.waiting.get_untracked() != count {
            self.waiting.set(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::concerns;

    #[test]
    fn a_region_follows_a_whole_topic_or_one_id_of_it() {
        assert!(concerns("tasks", "tasks", "1"));
        assert!(!concerns("tasks", "keys", "1"));
        assert!(concerns("tasks:1", "tasks", "1") && concerns("tasks:1", "tasks", "*"));
        assert!(!concerns("tasks:1", "tasks", "2"));
    }
}
