//! Labels of tasks, read for many tasks in one statement.
use super::TaskRow;
use crate::{
    Read, Result,
    db::{
        column::row_type,
        conn::Conn,
        filter::{Arg, Statement},
    },
};
use domain::{TaskId, TenantId};
use std::collections::{BTreeMap, HashMap};

/// Labels by task; a task without labels is missing.
pub type LabelSets = HashMap<TaskId, BTreeMap<String, String>>;

row_type! {
    pub struct LabelRow {
        pub task_id: TaskId,
        pub key: String,
        pub value: String,
    }
}

impl Read {
    /// Returns the labels of the tasks of a page, which the actor sees.
    pub async fn labels_of(&mut self, page: &[TaskRow]) -> Result<LabelSets> {
        label_sets(&mut self.conn, self.tenant, page.iter().map(|task| task.id)).await
    }
}

/// Returns the labels of tasks in one statement.
pub(crate) async fn label_sets(
    conn: &mut Conn,
    tenant: TenantId,
    tasks: impl Iterator<Item = TaskId>,
) -> Result<LabelSets> {
    let mut sql = Statement::new(
        "select task_id, key, value from task_label where tenant_id = $1 and task_id in (",
        vec![Arg::Uuid(tenant.0)],
    );
    let mut sets = LabelSets::new();
    let mut separator = "?";
    for task in tasks {
        sql.push(separator, Arg::Uuid(task.0));
        separator = ", ?";
    }
    if separator == "?" {
        return Ok(sets);
    }
    sql.push_text(")");
    for row in sql.fetch::<LabelRow>(conn).await? {
        sets.entry(row.task_id).or_default().insert(row.key, row.value);
    }
    Ok(sets)
}
