//! Steps and changes as server-sent events (WHATWG HTML, 9.2).
use super::{
    Follow, Position,
    feed::{Change, Feed},
    follow::Step,
    streams::Place,
};
use axum::response::{
    IntoResponse, Response,
    sse::{Event, KeepAlive, Sse},
};
use domain::{ansi, log::Line};
use futures::{Stream, StreamExt, stream};
use serde_json::json;
use std::{convert::Infallible, time::Duration};

/// Says that the stream lives: proxies and browsers close silent ones.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// For pages: an event per topic, with the id of what changed, or `*` for anything. (Browsers pass over events
/// without data.)
pub(super) fn of_feed(feed: Feed, place: Place) -> Response {
    let changes = stream::unfold((feed, place), |(mut feed, place)| async {
        let Change { topic, id } = feed.next().await?;
        let data = id.map_or_else(|| "*".to_owned(), |id| id.to_string());
        Some((Event::default().event(topic.as_str()).data(data), (feed, place)))
    });
    answer(changes)
}

/// For pages: lines in batches, as text with fixed classes.
pub(super) fn for_browsers(follow: Follow, place: Place) -> Response {
    let events = steps(follow, place).map(|(step, at)| match step {
        Step::Lines(lines) => {
            let lines: Vec<_> = lines.into_iter().map(|(number, line)| spans(number, &line)).collect();
            event("lines", at, &json!(lines).to_string())
        }
        other => word(&other, at),
    });
    answer(events)
}

/// For programs: one event per line, the text as it was printed.
pub(crate) fn for_programs(follow: Follow, place: Place) -> Response {
    let events = steps(follow, place).flat_map(|(step, at)| {
        stream::iter(match step {
            Step::Lines(lines) => lines.into_iter().map(|(number, line)| plain(number, &line, at)).collect(),
            other => vec![word(&other, at)],
        })
    });
    answer(events)
}

fn steps(follow: Follow, place: Place) -> impl Stream<Item = (Step, Position)> {
    stream::unfold((follow, place), |(mut follow, place)| async {
        let step = follow.next().await?;
        Some((step, (follow, place)))
    })
}

fn spans(number: i64, line: &Line) -> serde_json::Value {
    json!({ "n": number, "at": line.at, "s": line.stream, "spans": ansi::spans(&line.text) })
}

fn plain(number: i64, line: &Line, at: Position) -> Event {
    let data = json!({ "line": number, "at": line.at, "stream": line.stream, "text": line.text });
    event("line", Position { line: number + 1, ..at }, &data.to_string())
}

/// A step that is one word.
fn word(step: &Step, at: Position) -> Event {
    match step {
        Step::State(state) => event("state", at, state.as_str()),
        Step::Attempt(attempt) => event("attempt", at, &attempt.to_string()),
        Step::End(state) => event("end", at, state.as_str()),
        Step::Lines(_) => Event::default(),
    }
}

fn event(name: &str, at: Position, data: &str) -> Event {
    Event::default().event(name).id(at.to_string()).data(data)
}

fn answer(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let events = events.map(Ok::<_, Infallible>);
    let stream = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text(""));
    // nginx holds back what it may buffer.
    ([("x-accel-buffering", "no")], stream).into_response()
}
