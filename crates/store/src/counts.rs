//! Bounded counts of rows by state.
use crate::{
    Error, Result,
    db::{column::row_type, conn::Conn, filter::Statement},
};
use std::{collections::BTreeMap, ops::Deref, str::FromStr};

/// Maximum count per state, shown as 99+, and the number of newest rows that are scanned.
pub(crate) const MAX_COUNT_PER_STATE: i64 = 100;

/// Number of rows per state that the actor can see.
#[derive(Clone, Debug)]
pub struct Counts<S> {
    pub(crate) of: BTreeMap<S, i64>,
    /// Whether the counts are complete; false if only the newest rows were scanned.
    pub whole: bool,
}

row_type! {
    /// Counts of one state.
    pub struct StateCount {
        pub state: String,
        pub n: i64,
        pub looked: i64,
    }
}

impl<S: Ord + FromStr> Counts<S> {
    /// Returns zero counts for the given states.
    pub(crate) fn none(states: impl IntoIterator<Item = S>) -> Self {
        Self { of: states.into_iter().map(|state| (state, 0)).collect(), whole: true }
    }

    /// Adds the counts that `statement` returns.
    pub(crate) async fn note(mut self, statement: Statement, conn: &mut Conn) -> Result<Self> {
        for StateCount { state, n, looked } in statement.fetch(conn).await? {
            self.whole &= looked < MAX_COUNT_PER_STATE || n >= MAX_COUNT_PER_STATE;
            self.of.insert(state.parse().map_err(|_| Error::Corrupt("state"))?, n.min(MAX_COUNT_PER_STATE));
        }
        Ok(self)
    }
}

impl<S> Deref for Counts<S> {
    type Target = BTreeMap<S, i64>;
    fn deref(&self) -> &Self::Target {
        &self.of
    }
}
