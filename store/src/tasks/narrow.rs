//! What a list of tasks is narrowed by, as conditions that indexes serve.
//!
//! A label leads through the index of labels, a word that few titles have through the index of words; all else is read in the
//! order of ids. Whatever is read comes in that order, so a page costs the same among ten tasks and a million.
use super::{list::TaskFilter, words::Frequency};
use crate::{
    Read, Result,
    column::record,
    conn::scoped,
    filter::{Arg, Statement},
};
use domain::{OrganisationId, TaskId};

/// Which way a list is read, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Towards older tasks, from the one after this one or from the newest.
    Older(Option<TaskId>),
    /// Towards newer tasks.
    Newer(TaskId),
}

/// How a statement begins: without a label to lead it, and with one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) plain: &'static str,
    pub(super) labelled: &'static str,
}

/// A head that selects columns from `task t` and what is joined to it, of tasks that the actor sees.
macro_rules! head {
    ($columns:expr, $joined:expr) => {
        $crate::tasks::narrow::Head {
            plain: concat!($columns, "task t", $joined, " where t.tenant_id = $1 and ", $crate::tasks::visible!()),
            // The order of the two is said: a planner that knows no frequencies would begin with the tasks.
            labelled: concat!(
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

/// A statement with its conditions, still without order and limit.
#[derive(Debug)]
pub(super) struct Narrowed {
    pub(super) statement: Statement,
    /// The last task that is looked at, where not all are.
    pub(super) edge: Option<TaskId>,
    way: Way,
    labelled: bool,
}

impl Narrowed {
    /// The first so many in the order of the way.
    pub(super) fn in_order(self, limit: i64) -> Statement {
        let mut statement = self.statement;
        let sql = match (self.way, self.labelled) {
            (Way::Older(_), false) => " order by t.id desc limit ?",
            (Way::Newer(_), false) => " order by t.id limit ?",
            (Way::Older(_), true) => " order by l.task_id desc limit ?",
            (Way::Newer(_), true) => " order by l.task_id limit ?",
        };
        statement.push(sql, Arg::Int(limit));
        statement
    }
}

/// How many tasks are looked through at most for words that many titles have.
const STRETCH: i64 = 50_000;

record! {
    /// The end of a stretch of tasks.
    pub struct Edge {
        /// The task there.
        pub id: TaskId,
    }
}

impl Read {
    /// The statement for what matches; `None` where nothing can.
    pub(super) async fn narrow(&mut self, head: Head, filter: &TaskFilter, way: Way) -> Result<Option<Narrowed>> {
        let sought = match &filter.text {
            None => None,
            Some(text) => match self.seek(text).await? {
                None => return Ok(None),
                some => some,
            },
        };
        let frequency = sought.as_ref().map(|sought| sought.frequency);
        // Of a label and a word the rarer should lead; a word that few titles have always is rare enough.
        let labelled = filter.label.is_some() && frequency != Some(Frequency::Few);
        let edge = if frequency == Some(Frequency::Many) { self.edge(way).await? } else { None };
        let (tenant, person) = (Arg::Uuid(self.tenant.0), Arg::Uuid(self.viewer().0));
        let everything = Arg::Bool(self.actor.reads_everything());
        let sql = if labelled { head.labelled } else { head.plain };
        let mut statement = Statement::new(sql, vec![tenant, person, everything]);
        if let Some(OrganisationId(only)) = self.actor.only {
            statement.push(" and t.organisation_id = ?", Arg::Uuid(only));
        }
        restrict(&mut statement, filter, self.viewer().0);
        if let Some((key, value)) = &filter.label {
            let sql = match labelled {
                true => " and (l.key = ?",
                false => {
                    " and exists (select 1 from task_label l where l.tenant_id = $1 and l.task_id = t.id and l.key = ?"
                }
            };
            statement.push(sql, Arg::Text(key.clone()));
            statement.push(" and l.value = ?)", Arg::Text(value.clone()));
        }
        if let Some(sought) = sought {
            sought.restrict(&mut statement);
        }
        match (way, labelled) {
            (Way::Older(None), _) => {}
            (Way::Older(Some(TaskId(id))), false) => statement.push(" and t.id < ?", Arg::Uuid(id)),
            (Way::Older(Some(TaskId(id))), true) => statement.push(" and l.task_id < ?", Arg::Uuid(id)),
            (Way::Newer(TaskId(id)), false) => statement.push(" and t.id > ?", Arg::Uuid(id)),
            (Way::Newer(TaskId(id)), true) => statement.push(" and l.task_id > ?", Arg::Uuid(id)),
        }
        match (way, edge, labelled) {
            (_, None, _) => {}
            (Way::Older(_), Some(TaskId(id)), false) => statement.push(" and t.id >= ?", Arg::Uuid(id)),
            (Way::Older(_), Some(TaskId(id)), true) => statement.push(" and l.task_id >= ?", Arg::Uuid(id)),
            (Way::Newer(_), Some(TaskId(id)), false) => statement.push(" and t.id <= ?", Arg::Uuid(id)),
            (Way::Newer(_), Some(TaskId(id)), true) => statement.push(" and l.task_id <= ?", Arg::Uuid(id)),
        }
        Ok(Some(Narrowed { statement, edge, way, labelled }))
    }

    /// The task at the end of the stretch that is looked through; `None` where fewer follow.
    async fn edge(&mut self, way: Way) -> Result<Option<TaskId>> {
        const NEWEST: &str = "select id from task where tenant_id = $1 order by id desc limit 1 offset $2";
        const OLDER: &str = "select id from task where tenant_id = $1 and id < $3 order by id desc limit 1 offset $2";
        const NEWER: &str = "select id from task where tenant_id = $1 and id > $3 order by id limit 1 offset $2";
        let edge = match way {
            Way::Older(None) => scoped!(self, Edge, fetch_optional, NEWEST, STRETCH),
            Way::Older(Some(task)) => scoped!(self, Edge, fetch_optional, OLDER, STRETCH, task),
            Way::Newer(task) => scoped!(self, Edge, fetch_optional, NEWER, STRETCH, task),
        };
        Ok(edge?.map(|edge| edge.id))
    }
}

fn restrict(statement: &mut Statement, filter: &TaskFilter, person: uuid::Uuid) {
    for (at, state) in filter.states.iter().enumerate() {
        statement.push(if at == 0 { " and t.state in (?" } else { ", ?" }, Arg::Text(state.to_string()));
    }
    if !filter.states.is_empty() {
        statement.push_text(")");
    }
    if let Some(OrganisationId(id)) = filter.organisation {
        statement.push(" and t.organisation_id = ?", Arg::Uuid(id));
    }
    if filter.mine {
        statement.push(" and t.owner_id = ?", Arg::Uuid(person));
    }
}
