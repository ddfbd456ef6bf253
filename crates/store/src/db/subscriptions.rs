//! Event subscriptions of a store.
use crate::{
    Event, Store,
    db::{event::MISSED, event_bus::EventPosition},
};
use tokio::sync::broadcast::Receiver;

impl Store {
    /// Subscribes to every event from now on. A receiver that lags gets `RecvError::Lagged` and should read again.
    pub fn subscribe(&self) -> Receiver<Event> {
        self.events().subscribe()
    }

    /// Instructs the subscribers of this process to read again, after another process changed something.
    pub fn publish_missed_events(&self) {
        self.events().publish(MISSED);
    }

    /// Returns the present position for [`Store::subscribe_since`]. Take it before reading.
    pub fn mark(&self) -> EventPosition {
        self.events().mark()
    }

    /// Returns the events since a mark and a receiver of all later ones. When events since the mark were discarded,
    /// or the mark is from another process, the first is [`Topic::Missed`](crate::Topic::Missed). Past events do not include task output.
    pub fn subscribe_since(&self, mark: EventPosition) -> (Vec<Event>, Receiver<Event>) {
        self.events().subscribe_since(mark)
    }
}
