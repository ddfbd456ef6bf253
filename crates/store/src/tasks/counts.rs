//! Task counts by state, bounded so that their cost does not grow with the table.
use super::{
    list::TaskFilter,
    narrow::{Head, Way, head},
    visible,
};
use crate::{
    Counts, Read, Result,
    counts::OF_A_STATE,
    db::{
        column::row_type,
        filter::{Arg, Statement},
    },
};
use domain::task::TaskState;

/// Maximum number of matching tasks that are counted if anything but the state is filtered.
const OF_A_MATCH: i64 = 500;

/// Maximum number of tasks that are scanned for visible ones.
const STRETCH: i64 = 500;

/// Counts how many of the newest hundred tasks of a state were scanned, and how many of these the actor sees. It reads only
/// the index of states; `group by` would sort the rows.
macro_rules! seen_of_state {
    ($before:literal, $state:literal) => {
        concat!(
            $before,
            "select cast(",
            $state,
            " as text) as state, count(*) as looked, count(*) filter (where ",
            visible!(),
            ") as n from (select t.owner_id, t.organization_id, t.visibility, t.asked from task t
                where t.tenant_id = $1 and t.state = ",
            $state,
            " order by t.id desc limit $4) t"
        )
    };
}

/// The count over all matching tasks.
const EACH_STATE: Head = head!("select counted.state, count(*) as n from (select t.state from ", "");

row_type! {
    pub struct OfState {
        pub state: TaskState,
        pub n: i64,
    }
}

impl Read {
    /// Returns the number of tasks in each state, ignoring the filter's own states.
    pub async fn task_counts(&mut self, filter: &TaskFilter) -> Result<Counts<TaskState>> {
        let Some(stateless) = self.within_reach(filter) else { return Ok(none()) };
        let stateless = TaskFilter { states: vec![], ..stateless };
        let TaskFilter { states: _, organization, mine, label, text } = &stateless;
        let narrow = organization.is_some() || *mine || label.is_some() || text.is_some();
        if narrow { self.count_matches(&stateless).await } else { self.count_states().await }
    }

    async fn count_states(&mut self) -> Result<Counts<TaskState>> {
        let counts = none();
        let everything = self.actor.can_read_everything();
        let mut args =
            vec![Arg::Uuid(self.tenant.0), Arg::Uuid(self.viewer().0), Arg::Bool(everything), Arg::Int(OF_A_STATE)];
        let mut states = counts.of.keys().map(|state| Arg::Text(state.to_string()));
        args.extend(states.next());
        let mut statement = Statement::new(seen_of_state!("", "$5"), args);
        states.for_each(|state| statement.push(seen_of_state!(" union all ", "?"), state));
        counts.note(statement, &mut self.conn).await
    }

    async fn count_matches(&mut self, filter: &TaskFilter) -> Result<Counts<TaskState>> {
        let mut counts = none();
        let Some(narrowed) = self.narrow(EACH_STATE, filter, Way::Older(None), STRETCH).await? else {
            return Ok(counts);
        };
        let edge = narrowed.edge.is_some();
        let mut statement = narrowed.in_order(OF_A_MATCH);
        statement.push_text(") counted group by counted.state");
        let rows: Vec<OfState> = statement.fetch(&mut self.conn).await?;
        counts.whole = !edge && rows.iter().map(|row| row.n).sum::<i64>() < OF_A_MATCH;
        counts.of.extend(rows.into_iter().map(|row| (row.state, row.n.min(OF_A_STATE))));
        Ok(counts)
    }
}

/// Returns zero for each state that a stored task can have.
fn none() -> Counts<TaskState> {
    Counts::none(TaskState::ALL.iter().copied().filter(|state| *state != TaskState::Submitted))
}
