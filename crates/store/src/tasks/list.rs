//! Task list: keyset pagination in both directions.
use super::{
    columns,
    filter::TaskFilter,
    filter_sql::{Direction, StatementHead, head},
    joined,
};
use crate::{
    Read, Result,
    db::{column::row_type, filter::Page},
};
use domain::{
    OrganizationId, PersonId, TaskId, Timestamp,
    network::NetworkPolicy,
    task::{TaskState, Tool},
    visibility::Visibility,
};

row_type! {
    /// A row of the task list.
    pub struct TaskRow {
        pub id: TaskId,
        pub title: String,
        pub state: TaskState,
        pub tool: Tool,
        pub visibility: Visibility,
        pub network: NetworkPolicy,
        pub organization_id: OrganizationId,
        pub organization: String,
        pub owner_id: PersonId,
        pub owner: String,
        pub created_at: Timestamp,
        /// Start of the last attempt.
        pub started_at: Option<Timestamp>,
        pub ended_at: Option<Timestamp>,
        /// Result ([`domain::receipt::End`] as JSON).
        pub ending: Option<String>,
    }
}

/// Numbers of tasks scanned for a page: first try, then maximum.
const SCAN_LIMITS: [i64; 2] = [1_000, 20_000];

const LIST_HEAD: StatementHead = head!(columns!(), joined!());

impl Read {
    /// Returns tasks that match and that the actor sees, newest first, with ids below `after`. If no index matches exactly,
    /// only a bounded range is scanned: the page can be short, and `next` continues after the range.
    pub async fn tasks(&mut self, filter: &TaskFilter, after: Option<TaskId>, limit: u32) -> Result<Page<TaskRow>> {
        self.tasks_on(filter, Direction::Older(after), limit).await
    }

    /// Returns the page before the one that begins with `than`, newest first; `next` is set if there are newer tasks.
    pub async fn tasks_newer(&mut self, filter: &TaskFilter, than: TaskId, limit: u32) -> Result<Page<TaskRow>> {
        let mut page = self.tasks_on(filter, Direction::Newer(than), limit).await?;
        page.items.reverse();
        Ok(page)
    }

    async fn tasks_on(&mut self, filter: &TaskFilter, direction: Direction, limit: u32) -> Result<Page<TaskRow>> {
        let mut page = Page { items: vec![], next: None };
        let Some(filter) = self.limit_to_key_organization(filter) else { return Ok(page) };
        for scan_limit in SCAN_LIMITS {
            let Some(filtered) = self.filtered_statement(LIST_HEAD, &filter, direction, scan_limit).await? else {
                break;
            };
            let scan_end = filtered.scan_end;
            let rows = filtered.in_order(i64::from(limit) + 1).fetch(&mut self.conn).await?;
            page = Page::cut(rows, limit, |row: &TaskRow| row.id.to_string());
            if page.next.is_some() || scan_end.is_none() {
                break;
            }
            page.next = scan_end.map(|task| task.to_string());
        }
        Ok(page)
    }
}
