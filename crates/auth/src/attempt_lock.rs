//! Attempt lock: concurrent sign-in attempts at one account or network run one after the other, so that each sees the failures
//! before it.
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};
use tokio::sync::OwnedMutexGuard;

type Subject = [u8; 32];

/// The locks of attempts that run now, on this node.
#[derive(Debug, Default)]
pub struct AttemptLocks(Mutex<HashMap<Subject, Weak<tokio::sync::Mutex<()>>>>);

/// The lock of one attempt, released when it is dropped.
#[derive(Debug)]
#[must_use = "the lock is released when it is dropped"]
pub(crate) struct AttemptGuard {
    _locks: Vec<OwnedMutexGuard<()>>,
}

impl AttemptLocks {
    /// Waits until no other attempt has any of these subjects.
    pub(crate) async fn lock(&self, subjects: &[Subject]) -> AttemptGuard {
        let mut subjects = subjects.to_vec();
        subjects.sort_unstable(); // one order for all, against deadlocks
        subjects.dedup();
        let mut locks = vec![];
        for subject in subjects {
            locks.push(self.lock_of(subject).lock_owned().await);
        }
        AttemptGuard { _locks: locks }
    }

    fn lock_of(&self, subject: Subject) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.0.lock();
        all.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = all.get(&subject).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::default();
        all.insert(subject, Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test]
    async fn attempts_at_one_subject_wait_for_each_other_and_finished_ones_are_forgotten() {
        const BRIEFLY: Duration = Duration::from_millis(20);
        let locks = AttemptLocks::default();
        let first = locks.lock(&[[1; 32], [2; 32]]).await;
        assert!(timeout(BRIEFLY, locks.lock(&[[2; 32]])).await.is_err());
        let other = timeout(BRIEFLY, locks.lock(&[[3; 32], [3; 32]])).await.expect("no other attempt has this subject");
        drop(first);
        let second = timeout(BRIEFLY, locks.lock(&[[2; 32], [1; 32]])).await.expect("the first attempt has ended");
        drop((other, second));
        let _last = locks.lock(&[[4; 32]]).await;
        assert_eq!(locks.0.lock().len(), 1);
    }
}
