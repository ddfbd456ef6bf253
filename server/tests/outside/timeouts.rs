//! Waiting for what must come: asked for until it is there, never slept for.
use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep};

/// The longest that anything may take that is not given a time of its own.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer; it must come within [`PATIENCE`].
pub async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    until_within(DEFAULT_TIMEOUT, what, ask).await
}

/// The same with a time of its own.
pub async fn until_within<T>(timeout: Duration, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(response) = ask().await {
            return response;
        }
        assert!(Instant::now() < deadline, "it never came to this within {timeout:?}: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// What must be over within this time.
pub async fn with_timeout<F: Future>(timeout: Duration, what: &str, done: F) -> F::Output {
    tokio::time::timeout(timeout, done)
        .await
        .unwrap_or_else(|_| panic!("it did not happen within {timeout:?}: {what}"))
}
