//! Counted permits: a limit on concurrent use, in total and per key.
use parking_lot::Mutex;
use std::{collections::HashMap, hash::Hash, sync::Arc};

/// Counter of open permits. Clones share the same counts.
#[derive(Clone, Debug)]
pub(crate) struct Permits<Key: Eq + Hash> {
    max_total: usize,
    max_per_key: usize,
    open: Arc<Mutex<OpenPermits<Key>>>,
}

#[derive(Debug)]
struct OpenPermits<Key> {
    total: usize,
    by_key: HashMap<Key, usize>,
}

/// Permit that is released when dropped.
#[derive(Debug)]
pub(crate) struct Permit<Key: Eq + Hash> {
    open: Arc<Mutex<OpenPermits<Key>>>,
    key: Option<Key>,
}

impl<Key: Clone + Eq + Hash> Permits<Key> {
    pub(crate) fn new(max_total: usize, max_per_key: usize) -> Self {
        let open = OpenPermits { total: 0, by_key: HashMap::new() };
        Self { max_total, max_per_key, open: Arc::new(Mutex::new(open)) }
    }

    /// Returns a permit, or `None` if a limit is reached. Without a key, only the total is limited.
    pub(crate) fn acquire(&self, key: Option<Key>) -> Option<Permit<Key>> {
        let mut open = self.open.lock();
        if open.total >= self.max_total {
            return None;
        }
        if let Some(key) = &key {
            let count = open.by_key.entry(key.clone()).or_default();
            if *count >= self.max_per_key {
                return None;
            }
            *count += 1;
        }
        open.total += 1;
        drop(open);
        Some(Permit { open: Arc::clone(&self.open), key })
    }
}

impl<Key: Eq + Hash> Drop for Permit<Key> {
    fn drop(&mut self) {
        let mut open = self.open.lock();
        open.total = open.total.saturating_sub(1);
        if let Some(key) = &self.key
            && let Some(count) = open.by_key.get_mut(key)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.by_key.remove(key);
            }
        }
    }
}
