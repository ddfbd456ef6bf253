//! Background writes: records that are written after the response, so that its time reveals nothing about them. Their number is
//! limited, and shutdown waits for all of them.
use std::{fmt::Display, future::Future, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

/// Writes that run at once; the next one waits.
const MAX_CONCURRENT_WRITES: usize = 64;

/// The writes that are still to be done. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BackgroundWrites {
    tasks: TaskTracker,
    room: Arc<Semaphore>,
}

/// A permit for one background write.
#[derive(Debug)]
pub struct WritePermit {
    tasks: TaskTracker,
    permit: Option<OwnedSemaphorePermit>,
}

impl Default for BackgroundWrites {
    fn default() -> Self {
        Self { tasks: TaskTracker::new(), room: Arc::new(Semaphore::new(MAX_CONCURRENT_WRITES)) }
    }
}

impl BackgroundWrites {
    /// Waits for a permit. A caller whose response time must not reveal whether it writes takes one in every case.
    pub async fn room(&self) -> WritePermit {
        // The semaphore is never closed; without a permit the limit would be exceeded, and nothing else.
        let permit = Arc::clone(&self.room).acquire_owned().await.ok();
        WritePermit { tasks: self.tasks.clone(), permit }
    }

    /// Returns a permit without waiting, for rare writes.
    pub fn rare(&self) -> WritePermit {
        WritePermit { tasks: self.tasks.clone(), permit: None }
    }

    /// Waits until everything is written.
    pub async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl WritePermit {
    /// Runs a write in the background; a failure is logged with `what`.
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
    async fn k_05_writers_wait_for_a_permit_only_and_shutdown_waits_for_all_writes() {
        let (background, written, (open, opened)) =
            (BackgroundWrites::default(), Arc::new(AtomicUsize::new(0)), watch::channel(false));
        let blocked = || {
            let (written, mut opened) = (Arc::clone(&written), opened.clone());
            async move {
                opened.wait_for(|open| *open).await.unwrap();
                written.fetch_add(1, SeqCst);
                Ok::<_, Infallible>(())
            }
        };
        for _ in 0..MAX_CONCURRENT_WRITES {
            background.room().await.write("a test", blocked());
        }
        background.rare().write("a test", blocked());
        assert_eq!(written.load(SeqCst), 0, "no caller waited for a blocked write");
        let one_more = background.clone();
        let waiting = tokio::spawn(async move { drop(one_more.room().await) });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "the number of permits is limited");
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
