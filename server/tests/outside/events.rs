//! Reader of server-sent events.
use crate::timeouts::{DEFAULT_TIMEOUT, with_timeout};
use reqwest::Response;

/// A server-sent event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub event: String,
    pub data: String,
}

/// An open event stream.
pub struct Events {
    response: Response,
    rest: String,
}

impl Events {
    pub fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200, "{response:?}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, rest: String::new() }
    }

    /// Returns the next event, or `None` at the end of the stream; skips comments.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.rest.split_once("\n\n") {
                let mut events = Event::default();
                for line in block.lines() {
                    match line.split_once(": ") {
                        Some(("event", value)) => events.event = value.to_owned(),
                        Some(("data", value)) => events.data = value.to_owned(),
                        _ => {}
                    }
                }
                self.rest = rest.to_owned();
                if events != Event::default() {
                    return Some(events);
                }
            }
            let piece = with_timeout(DEFAULT_TIMEOUT, "the next event", self.response.chunk()).await;
            self.rest.push_str(std::str::from_utf8(&piece.ok()??).unwrap());
        }
    }

    /// Returns the data of the next event of this name.
    pub async fn data_of_next(&mut self, name: &str) -> String {
        loop {
            let events = self.next().await.unwrap_or_else(|| panic!("the stream ended before {name}"));
            if events.event == name {
                return events.data;
            }
        }
    }

    /// Reads all events to the end of the stream.
    pub async fn end(&mut self) -> Vec<Event> {
        let mut events = vec![];
        while let Some(next) = self.next().await {
            events.push(next);
        }
        events
    }
}
