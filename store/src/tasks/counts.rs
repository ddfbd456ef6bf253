//! How many tasks there are of each state: counted to a bound, whatever there is.
use super::{
    list::TaskFilter,
    narrow::{Head, Way, head},
};
use crate::{
    Read, Result,
    column::{Number, record},
    filter::Arg,
};
use domain::task::TaskState;
use std::{collections::BTreeMap, ops::Deref};

/// How many tasks of each state the actor sees: 1,001 of one stand for all beyond a thousand.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    of: BTreeMap<TaskState, i64>,
    /// Whether these are all: false where so many tasks match that only the newest were counted.
    pub whole: bool,
}

impl Deref for Counts {
    type Target = BTreeMap<TaskState, i64>;
    fn deref(&self) -> &Self::Target {
        &self.of
    }
}

/// Where counting one state stops.
const OF_A_STATE: i64 = 1_001;

/// Where counting what matches stops, when something other than the state narrows.
const OF_A_MATCH: i64 = 5_000;

/// What is counted of one state: only the index of states is read for who sees everything.
const ONE_STATE: Head = head!("select count(*) as n from (select 1 from ", "");

/// What is counted of everything that matches.
const EACH_STATE: Head = head!("select counted.state, count(*) as n from (select t.state from ", "");

record! {
    /// How many there are of a state.
    pub struct OfState {
        /// The state.
        pub state: TaskState,
        /// How many.
        pub n: i64,
    }
}

impl Read {
    /// How many there are of each state, the filter's own states left aside.
    pub async fn task_counts(&mut self, filter: &TaskFilter) -> Result<Counts> {
        let TaskFilter { states: _, organisation, mine, label, text } = filter;
        let stateless = TaskFilter { states: vec![], ..filter.clone() };
        let narrow = organisation.is_some() || *mine || label.is_some() || text.is_some();
        if narrow { self.count_matches(&stateless).await } else { self.count_states().await }
    }

    async fn count_states(&mut self) -> Result<Counts> {
        let mut counts = Counts { of: every_state(), whole: true };
        for (state, count) in &mut counts.of {
            let filter = TaskFilter { states: vec![*state], ..TaskFilter::default() };
            let Some(narrowed) = self.narrow(ONE_STATE, &filter, Way::Older(None)).await? else { continue };
            let mut statement = narrowed.statement;
            statement.push(" limit ?) counted", Arg::Int(OF_A_STATE));
            let rows: Vec<Number> = statement.fetch(&mut self.conn).await?;
            *count = rows.first().map_or(0, |row| row.n);
        }
        Ok(counts)
    }

    async fn count_matches(&mut self, filter: &TaskFilter) -> Result<Counts> {
        let mut counts = Counts { of: every_state(), whole: true };
        let Some(narrowed) = self.narrow(EACH_STATE, filter, Way::Older(None)).await? else { return Ok(counts) };
        let edge = narrowed.edge.is_some();
        let mut statement = narrowed.in_order(OF_A_MATCH);
        statement.push_text(") counted group by counted.state");
        let rows: Vec<OfState> = statement.fetch(&mut self.conn).await?;
        counts.of.extend(rows.into_iter().map(|row| (row.state, row.n.min(OF_A_STATE))));
        counts.whole = !edge && counts.of.values().sum::<i64>() < OF_A_MATCH;
        Ok(counts)
    }
}

/// Every state that lasts, with none of it.
fn every_state() -> BTreeMap<TaskState, i64> {
    TaskState::ALL.iter().filter(|state| **state != TaskState::Submitted).map(|state| (*state, 0)).collect()
}
