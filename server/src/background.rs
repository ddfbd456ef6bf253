//! Background database writes after a response, so that response times reveal nothing. Concurrency is limited, and all writes
//! finish before the server exits.
use std::{fmt::Display, future::Future, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

/// Maximum number of concurrent writes; further callers wait.
const MAX_CONCURRENT_WRITES: usize = 64;

/// Pending background writes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BackgroundWrites {
    tasks: TaskTracker,
    room: Arc<Semaphore>,
}

/// Slot for one write.
#[derive(Debug)]
pub struct Room {
    tasks: TaskTracker,
    permit: Option<OwnedSemaphorePermit>,
}

impl Default for BackgroundWrites {
    fn default() -> Self {
        Self { tasks: TaskTracker::new(), room: Arc::new(Semaphore::new(MAX_CONCURRENT_WRITES)) }
    }
}

impl BackgroundWrites {
    /// Waits for a free slot. To keep timing uniform, request a slot in every case, even if nothing is written.
    pub async fn room(&self) -> Room {
        // The semaphore is never closed; without a permit, the limit would merely be exceeded.
        let permit = Arc::clone(&self.room).acquire_owned().await.ok();
        Room { tasks: self.tasks.clone(), permit }
    }

    /// Returns a slot without waiting, for rare writes.
    pub fn rare(&self) -> Room {
        Room { tasks: self.tasks.clone(), permit: None }
    }

    /// Waits for all writes.
    pub async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Room {
    /// Runs the write in the background. On failure, logs that `what` could not be written.
    pub fn write<E: Display>(self, what: &'static str, writing: impl Future<Output = Result<(), E>> + Send + 'static) {
        let Self { tasks, permit } = self;
        tasks.spawn(async move {
            if let Err(error) = writing.await {
                tracing::warn!(%error, "{what} could not be written");
            }
            drop(permit);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
    };
    use tokio::sync::watch;

    #[tokio::test]
    async fn k_05_writes_are_limited_and_shutdown_waits_for_all() {
        let (background, written, (open, opened)) =
            (BackgroundWrites::default(), Arc::new(AtomicUsize::new(0)), watch::channel(false));
        let blocked_write = || {
            let (written, mut opened) = (Arc::clone(&written), opened.clone());
            async move {
                opened.wait_for(|open| *open).await.unwrap();
                written.fetch_add(1, SeqCst);
                Ok::<_, Infallible>(())
            }
        };
        for _ in 0..MAX_CONCURRENT_WRITES {
            background.room().await.write("a test", blocked_write());
        }
        background.rare().write("a test", blocked_write());
        assert_eq!(written.load(SeqCst), 0, "callers do not wait for blocked writes");
        let one_more = background.clone();
        let waiting = tokio::spawn(async move { drop(one_more.room().await) });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "the number of concurrent writes is limited");
        let at_shutdown = background.clone();
        let ending = tokio::spawn(async move { at_shutdown.finish().await });
        tokio::task::yield_now().await;
        assert!(!ending.is_finished());
        open.send(true).unwrap();
        ending.await.unwrap();
        assert_eq!(written.load(SeqCst), MAX_CONCURRENT_WRITES + 1);
        waiting.await.unwrap();
    }
}
