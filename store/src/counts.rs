//! How many there are of each state, as far as that is counted.
use std::{collections::BTreeMap, ops::Deref};

/// Where counting one state stops: so many stand for all beyond 99. So many of the newest are looked at, too.
pub(crate) const OF_A_STATE: i64 = 100;

/// How many the actor sees in each state.
#[derive(Clone, Debug)]
pub struct Counts<S> {
    pub(crate) of: BTreeMap<S, i64>,
    /// Whether these are all: false where only the newest were looked at.
    pub whole: bool,
}

impl<S: Ord> Counts<S> {
    /// None in any of these states.
    pub(crate) fn none(states: impl IntoIterator<Item = S>) -> Self {
        Self { of: states.into_iter().map(|state| (state, 0)).collect(), whole: true }
    }

    /// Notes how many one sees of a state among the newest that were looked at.
    pub(crate) fn note(&mut self, state: S, seen: i64, looked: i64) {
        self.whole &= looked < OF_A_STATE || seen >= OF_A_STATE;
        self.of.insert(state, seen.min(OF_A_STATE));
    }
}

impl<S> Deref for Counts<S> {
    type Target = BTreeMap<S, i64>;
    fn deref(&self) -> &Self::Target {
        &self.of
    }
}
