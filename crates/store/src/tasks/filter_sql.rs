//! Task filters, as conditions that indexes serve.
//!
//! One condition drives the scan through an index: a rare word of the title, a label, an owner, an organization or a state;
//! otherwise the order of ids. Rows are read in that order. When other conditions may exclude rows, only a bounded range is
//! read, so a page costs the same among ten tasks and a million.
use super::filter::TaskFilter;
use crate::{
    Read, Result,
    db::{
        column::row_type,
        filter::{Arg, Statement},
    },
};
use domain::{OrganizationId, PersonId, TaskId};

/// Direction and start of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Toward older tasks, after this one or from the newest.
    Older(Option<TaskId>),
    /// Toward newer tasks, from this one.
    Newer(TaskId),
}

/// Beginning of a statement, without and with the label index.
#[derive(Clone, Copy, Debug)]
pub(super) struct StatementHead {
    pub(super) plain: &'static str,
    pub(super) labeled: &'static str,
}

/// A head that selects columns of visible tasks from `task t` and its joins.
macro_rules! head {
    ($columns:expr, $joined:expr) => {
        $crate::tasks::filter_sql::StatementHead {
            plain: concat!($columns, "task t", $joined, " where t.tenant_id = $1 and ", $crate::tasks::visible!()),
            // `cross join` fixes the order: without statistics, a planner would start with the tasks.
            labeled: concat!(
                $columns,
                "task_label l cross join task t",
                $joined,
                " where l.tenant_id = $1 and t.tenant_id = $1 and t.id = l.task_id and ",
                $crate::tasks::visible!()
            ),
        }
    };
}
pub(super) use head;

/// Conditions and orders on the column that the list is sorted by.
#[derive(Clone, Copy, Debug)]
struct Ids {
    below: &'static str,
    above: &'static str,
    down_to: &'static str,
    up_to: &'static str,
    newest: &'static str,
    oldest: &'static str,
}

macro_rules! ids {
    ($column:literal) => {
        Ids {
            below: concat!(" and ", $column, " < ?"),
            above: concat!(" and ", $column, " > ?"),
            down_to: concat!(" and ", $column, " >= ?"),
            up_to: concat!(" and ", $column, " <= ?"),
            newest: concat!(" order by ", $column, " desc limit ?"),
            oldest: concat!(" order by ", $column, " limit ?"),
        }
    };
}

const OF_TASKS: Ids = ids!("t.id");
const OF_LABELS: Ids = ids!("l.task_id");

impl Ids {
    /// Restricts the statement to rows after the start of the page.
    fn begin(self, statement: &mut Statement, direction: Direction) {
        match direction {
            Direction::Older(None) => {}
            Direction::Older(Some(TaskId(id))) => statement.push(self.below, Arg::Uuid(id)),
            Direction::Newer(TaskId(id)) => statement.push(self.above, Arg::Uuid(id)),
        }
    }

    /// Restricts the statement to rows up to and including `scan_end`.
    fn end(self, statement: &mut Statement, direction: Direction, scan_end: TaskId) {
        let sql = if matches!(direction, Direction::Older(_)) { self.down_to } else { self.up_to };
        statement.push(sql, Arg::Uuid(scan_end.0));
    }

    /// Adds the order and the limit.
    fn order(self, statement: &mut Statement, direction: Direction, limit: i64) {
        let sql = if matches!(direction, Direction::Older(_)) { self.newest } else { self.oldest };
        statement.push(sql, Arg::Int(limit));
    }
}

/// A statement with its conditions, before order and limit.
#[derive(Debug)]
pub(super) struct FilteredStatement {
    pub(super) statement: Statement,
    /// The last task that is scanned, if the scan is bounded.
    pub(super) scan_end: Option<TaskId>,
    direction: Direction,
    ids: Ids,
}

impl FilteredStatement {
    /// Adds the order of the direction and a limit.
    pub(super) fn in_order(self, limit: i64) -> Statement {
        let mut statement = self.statement;
        self.ids.order(&mut statement, self.direction, limit);
        statement
    }
}

/// The condition that drives the scan, unless a rare word of the title does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScanIndex {
    Label,
    Owner,
    Organization,
    State,
    Order,
}

impl ScanIndex {
    /// Returns the conditions of a filter except its text, the most selective first.
    fn all(filter: &TaskFilter) -> impl Iterator<Item = Self> {
        let label = filter.label.as_ref().map(|_| Self::Label);
        let owner = filter.mine.then_some(Self::Owner);
        let organization = filter.organization.map(|_| Self::Organization);
        let state = (!filter.states.is_empty()).then_some(Self::State);
        [label, owner, organization, state].into_iter().flatten()
    }

    fn of(filter: &TaskFilter) -> Self {
        match Self::all(filter).next() {
            // An index returns one state in the order of ids, but not several.
            Some(Self::State) if filter.states.len() > 1 => Self::Order,
            index => index.unwrap_or(Self::Order),
        }
    }

    /// Adds the condition; a label only if the label index drives the scan.
    fn restrict(self, statement: &mut Statement, filter: &TaskFilter, person: PersonId) {
        match self {
            Self::Owner => statement.push(" and t.owner_id = ?", Arg::Uuid(person.0)),
            Self::Organization => {
                if let Some(OrganizationId(id)) = filter.organization {
                    statement.push(" and t.organization_id = ?", Arg::Uuid(id));
                }
            }
            Self::State => {
                for (at, state) in filter.states.iter().enumerate() {
                    statement.push(if at == 0 { " and t.state in (?" } else { ", ?" }, Arg::Text(state.to_string()));
                }
                statement.push_text(")");
            }
            Self::Label => {
                if let Some((key, value)) = &filter.label {
                    statement.push(" and (l.key = ?", Arg::Text(key.clone()));
                    statement.push(" and l.value = ?)", Arg::Text(value.clone()));
                }
            }
            Self::Order => {}
        }
    }
}

row_type! {
    /// The last task of a bounded scan.
    pub struct ScanEnd {
        pub id: TaskId,
    }
}

impl Read {
    /// Limits the filter to the organization of the actor's key; `None` if they exclude each other.
    pub(super) fn limit_to_key_organization(&self, filter: &TaskFilter) -> Option<TaskFilter> {
        let organization = match (self.actor.only, filter.organization) {
            (Some(only), Some(other)) if only != other => return None,
            (only, filter) => filter.or(only),
        };
        Some(TaskFilter { organization, ..filter.clone() })
    }

    /// Builds the statement for a filter; `None` if nothing can match. If the driving index also returns rows that do not
    /// match, at most `scan_limit` of them are scanned.
    pub(super) async fn filtered_statement(
        &mut self,
        head: StatementHead,
        filter: &TaskFilter,
        direction: Direction,
        scan_limit: i64,
    ) -> Result<Option<FilteredStatement>> {
        let prefixes = match &filter.text {
            None => None,
            Some(text) => match self.title_prefixes(text).await? {
                None => return Ok(None),
                some => some,
            },
        };
        let person = self.viewer();
        let has_rare_word = prefixes.as_ref().is_some_and(|prefixes| prefixes.is_rare(scan_limit));
        let index = ScanIndex::of(filter);
        let sees_all = self.actor.can_read_everything() || filter.mine;
        let is_exact = sees_all && prefixes.is_none() && ScanIndex::all(filter).all(|one| one == index);
        let scan_end =
            if has_rare_word || is_exact { None } else { self.scan_end(index, filter, direction, scan_limit).await? };
        // The rarer of a label and a word should drive the scan; a rare word is always rare enough.
        let (sql, ids) = if index == ScanIndex::Label && !has_rare_word {
            (head.labeled, OF_LABELS)
        } else {
            (head.plain, OF_TASKS)
        };
        let everything = Arg::Bool(self.actor.can_read_everything());
        let mut statement = Statement::new(sql, vec![Arg::Uuid(self.tenant.0), Arg::Uuid(person.0), everything]);
        for one in ScanIndex::all(filter) {
            if one == ScanIndex::Label && has_rare_word {
                statement
                    .push_text(" and exists (select 1 from task_label l where l.tenant_id = $1 and l.task_id = t.id");
                one.restrict(&mut statement, filter, person);
                statement.push_text(")");
            } else {
                one.restrict(&mut statement, filter, person);
            }
        }
        if let Some(prefixes) = prefixes {
            prefixes.restrict(&mut statement, has_rare_word);
        }
        ids.begin(&mut statement, direction);
        if let Some(scan_end) = scan_end {
            ids.end(&mut statement, direction, scan_end);
        }
        Ok(Some(FilteredStatement { statement, scan_end, direction, ids }))
    }

    /// Returns the last task of a bounded scan; `None` if there are fewer.
    async fn scan_end(
        &mut self,
        index: ScanIndex,
        filter: &TaskFilter,
        direction: Direction,
        scan_limit: i64,
    ) -> Result<Option<TaskId>> {
        let (sql, ids) = match index {
            ScanIndex::Label => ("select l.task_id as id from task_label l where l.tenant_id = $1", OF_LABELS),
            _ => ("select t.id from task t where t.tenant_id = $1", OF_TASKS),
        };
        let mut statement = Statement::new(sql, vec![Arg::Uuid(self.tenant.0)]);
        index.restrict(&mut statement, filter, self.viewer());
        ids.begin(&mut statement, direction);
        ids.order(&mut statement, direction, 1);
        statement.push(" offset ?", Arg::Int(scan_limit));
        let scan_end: Vec<ScanEnd> = statement.fetch(&mut self.conn).await?;
        Ok(scan_end.first().map(|scan_end| scan_end.id))
    }
}
