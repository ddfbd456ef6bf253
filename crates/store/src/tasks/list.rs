//! Task list: keyset pagination in both directions.
use super::{
    columns, joined,
    narrow::{Head, Way, head},
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
    /// A task as it stands in a list.
    pub struct TaskRow {
        pub id: TaskId,
        /// A line to recognize it by.
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
        /// When it started, the last time.
        pub started_at: Option<Timestamp>,
        pub ended_at: Option<Timestamp>,
        /// How it ended ([`domain::receipt::End`] as JSON).
        pub ending: Option<String>,
    }
}

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// Only in these states; all when empty.
    pub states: Vec<TaskState>,
    pub organization: Option<OrganizationId>,
    pub mine: bool,
    pub label: Option<(String, String)>,
    /// Only with words in the title that begin with the words of this text ([`domain::search_terms`]).
    pub text: Option<String>,
}

/// How many tasks are looked through for a page, first and at most.
const STRETCHES: [i64; 2] = [1_000, 20_000];

/// What a row is read from.
const ROWS: Head = head!(columns!(), joined!());

impl Read {
    /// Tasks that match and that the actor sees, newest first, `after` being the last one seen. Where an index does not lead
    /// straight to them, only a stretch of the tasks is looked through: the page may be short, and `next` leads on.
    pub async fn tasks(&mut self, filter: &TaskFilter, after: Option<TaskId>, limit: u32) -> Result<Page<TaskRow>> {
        self.tasks_on(filter, Way::Older(after), limit).await
    }

    /// The page before the one that begins with `than`, newest first; `next` says that there are still newer ones.
    pub async fn tasks_newer(&mut self, filter: &TaskFilter, than: TaskId, limit: u32) -> Result<Page<TaskRow>> {
        let mut page = self.tasks_on(filter, Way::Newer(than), limit).await?;
        page.items.reverse();
        Ok(page)
    }

    async fn tasks_on(&mut self, filter: &TaskFilter, way: Way, limit: u32) -> Result<Page<TaskRow>> {
        let mut page = Page { items: vec![], next: None };
        let Some(filter) = self.within_reach(filter) else { return Ok(page) };
        for stretch in STRETCHES {
            let Some(narrowed) = self.narrow(ROWS, &filter, way, stretch).await? else { break };
            let edge = narrowed.edge;
            let rows = narrowed.in_order(i64::from(limit) + 1).fetch(&mut self.conn).await?;
            page = Page::cut(rows, limit, |row: &TaskRow| row.id.to_string());
            if page.next.is_some() || edge.is_none() {
                break;
            }
            page.next = edge.map(|task| task.to_string());
        }
        Ok(page)
    }
}
