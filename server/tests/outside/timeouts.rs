//! Waiting for conditions with a timeout, without fixed sleeps.
use std::{future::Future, time::Duration};
use tokio::time::{Instant, sleep};

/// The timeout of everything that has none of its own.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Polls until there is a result, for at most [`DEFAULT_TIMEOUT`].
pub async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    until_within(DEFAULT_TIMEOUT, what, ask).await
}

/// Polls until there is a result, for at most `timeout`.
pub async fn until_within<T>(timeout: Duration, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(response) = ask().await {
            return response;
        }
        assert!(Instant::now() < deadline, "timed out after {timeout:?}: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Awaits a future for at most `timeout`.
pub async fn with_timeout<F: Future>(timeout: Duration, what: &str, done: F) -> F::Output {
    tokio::time::timeout(timeout, done).await.unwrap_or_else(|_| panic!("timed out after {timeout:?}: {what}"))
}
