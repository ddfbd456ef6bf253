//! Task counts by state, bounded so that their cost does not grow with the table.
use super::{
    filter::TaskFilter,
    filter_sql::{Direction, StatementHead, head},
    visible,
};
use crate::{
    Counts, Read, Result,
    counts::MAX_COUNT_PER_STATE,
    db::{
        column::row_type,
        filter::{Arg, Statement},
    },
};
use domain::task::TaskState;

/// Maximum number of matching tasks that are counted if anything but the state is filtered.
const MAX_MATCHES_COUNTED: i64 = 500;

/// Maximum number of tasks that are scanned for visible ones.
const MAX_SCANNED: i64 = 500;

/// Counts how many of the newest hundred tasks of a state were scanned, and how many of these the actor sees. It reads only
/// the index of states; `group by` would sort the rows.
macro_rules! visible_count {
    ($before:literal, $state:literal) => {
        concat!(
            $before,
            "select cast(",
            $state,
            " as text) as state, count(*) as looked, count(*) filter (where ",
            visible!(),
            ") as n from (select t.owner_id, t.organization_id, t.visibility, t.required_approval from task t
                where t.tenant_id = $1 and t.state = ",
            $state,
            " order by t.id desc limit $4) t"
        )
    };
}

/// The count over all matching tasks.
const COUNT_BY_STATE: StatementHead = head!("select counted.state, count(*) as n from (select t.state from ", "");

row_type! {
    pub struct StateCount {
        pub state: TaskState,
        pub n: i64,
    }
}

impl Read {
    /// Returns the number of tasks in each state, ignoring the filter's own states.
    pub async fn task_counts(&mut self, filter: &TaskFilter) -> Result<Counts<TaskState>> {
        let Some(stateless) = self.limit_to_key_organization(filter) else { return Ok(none()) };
        let stateless = TaskFilter { states: vec![], ..stateless };
        let TaskFilter { states: _, organization, mine, label, text } = &stateless;
        let narrow = organization.is_some() || *mine || label.is_some() || text.is_some();
        if narrow { self.count_matches(&stateless).await } else { self.count_states().await }
    }

    async fn count_states(&mut self) -> Result<Counts<TaskState>> {
        let counts = none();
        let everything = self.actor.can_read_everything();
        let mut args = vec![
            Arg::Uuid(self.tenant.0),
            Arg::Uuid(self.viewer().0),
            Arg::Bool(everything),
            Arg::Int(MAX_COUNT_PER_STATE),
        ];
        let mut states = counts.of.keys().map(|state| Arg::Text(state.to_string()));
        args.extend(states.next());
        let mut statement = Statement::new(visible_count!("", "$5"), args);
        states.for_each(|state| statement.push(visible_count!(" union all ", "?"), state));
        counts.note(statement, &mut self.conn).await
    }

    async fn count_matches(&mut self, filter: &TaskFilter) -> Result<Counts<TaskState>> {
        let mut counts = none();
        let Some(filtered) =
            self.filtered_statement(COUNT_BY_STATE, filter, Direction::Older(None), MAX_SCANNED).await?
        else {
            return Ok(counts);
        };
        let scan_end = filtered.scan_end.is_some();
        let mut statement = filtered.in_order(MAX_MATCHES_COUNTED);
        statement.push_text(") counted group by counted.state");
        let rows: Vec<StateCount> = statement.fetch(&mut self.conn).await?;
        counts.whole = !scan_end && rows.iter().map(|row| row.n).sum::<i64>() < MAX_MATCHES_COUNTED;
        counts.of.extend(rows.into_iter().map(|row| (row.state, row.n.min(MAX_COUNT_PER_STATE))));
        Ok(counts)
    }
}

/// Returns zero for each state that a stored task can have.
fn none() -> Counts<TaskState> {
    Counts::none(TaskState::ALL.iter().copied().filter(|state| *state != TaskState::Submitted))
}
