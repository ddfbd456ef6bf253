//! The protocol's words and ours: what runners send is measured before it is believed.

use domain::{
    Invalid, TaskId, Timestamp,
    log::{Line, MAX_LINE, Stream},
};
use serde_json::{Value, json};
use store::Lease;
use tonic::Status;
use uuid::Uuid;
use wire::v1::{self, ServerMessage, server_message::Kind};

/// The most attempts that one message may name.
const MOST: usize = 4_096;

/// A message of ours.
pub(super) fn say(kind: Kind) -> ServerMessage {
    ServerMessage { kind: Some(kind) }
}

/// What a message is about; it must be there and whole.
pub(super) fn lease(attempt: Option<&v1::Attempt>) -> Result<Lease, Status> {
    let read = || {
        let attempt = attempt?;
        let task = TaskId(Uuid::from_slice(&attempt.task).ok()?);
        (attempt.attempt > 0).then_some(Lease { task, attempt: attempt.attempt })
    };
    read().ok_or_else(|| Status::invalid_argument("an attempt is a task's id and a number from 1"))
}

/// Several of them.
pub(super) fn leases<'a>(attempts: impl Iterator<Item = Option<&'a v1::Attempt>>) -> Result<Vec<Lease>, Status> {
    let leases = attempts.take(MOST + 1).map(lease).collect::<Result<Vec<_>, _>>()?;
    if leases.len() > MOST { Err(Status::invalid_argument("too many attempts")) } else { Ok(leases) }
}

/// How a message names a lease.
pub(super) fn attempt(lease: Lease) -> Option<v1::Attempt> {
    let task = lease.task.0.as_bytes().to_vec().into();
    Some(v1::Attempt { task, attempt: lease.attempt })
}

/// Lines as they are kept.
pub(super) fn lines(lines: Vec<v1::Line>) -> Result<Vec<Line>, Status> {
    let line = |line: v1::Line| {
        let stream = match line.stream() {
            v1::Stream::Stdout => Stream::Stdout,
            v1::Stream::Stderr => Stream::Stderr,
            v1::Stream::Runner => Stream::Runner,
            v1::Stream::Unspecified => return Err(Invalid::new("stream", "is not known")),
        };
        if line.text.len() > MAX_LINE || line.text.contains('\n') {
            return Err(Invalid::new("text", "is not one line"));
        }
        Ok(Line { at: Timestamp(line.at), stream, text: line.text })
    };
    let lines: Result<_, Invalid> = lines.into_iter().map(line).collect();
    lines.map_err(|error| Status::invalid_argument(error.to_string()))
}

/// What a runner says of its sandbox, as it is kept.
pub(super) fn posture(posture: &v1::Posture) -> Value {
    json!({
        "bubblewrap": plain(&posture.bubblewrap),
        "seccomp": posture.seccomp,
        "user_namespaces": posture.user_namespaces,
        "sockets_scoped": posture.sockets_scoped,
        "limiter": plain(&posture.limiter),
        "limiter_note": plain(&posture.limiter_note),
        "account": plain(&posture.account),
        "unfit": posture.unfit.as_ref().map(|unfit| json!({ "cause": plain(&unfit.cause), "fix": plain(&unfit.fix) })),
    })
}

/// Tools by name, separated by commas.
pub(super) fn capabilities(names: &[String]) -> Result<Vec<String>, Status> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let good = |name: &String| (1..=32).contains(&name.len()) && name.bytes().all(plain);
    if names.len() > 32 || !names.iter().all(good) {
        return Err(Status::invalid_argument("capabilities are up to 32 names of a-z, 0-9, _ and -"));
    }
    Ok(names.to_vec())
}

/// Text for people: what can be seen of it, and not too much.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !domain::text::is_invisible(*c)).take(500).collect()
}
