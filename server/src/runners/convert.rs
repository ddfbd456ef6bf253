//! Conversions between protocol messages and domain types; everything that runners send is validated.

use domain::{
    Invalid, TaskId, Timestamp,
    log::{Line, MAX_LINE, Stream},
};
use serde_json::{Value, json};
use store::Lease;
use tonic::Status;
use uuid::Uuid;
use wire::v1::{self, ServerMessage, server_message::Kind};

/// Maximum number of attempts in one message.
const MAX_ATTEMPTS: usize = 4_096;

pub(super) fn message(kind: Kind) -> ServerMessage {
    ServerMessage { kind: Some(kind) }
}

/// Parses a required attempt.
pub(super) fn lease(attempt: Option<&v1::Attempt>) -> Result<Lease, Status> {
    let read = || {
        let attempt = attempt?;
        let task = TaskId(Uuid::from_slice(&attempt.task).ok()?);
        (attempt.attempt > 0).then_some(Lease { task, attempt: attempt.attempt })
    };
    read().ok_or_else(|| Status::invalid_argument("an attempt must have a task ID and a number from 1"))
}

/// Parses a list of attempts.
pub(super) fn leases<'a>(attempts: impl Iterator<Item = Option<&'a v1::Attempt>>) -> Result<Vec<Lease>, Status> {
    let leases = attempts.take(MAX_ATTEMPTS + 1).map(lease).collect::<Result<Vec<_>, _>>()?;
    if leases.len() > MAX_ATTEMPTS { Err(Status::invalid_argument("too many attempts")) } else { Ok(leases) }
}

/// Converts a lease to an attempt.
pub(super) fn attempt(lease: Lease) -> Option<v1::Attempt> {
    let task = lease.task.0.as_bytes().to_vec().into();
    Some(v1::Attempt { task, attempt: lease.attempt })
}

/// Validates and converts log lines.
pub(super) fn lines(lines: Vec<v1::Line>) -> Result<Vec<Line>, Status> {
    let line = |line: v1::Line| {
        let stream = match line.stream() {
            v1::Stream::Stdout => Stream::Stdout,
            v1::Stream::Stderr => Stream::Stderr,
            v1::Stream::Runner => Stream::Runner,
            v1::Stream::Unspecified => return Err(Invalid::new("stream", "is unknown")),
        };
        if line.text.len() > MAX_LINE || line.text.contains('\n') {
            return Err(Invalid::new("text", "must be a single line"));
        }
        Ok(Line { at: Timestamp(line.at), stream, text: line.text, continued: line.continued })
    };
    let lines: Result<_, Invalid> = lines.into_iter().map(line).collect();
    lines.map_err(|error| Status::invalid_argument(error.to_string()))
}

/// Converts a sandbox posture to JSON for storage.
pub(super) fn posture(posture: &v1::Posture) -> Value {
    json!({
        "bubblewrap": sanitize(&posture.bubblewrap),
        "seccomp": posture.seccomp,
        "user_namespaces": posture.user_namespaces,
        "sockets_scoped": posture.sockets_scoped,
        "limiter": sanitize(&posture.limiter),
        "limiter_note": sanitize(&posture.limiter_note),
        "account": sanitize(&posture.account),
        "separate_ids": posture.separate_ids,
        "ids_note": sanitize(&posture.ids_note),
        "unfit": posture.unfit.as_ref().map(|unfit| json!({ "cause": sanitize(&unfit.cause), "fix": sanitize(&unfit.fix) })),
    })
}

/// Validates tool names.
pub(super) fn capabilities(names: &[String]) -> Result<Vec<String>, Status> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let valid = |name: &String| (1..=32).contains(&name.len()) && name.bytes().all(allowed);
    if names.len() > 32 || !names.iter().all(valid) {
        return Err(Status::invalid_argument(
            "capabilities must be up to 32 names of 1 to 32 characters a-z, 0-9, _ and -",
        ));
    }
    Ok(names.to_vec())
}

/// Removes invisible characters and limits the text to 500 characters.
pub(super) fn sanitize(text: &str) -> String {
    domain::text::visible(text).take(500).collect()
}
