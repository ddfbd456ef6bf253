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
use serde_json::{Value, json};
use std::{convert::Infallible, time::Duration};

/// Says that the stream lives: proxies and browsers close silent ones.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// For pages: an event per topic, with the id of what changed, or `*` for anything. (Browsers pass over events
/// without data.) Its id is where a browser goes on that was cut off.
pub(super) fn of_feed(feed: Feed, place: Place) -> Response {
    let changes = stream::unfold((feed, place), |(mut feed, place)| async {
        let (Change { topic, id }, mark) = feed.next().await?;
        let data = id.map_or_else(|| "*".to_owned(), |id| id.to_string());
        Some((event(topic.as_str(), mark, &data), (feed, place)))
    });
    answer(changes)
}

/// For pages: lines in batches, as text with fixed classes.
pub(super) fn for_browsers(follow: Follow, place: Place) -> Response {
    answer(steps(follow, place, |lines, at| {
        let lines: Vec<_> = lines.iter().map(|(number, line)| spans(*number, line)).collect();
        vec![event("lines", at, &json!(lines).to_string())]
    }))
}

/// For programs: one event per line, the text as it was printed.
pub(crate) fn for_programs(follow: Follow, place: Place) -> Response {
    answer(steps(follow, place, |lines, at| lines.iter().map(|(number, line)| plain(*number, line, at)).collect()))
}

/// The events of each step; `lines` says what those of lines are.
fn steps(
    follow: Follow,
    place: Place,
    lines: impl Fn(&[(i64, Line)], Position) -> Vec<Event>,
) -> impl Stream<Item = Event> {
    let steps = stream::unfold((follow, place), |(mut follow, place)| async {
        let step = follow.next().await?;
        Some((step, (follow, place)))
    });
    steps.flat_map(move |(step, at)| {
        stream::iter(match step {
            Step::Lines(new) => lines(&new, at),
            Step::State(state) => vec![event("state", at, state.as_str())],
            Step::Attempt(attempt) => vec![event("attempt", at, &attempt.to_string())],
            Step::End(state) => vec![event("end", at, state.as_str())],
        })
    })
}

/// A line for pages: its number, its time, its stream, and its text in stretches of one style.
pub(super) fn spans(number: i64, line: &Line) -> Value {
    json!({ "n": number, "at": line.at, "s": line.stream, "spans": ansi::spans(&line.text) })
}

fn plain(number: i64, line: &Line, at: Position) -> Event {
    let data = json!({ "line": number, "at": line.at, "stream": line.stream, "text": line.text });
    event("line", Position { line: number + 1, ..at }, &data.to_string())
}

fn event(name: &str, at: impl ToString, data: &str) -> Event {
    Event::default().event(name).id(at.to_string()).data(data)
}

fn answer(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let events = events.map(Ok::<_, Infallible>);
    let stream = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text(""));
    // nginx holds back what it may buffer.
    ([("x-accel-buffering", "no")], stream).into_response()
}
