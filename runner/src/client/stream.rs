//! Open stream to the server: its state and its next message.

use crate::link::{Link, StreamEnd};
use std::time::Duration;
use tokio::time::Instant;
use wire::v1;

/// The open stream.
#[derive(Debug)]
pub(super) struct Session {
    pub link: Link,
    pub opened: Instant,
    /// The heartbeat interval; `None` until the server has greeted.
    pub every: Option<Duration>,
    /// The time of the next heartbeat, or the timeout of the greeting.
    pub due: Instant,
}

/// Waits for the next message of the server; forever without a stream.
pub(super) async fn next_message(session: &mut Option<Session>) -> Result<v1::server_message::Kind, StreamEnd> {
    match session {
        Some(session) => session.link.next().await,
        None => std::future::pending().await,
    }
}
