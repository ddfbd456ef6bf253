//! Past tasks, with what rules see of them, to try a change of the rules (D-05).
use crate::{
    Read, Result,
    db::{column::row_type, conn::tenant_query},
    tasks::{label_sets, visible},
};
use domain::{
    OrganizationId, PersonId, TaskId, Timestamp, label::Labels, network::NetworkPolicy, rule::Facts, task::Tool,
};

/// The maximum number of past tasks that a change is tried on.
pub const MAX_PAST_TASKS: u32 = 1_000;

row_type! {
    pub struct PastTaskRow {
        pub id: TaskId,
        pub title: String,
        pub organization_id: OrganizationId,
        pub owner_id: PersonId,
        pub owner: String,
        pub tool: Tool,
        pub network: NetworkPolicy,
        pub created_at: Timestamp,
    }
}

/// A task as rules saw it.
#[derive(Clone, Debug)]
pub struct PastTask {
    pub id: TaskId,
    pub title: String,
    pub owner: String,
    row: PastTaskRow,
    labels: Labels,
}

impl PastTask {
    pub const fn facts(&self) -> Facts<'_> {
        let PastTaskRow { organization_id: organization, owner_id: submitter, tool, network, created_at: at, .. } =
            self.row;
        Facts { organization, submitter, tool, network, labels: &self.labels, at }
    }
}

impl Read {
    /// Returns the tasks since a time that the actor sees, newest first: those among the last [`MAX_PAST_TASKS`] of the tenant.
    pub async fn past_tasks(&mut self, since: Timestamp) -> Result<Vec<PastTask>> {
        const SQL: &str = concat!(
            "select t.id, t.title, t.organization_id, t.owner_id, p.name as owner, t.tool, t.network, t.created_at
             from (select tenant_id, id, title, organization_id, owner_id, tool, network, created_at, visibility, required_approval
                from task where tenant_id = $1 order by id desc limit $5) t
             join person p on p.tenant_id = t.tenant_id and p.id = t.owner_id
             where t.created_at >= $4 and ",
            visible!(),
            " order by t.id desc"
        );
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        let mut rows = tenant_query!(self, PastTaskRow, fetch_all, SQL, person, everything, since, MAX_PAST_TASKS)?;
        rows.retain(|row| self.actor.reaches(row.organization_id));
        let mut labels = label_sets(&mut self.conn, self.tenant, rows.iter().map(|row| row.id)).await?;
        let task = |row: PastTaskRow| {
            let labels = Labels::try_from(labels.remove(&row.id).unwrap_or_default()).unwrap_or_default();
            PastTask { id: row.id, title: row.title.clone(), owner: row.owner.clone(), row, labels }
        };
        Ok(rows.into_iter().map(task).collect())
    }
}
