//! Precedents: the last approved request that an approver can compare the current one with.
use crate::{
    Read, Result,
    approvals::visible,
    db::{column::row_type, conn::tenant_query},
};
use domain::{ApprovalId, TaskId, Timestamp};

row_type! {
    /// An earlier request that was approved.
    pub struct Precedent {
        pub id: ApprovalId,
        pub task_id: TaskId,
        pub script: String,
        pub request: String,
        pub approved_at: Timestamp,
    }
}

impl Read {
    /// Returns the newest earlier request that was approved, by the same requester in the same organization with the same
    /// title and tool, so that the same people can see both. The index `task_precedent` contains only tasks that required
    /// approval and were not denied, so one lookup finds it.
    pub async fn approved_before(&mut self, id: ApprovalId) -> Result<Option<Precedent>> {
        let approval = self.approval(id).await?;
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        tenant_query!(
            self,
            Precedent,
            fetch_optional,
            concat!(
                "select a.id, a.task_id, t.script, t.request, coalesce(a.settled_at, a.created_at) as approved_at
                 from task t join approval a on a.tenant_id = t.tenant_id and a.task_id = t.id
                 where t.tenant_id = $1 and t.organization_id = $4 and t.owner_id = $5 and t.tool = $6 and t.title = $7
                    and t.id < $8 and t.required_approval and t.state not in ('awaiting_approval', 'denied', 'expired')
                    and a.state = 'approved' and ",
                visible!(),
                " order by t.id desc limit 1"
            ),
            person,
            everything,
            approval.organization_id,
            approval.requester_id,
            approval.tool,
            approval.title,
            approval.task_id
        )
    }
}
