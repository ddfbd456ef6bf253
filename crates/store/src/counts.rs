//! Bounded counts of rows by state.
use crate::{
    Error, Result,
    db::{column::row_type, conn::Conn, filter::Statement},
};
use std::{collections::BTreeMap, ops::Deref, str::FromStr};

/// Where counting one state stops: so many stand for all beyond 99. So many of the newest are looked at, too.
pub(crate) const OF_A_STATE: i64 = 100;

/// How many the actor sees in each state.
#[derive(Clone, Debug)]
pub struct Counts<S> {
    pub(crate) of: BTreeMap<S, i64>,
    /// Whether these are all: false where only the newest were looked at.
    pub whole: bool,
}

row_type! {
    /// What was seen of a state.
    pub struct Seen {
        pub state: String,
        pub n: i64,
        pub looked: i64,
    }
}

impl<S: Ord + FromStr> Counts<S> {
    /// None in any of these states.
    pub(crate) fn none(states: impl IntoIterator<Item = S>) -> Self {
        Self { of: states.into_iter().map(|state| (state, 0)).collect(), whole: true }
    }

    /// Notes how many one sees of each state among the newest that `statement` looks at.
    pub(crate) async fn note(mut self, statement: Statement, conn: &mut Conn) -> Result<Self> {
        for Seen { state, n, looked } in statement.fetch(conn).await? {
            self.whole &= looked < OF_A_STATE || n >= OF_A_STATE;
            self.of.insert(state.parse().map_err(|_| Error::Corrupt("state"))?, n.min(OF_A_STATE));
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
