//! What is written after an answer was given, so that the time of the answer tells nothing of it: so many at once, and all of
//! it before the server ends.
use std::{fmt::Display, future::Future, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

/// So many are under way at once; whoever has one more waits for room.
const MOST: usize = 64;

/// What is still to be written. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BackgroundWrites {
    tasks: TaskTracker,
    room: Arc<Semaphore>,
}

/// Room for one of them.
#[derive(Debug)]
pub struct Room {
    tasks: TaskTracker,
    permit: Option<OwnedSemaphorePermit>,
}

impl Default for BackgroundWrites {
    fn default() -> Self {
        Self { tasks: TaskTracker::new(), room: Arc::new(Semaphore::new(MOST)) }
    }
}

impl BackgroundWrites {
    /// Waits for room. Whoever must not be told apart by their waiting asks for it in every case.
    pub async fn room(&self) -> Room {
        // It is never closed: without a permit there would be more at once than shall be, and nothing else.
        let permit = Arc::clone(&self.room).acquire_owned().await.ok();
        Room { tasks: self.tasks.clone(), permit }
    }

    /// The same for what is rare by itself, and waits for no room.
    pub fn rare(&self) -> Room {
        Room { tasks: self.tasks.clone(), permit: None }
    }

    /// Returns when all of it is written.
    pub async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Room {
    /// Writes it while the answer goes out; `what` could not be written, says the log otherwise.
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
    async fn k_05_whoever_writes_waits_for_room_only_and_the_end_waits_for_all_that_is_written() {
        let (afterwards, written, (open, opened)) =
            (BackgroundWrites::default(), Arc::new(AtomicUsize::new(0)), watch::channel(false));
        let held = || {
            let (written, mut opened) = (Arc::clone(&written), opened.clone());
            async move {
                opened.wait_for(|open| *open).await.unwrap();
                written.fetch_add(1, SeqCst);
                Ok::<_, Infallible>(())
            }
        };
        for _ in 0..MOST {
            afterwards.room().await.write("a test", held());
        }
        afterwards.rare().write("a test", held());
        assert_eq!(written.load(SeqCst), 0, "nobody waited for what is held up");
        let one_more = afterwards.clone();
        let waiting = tokio::spawn(async move { drop(one_more.room().await) });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "there is room for so many only");
        let at_the_end = afterwards.clone();
        let ending = tokio::spawn(async move { at_the_end.finish().await });
        tokio::task::yield_now().await;
        assert!(!ending.is_finished());
        open.send(true).unwrap();
        ending.await.unwrap();
        assert_eq!(written.load(SeqCst), MOST + 1);
        waiting.await.unwrap();
    }
}
