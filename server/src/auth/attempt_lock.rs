//! One attempt at a time for each of its subjects: what is tried side by side is judged one after the other, so that each sees
//! what came of the one before.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};
use tokio::sync::OwnedMutexGuard;

type Subject = [u8; 32];

/// Who is trying now, on this node.
#[derive(Debug, Default)]
pub struct AttemptLocks(Mutex<HashMap<Subject, Weak<tokio::sync::Mutex<()>>>>);

/// Somebody's turn; the next one's when it is dropped.
#[derive(Debug)]
#[must_use = "the turn ends when it is dropped"]
pub(super) struct Turn {
    _held: Vec<OwnedMutexGuard<()>>,
}

impl AttemptLocks {
    /// Waits until nobody else tries any of these.
    pub(super) async fn take(&self, subjects: &[Subject]) -> Turn {
        let mut subjects = subjects.to_vec();
        subjects.sort_unstable(); // all take them in one order
        subjects.dedup();
        let mut held = vec![];
        for subject in subjects {
            held.push(self.of(subject).lock_owned().await);
        }
        Turn { _held: held }
    }

    fn of(&self, subject: Subject) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = all.get(&subject).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        all.insert(subject, Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test]
    async fn who_tries_the_same_waits_and_nobody_is_remembered() {
        const MOMENT: Duration = Duration::from_millis(20);
        let turns = AttemptLocks::default();
        let first = turns.take(&[[1; 32], [2; 32]]).await;
        assert!(timeout(MOMENT, turns.take(&[[2; 32]])).await.is_err());
        let other = timeout(MOMENT, turns.take(&[[3; 32], [3; 32]])).await.expect("nobody tries that");
        drop(first);
        let second = timeout(MOMENT, turns.take(&[[2; 32], [1; 32]])).await.expect("it is their turn");
        drop((other, second));
        let _last = turns.take(&[[4; 32]]).await;
        assert_eq!(turns.0.lock().unwrap().len(), 1);
    }
}
