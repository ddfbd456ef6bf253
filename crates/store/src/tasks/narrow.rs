//! Task filters, as conditions that indexes serve.
//!
//! One condition drives the scan through an index: a rare word of the title, a label, an owner, an organization or a state;
//! otherwise the order of ids. Rows are read in that order. When other conditions may exclude rows, only a bounded range is
//! read, so a page costs the same among ten tasks and a million.
use super::list::TaskFilter;
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
pub(super) enum Way {
    /// Toward older tasks, after this one or from the newest.
    Older(Option<TaskId>),
    /// Toward newer tasks, from this one.
    Newer(TaskId),
}

/// Beginning of a statement, without and with the label index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) plain: &'static str,
    pub(super) labeled: &'static str,
}

/// A head that selects columns of visible tasks from `task t` and its joins.
macro_rules! head {
    ($columns:expr, $joined:expr) => {
        $crate::tasks::narrow::Head {
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
    fn begin(self, statement: &mut Statement, way: Way) {
        match way {
            Way::Older(None) => {}
            Way::Older(Some(TaskId(id))) => statement.push(self.below, Arg::Uuid(id)),
            Way::Newer(TaskId(id)) => statement.push(self.above, Arg::Uuid(id)),
        }
    }

    /// Restricts the statement to rows up to and including `edge`.
    fn end(self, statement: &mut Statement, way: Way, edge: TaskId) {
        let sql = if matches!(way, Way::Older(_)) { self.down_to } else { self.up_to };
        statement.push(sql, Arg::Uuid(edge.0));
    }

    /// Adds the order and the limit.
    fn order(self, statement: &mut Statement, way: Way, limit: i64) {
        let sql = if matches!(way, Way::Older(_)) { self.newest } else { self.oldest };
        statement.push(sql, Arg::Int(limit));
    }
}

/// A statement with its conditions, before order and limit.
#[derive(Debug)]
pub(super) struct Narrowed {
    pub(super) statement: Statement,
    /// The last task that is scanned, if the scan is bounded.
    pub(super) edge: Option<TaskId>,
    way: Way,
    ids: Ids,
}

impl Narrowed {
    /// Adds the order of the direction and a limit.
    pub(super) fn in_order(self, limit: i64) -> Statement {
        let mut statement = self.statement;
        self.ids.order(&mut statement, self.way, limit);
        statement
    }
}

/// The condition that drives the scan, unless a rare word of the title does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    Label,
    Owner,
    Organization,
    State,
    Order,
}

impl Lead {
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
            lead => lead.unwrap_or(Self::Order),
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
    pub struct Edge {
        pub id: TaskId,
    }
}

impl Read {
    /// Limits the filter to the organization of the actor's key; `None` if they exclude each other.
    pub(super) fn within_reach(&self, filter: &TaskFilter) -> Option<TaskFilter> {
        let organization = match (self.actor.only, filter.organization) {
            (Some(only), Some(other)) if only != other => return None,
            (only, asked) => asked.or(only),
        };
        Some(TaskFilter { organization, ..filter.clone() })
    }

    /// Builds the statement for a filter; `None` if nothing can match. If the driving index also returns rows that do not
    /// match, at most `stretch` of them are scanned.
    pub(super) async fn narrow(
        &mut self,
        head: Head,
        filter: &TaskFilter,
        way: Way,
        stretch: i64,
    ) -> Result<Option<Narrowed>> {
        let sought = match &filter.text {
            None => None,
            Some(text) => match self.seek(text).await? {
                None => return Ok(None),
                some => some,
            },
        };
        let person = self.viewer();
        let few = sought.as_ref().is_some_and(|sought| sought.leads(stretch));
        let lead = Lead::of(filter);
        let sees_all = self.actor.can_read_everything() || filter.mine;
        let straight = sees_all && sought.is_none() && Lead::all(filter).all(|one| one == lead);
        let edge = if few || straight { None } else { self.edge(lead, filter, way, stretch).await? };
        // The rarer of a label and a word should drive the scan; a rare word is always rare enough.
        let (sql, ids) = if lead == Lead::Label && !few { (head.labeled, OF_LABELS) } else { (head.plain, OF_TASKS) };
        let everything = Arg::Bool(self.actor.can_read_everything());
        let mut statement = Statement::new(sql, vec![Arg::Uuid(self.tenant.0), Arg::Uuid(person.0), everything]);
        for one in Lead::all(filter) {
            if one == Lead::Label && few {
                statement
                    .push_text(" and exists (select 1 from task_label l where l.tenant_id = $1 and l.task_id = t.id");
                one.restrict(&mut statement, filter, person);
                statement.push_text(")");
            } else {
                one.restrict(&mut statement, filter, person);
            }
        }
        if let Some(sought) = sought {
            sought.restrict(&mut statement, few);
        }
        ids.begin(&mut statement, way);
        if let Some(edge) = edge {
            ids.end(&mut statement, way, edge);
        }
        Ok(Some(Narrowed { statement, edge, way, ids }))
    }

    /// Returns the last task of a bounded scan; `None` if there are fewer.
    async fn edge(&mut self, lead: Lead, filter: &TaskFilter, way: Way, stretch: i64) -> Result<Option<TaskId>> {
        let (sql, ids) = match lead {
            Lead::Label => ("select l.task_id as id from task_label l where l.tenant_id = $1", OF_LABELS),
            _ => ("select t.id from task t where t.tenant_id = $1", OF_TASKS),
        };
        let mut statement = Statement::new(sql, vec![Arg::Uuid(self.tenant.0)]);
        lead.restrict(&mut statement, filter, self.viewer());
        ids.begin(&mut statement, way);
        ids.order(&mut statement, way, 1);
        statement.push(" offset ?", Arg::Int(stretch));
        let edge: Vec<Edge> = statement.fetch(&mut self.conn).await?;
        Ok(edge.first().map(|edge| edge.id))
    }
}
