//! Server-sent events, read one by one.
use reqwest::Response;

use crate::patience::{PATIENCE, soon};

/// An event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub event: String,
    pub data: String,
}

/// An open stream.
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

    /// The next event; `None` when the stream ended. Comments are passed over.
    pub async fn next(&mut self) -> Option<Told> {
        loop {
            while let Some((block, rest)) = self.rest.split_once("\n\n") {
                let mut told = Told::default();
                for line in block.lines() {
                    match line.split_once(": ") {
                        Some(("event", value)) => told.event = value.to_owned(),
                        Some(("data", value)) => told.data = value.to_owned(),
                        _ => {}
                    }
                }
                self.rest = rest.to_owned();
                if told != Told::default() {
                    return Some(told);
                }
            }
            let piece = soon(PATIENCE, "the stream says something", self.response.chunk()).await;
            self.rest.push_str(std::str::from_utf8(&piece.ok()??).unwrap());
        }
    }

    /// The data of the next event of this name.
    pub async fn hear(&mut self, name: &str) -> String {
        loop {
            let told = self.next().await.unwrap_or_else(|| panic!("the stream ended before {name}"));
            if told.event == name {
                return told.data;
            }
        }
    }

    /// Reads to the end.
    pub async fn end(&mut self) -> Vec<Told> {
        let mut told = vec![];
        while let Some(next) = self.next().await {
            told.push(next);
        }
        told
    }
}
