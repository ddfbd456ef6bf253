//! Tells what happens to who listens, and keeps the last of it for who comes a moment late: a page opens its stream only after
//! it was read.
use crate::{
    Event, Store, Topic,
    db::{
        events::{BACKLOG, MISSED},
        id::new_id,
    },
};
use std::{
    collections::VecDeque,
    fmt,
    num::ParseIntError,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::broadcast::{Receiver, Sender, channel};

/// How many events are kept.
const KEPT: usize = 1_024;

/// A moment of one process. Everything that was announced before it is in what is read after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    process: u64,
    /// Microseconds since the process began to listen.
    at: u64,
}

/// Announces to the listeners of this process. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct EventBus {
    to: Sender<Event>,
    lately: Arc<Mutex<Lately>>,
}

#[derive(Debug)]
struct Lately {
    process: u64,
    began: Instant,
    /// The last events and when they were announced, the oldest first.
    kept: VecDeque<(u64, Event)>,
    /// When the last one that is not kept any more was announced.
    gone: Option<u64>,
}

impl EventBus {
    pub(crate) fn new() -> Self {
        let process = new_id().as_u64_pair().1;
        let lately = Lately { process, began: Instant::now(), kept: VecDeque::with_capacity(KEPT), gone: None };
        Self { to: channel(BACKLOG).0, lately: Arc::new(Mutex::new(lately)) }
    }

    /// Tells everybody. Nobody listening is no error.
    pub(crate) fn publish(&self, event: Event) {
        let mut lately = self.lately();
        // What a task prints has places of its own, and would leave no room for anything else.
        if event.topic != Topic::Log {
            lately.keep(event);
        }
        let _ = self.to.send(event);
    }

    /// From now on.
    pub(crate) fn subscribe(&self) -> Receiver<Event> {
        self.to.subscribe()
    }

    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lately {
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn keep(&mut self, event: Event) {
        if self.kept.len() == KEPT {
            self.gone = self.kept.pop_front().map(|(at, _)| at);
        }
        self.kept.push_back((self.now(), event));
    }

    /// What was announced since; that something was missed where that is not known any more.
    fn since(&self, mark: Mark) -> Vec<Event> {
        if mark.process != self.process || self.gone.is_some_and(|gone| gone >= mark.at) {
            return vec![MISSED];
        }
        let first = self.kept.partition_point(|(at, _)| *at < mark.at);
        self.kept.range(first..).map(|(_, event)| *event).collect()
    }
}

impl Store {
    /// This moment, for [`Store::subscribe_since`]: taken before something is read.
    pub fn mark(&self) -> Mark {
        let lately = self.events().lately();
        Mark { process: lately.process, at: lately.now() }
    }

    /// Every event since a moment: those that were told already, and who tells the others. Where they are not kept any more,
    /// or the mark is another process's, the first is [`Topic::Missed`]. What tasks print is not among the past ones.
    pub fn subscribe_since(&self, mark: Mark) -> (Vec<Event>, Receiver<Event>) {
        let lately = self.events().lately(); // nothing is told meanwhile
        (lately.since(mark), self.events().subscribe())
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.process, self.at)
    }
}

impl FromStr for Mark {
    type Err = ParseIntError;
    /// Reads what it was written as.
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

    fn mark(announcer: &EventBus) -> Mark {
        let lately = announcer.lately();
        // Two moments of one microsecond are one, and what is told in it is told again.
        std::thread::sleep(std::time::Duration::from_micros(2));
        let at = lately.now();
        std::thread::sleep(std::time::Duration::from_micros(2));
        Mark { process: lately.process, at }
    }

    #[test]
    fn who_comes_late_hears_what_was_told_since_their_mark() {
        let announcer = EventBus::new();
        announcer.publish(event(Topic::Tasks, 1));
        let early = mark(&announcer);
        announcer.publish(event(Topic::Log, 2));
        announcer.publish(event(Topic::Tasks, 3));
        assert_eq!(announcer.lately().since(early), [event(Topic::Tasks, 3)]);
        let now = mark(&announcer);
        assert_eq!(announcer.lately().since(now), []);
    }

    #[test]
    fn who_comes_too_late_or_from_elsewhere_is_told_to_look_again() {
        let announcer = EventBus::new();
        let early = mark(&announcer);
        let tell = |n: usize| (0..n).for_each(|n| announcer.publish(event(Topic::Tasks, n.try_into().unwrap())));
        tell(KEPT);
        assert_eq!(announcer.lately().since(early).len(), KEPT);
        tell(1);
        assert_eq!(announcer.lately().since(early), [MISSED]);
        let elsewhere = Mark { process: 0, ..mark(&announcer) };
        assert_eq!(announcer.lately().since(elsewhere), [MISSED]);
    }

    #[test]
    fn a_mark_reads_back_as_it_was_written() {
        let mark = mark(&EventBus::new());
        assert_eq!(mark.to_string().parse(), Ok(mark));
        for garbage in ["", "-", "1", "1-", "-1", "x-1", "1-1-1", "11111111111111111-1"] {
            assert!(garbage.parse::<Mark>().is_err(), "{garbage:?}");
        }
    }
}
