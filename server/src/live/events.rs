//! Server-sent events for task logs and changes (WHATWG HTML, section 9.2).
use super::{
    Follow, Position,
    feed::{Change, Feed},
    follow::Step,
    streams::StreamPermit,
};
use app::tasks::labels;
use axum::response::{
    IntoResponse, Response,
    sse::{Event, KeepAlive, Sse},
};
use domain::{ansi::Styles, log::Line, receipt::End, task::TaskState};
use futures::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use std::{convert::Infallible, time::Duration};

/// Keep-alive interval: proxies and browsers close silent streams.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Returns a stream for pages: one event per change with the ID of the object, or `*` for any, because browsers ignore events
/// without data. The event ID is the mark at which a browser resumes.
pub(super) fn feed_response(feed: Feed, permit: StreamPermit) -> Response {
    let changes = stream::unfold((feed, permit), |(mut feed, permit)| async {
        let (Change { topic, id }, mark) = feed.next().await?;
        let data = id.map_or_else(|| "*".to_owned(), |id| id.to_string());
        Some((event(topic.as_str(), mark, &data), (feed, permit)))
    });
    event_stream(changes)
}

/// Returns a log stream for pages: batches of lines with styled spans, and a sentence about the end.
pub(super) fn browser_log_response(follow: Follow, permit: StreamPermit) -> Response {
    let lines = |lines: &[(i64, Line)], mut styles: Styles, at: Position| {
        let lines: Vec<_> = lines.iter().map(|(number, line)| spans(*number, line, &mut styles)).collect();
        vec![event("lines", at, &json!(lines).to_string())]
    };
    // The style in which an incomplete line begins depends on lines that may be far above.
    let incomplete = |line: &Line| spans(0, line, &mut Styles::default());
    event_stream(steps(follow, permit, lines, incomplete, labels::output_ended))
}

/// Returns a log stream for API clients: one event per line, with the unchanged text.
pub(crate) fn api_log_response(follow: Follow, permit: StreamPermit) -> Response {
    let lines = |lines: &[(i64, Line)], _, at| lines.iter().map(|(number, line)| plain(*number, line, at)).collect();
    let incomplete = |line: &Line| json!({ "at": line.at, "stream": line.stream, "text": line.text });
    event_stream(steps(follow, permit, lines, incomplete, |state, _| state.as_str().to_owned()))
}

/// Converts steps to events; `lines` converts batches of lines, `incomplete` the last lines without their line feed, and
/// `end` the final state and result.
fn steps(
    follow: Follow,
    permit: StreamPermit,
    lines: impl Fn(&[(i64, Line)], Styles, Position) -> Vec<Event>,
    incomplete: fn(&Line) -> Value,
    end: fn(TaskState, Option<&End>) -> String,
) -> impl Stream<Item = Event> {
    let steps = stream::unfold((follow, permit), |(mut follow, permit)| async {
        let step = follow.next().await?;
        Some((step, (follow, permit)))
    });
    steps.flat_map(move |(step, at)| {
        stream::iter(match step {
            Step::Lines(new, styles) => lines(&new, styles, at),
            Step::State(state) => vec![event("state", at, state.as_str())],
            Step::Attempt(attempt) => vec![event("attempt", at, &attempt.to_string())],
            Step::Incomplete(lines) => {
                let lines: Vec<_> = lines.iter().map(incomplete).collect();
                vec![event("incomplete", at, &json!(lines).to_string())]
            }
            Step::End(state, result) => vec![event("end", at, &end(state, result.as_ref()))],
        })
    })
}

/// Converts a line for pages: number, time, stream and styled spans.
pub(super) fn spans(number: i64, line: &Line, styles: &mut Styles) -> Value {
    let spans = styles.spans(line.stream, &line.text);
    let mut fields = json!({ "n": number, "at": line.at, "s": line.stream, "spans": spans });
    if line.continued {
        fields["continued"] = true.into();
    }
    fields
}

fn plain(number: i64, line: &Line, at: Position) -> Event {
    let data = json!({
        "line": number, "at": line.at, "stream": line.stream, "text": line.text, "continued": line.continued,
    });
    event("line", Position { line: number + 1, ..at }, &data.to_string())
}

fn event(name: &str, at: impl ToString, data: &str) -> Event {
    Event::default().event(name).id(at.to_string()).data(data)
}

fn event_stream(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let events = events.map(Ok::<_, Infallible>);
    let stream = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text(""));
    // Disables response buffering in nginx, and compression in proxies, which buffers (RFC 9111, section 5.2.2.6).
    ([("x-accel-buffering", "no"), ("cache-control", "no-cache, no-transform")], stream).into_response()
}
