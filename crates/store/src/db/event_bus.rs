//! Event bus of one process: publishes committed events, and keeps the latest for subscribers that start late. A page opens
//! its stream only after it was read.
use crate::{
    Event, Topic,
    db::{event::MISSED, id::new_id},
};
use parking_lot::{Mutex, MutexGuard};
use std::{collections::VecDeque, fmt, num::ParseIntError, str::FromStr, sync::Arc, time::Instant};
use tokio::sync::broadcast::{Receiver, Sender, channel};

/// How many events a slow subscriber may lag behind before it misses some.
const BACKLOG: usize = 4_096;

const MAX_RECENT_EVENTS: usize = 1_024;

/// A position in the event stream of one process. Every event before it is visible to a read after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPosition {
    process: u64,
    /// Microseconds since the event bus was created.
    at: u64,
}

/// Publishes events to the subscribers of this process. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct EventBus {
    to: Sender<Event>,
    recent: Arc<Mutex<RecentEvents>>,
}

#[derive(Debug)]
struct RecentEvents {
    process: u64,
    began: Instant,
    /// The latest events and when they were published, oldest first.
    kept: VecDeque<(u64, Event)>,
    /// When the last discarded event was published.
    last_discarded: Option<u64>,
}

impl EventBus {
    pub(crate) fn new() -> Self {
        let process = new_id().as_u64_pair().1;
        let recent = RecentEvents {
            process,
            began: Instant::now(),
            kept: VecDeque::with_capacity(MAX_RECENT_EVENTS),
            last_discarded: None,
        };
        Self { to: channel(BACKLOG).0, recent: Arc::new(Mutex::new(recent)) }
    }

    /// Publishes an event. Succeeds without subscribers.
    pub(crate) fn publish(&self, event: Event) {
        let mut recent = self.recent();
        // Readers of task output resume by line number, and output events would displace all others.
        if event.topic != Topic::Log {
            recent.keep(event);
        }
        let _ = self.to.send(event);
    }

    pub(crate) fn subscribe(&self) -> Receiver<Event> {
        self.to.subscribe()
    }

    /// Returns the present position.
    pub(crate) fn mark(&self) -> EventPosition {
        let recent = self.recent();
        EventPosition { process: recent.process, at: recent.now() }
    }

    /// Returns the recent events since a mark and a receiver of all later ones.
    pub(crate) fn subscribe_since(&self, mark: EventPosition) -> (Vec<Event>, Receiver<Event>) {
        let recent = self.recent(); // holds back events meanwhile
        (recent.since(mark), self.subscribe())
    }

    fn recent(&self) -> MutexGuard<'_, RecentEvents> {
        self.recent.lock()
    }
}

impl RecentEvents {
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn keep(&mut self, event: Event) {
        if self.kept.len() == MAX_RECENT_EVENTS {
            self.last_discarded = self.kept.pop_front().map(|(at, _)| at);
        }
        self.kept.push_back((self.now(), event));
    }

    /// Returns the events since a mark, or `MISSED` when they were discarded.
    fn since(&self, mark: EventPosition) -> Vec<Event> {
        if mark.process != self.process || self.last_discarded.is_some_and(|last_discarded| last_discarded >= mark.at) {
            return vec![MISSED];
        }
        let first = self.kept.partition_point(|(at, _)| *at < mark.at);
        self.kept.range(first..).map(|(_, event)| *event).collect()
    }
}

impl fmt::Display for EventPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.process, self.at)
    }
}

impl FromStr for EventPosition {
    type Err = ParseIntError;
    /// Parses the form that `Display` writes.
    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let (process, at) = text.split_once('-').unwrap_or((text, ""));
        Ok(Self { process: u64::from_str_radix(process, 16)?, at: u64::from_str_radix(at, 16)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::TenantId;
    use uuid::Uuid;

    fn event(topic: Topic, number: u128) -> Event {
        Event { tenant: TenantId(Uuid::from_u128(1)), topic, id: Uuid::from_u128(number) }
    }

    fn mark(bus: &EventBus) -> EventPosition {
        let recent = bus.recent();
        // Events of the mark's own microsecond are delivered again.
        std::thread::sleep(std::time::Duration::from_micros(2));
        let at = recent.now();
        std::thread::sleep(std::time::Duration::from_micros(2));
        EventPosition { process: recent.process, at }
    }

    #[test]
    fn a_late_subscriber_receives_the_events_since_its_mark() {
        let bus = EventBus::new();
        bus.publish(event(Topic::Tasks, 1));
        let early = mark(&bus);
        bus.publish(event(Topic::Log, 2));
        bus.publish(event(Topic::Tasks, 3));
        assert_eq!(bus.recent().since(early), [event(Topic::Tasks, 3)]);
        let now = mark(&bus);
        assert_eq!(bus.recent().since(now), []);
    }

    #[test]
    fn a_mark_that_is_too_old_or_from_another_process_misses_events() {
        let bus = EventBus::new();
        let early = mark(&bus);
        let tell = |n: usize| (0..n).for_each(|n| bus.publish(event(Topic::Tasks, n.try_into().unwrap())));
        tell(MAX_RECENT_EVENTS);
        assert_eq!(bus.recent().since(early).len(), MAX_RECENT_EVENTS);
        tell(1);
        assert_eq!(bus.recent().since(early), [MISSED]);
        let elsewhere = EventPosition { process: 0, ..mark(&bus) };
        assert_eq!(bus.recent().since(elsewhere), [MISSED]);
    }

    #[test]
    fn a_mark_parses_from_its_displayed_form() {
        let mark = mark(&EventBus::new());
        assert_eq!(mark.to_string().parse(), Ok(mark));
        for garbage in ["", "-", "1", "1-", "-1", "x-1", "1-1-1", "11111111111111111-1"] {
            assert!(garbage.parse::<EventPosition>().is_err(), "{garbage:?}");
        }
    }
}
