//! Precedents: the approved request that an approver can compare the current one with.
use crate::{
    Read, Result,
    approvals::visible,
    db::{column::row_type, conn::tenant_query},
};
use domain::{ApprovalId, TaskId, Timestamp, task::meaningful_lines};

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

/// The reason why a request is compared with a precedent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// The request repeats it.
    Rerun,
    SameTitle,
    /// Their scripts begin with the same commands.
    SameBeginning,
}

row_type! {
    /// The beginning of the script of an approved request.
    pub struct Candidate {
        pub task_id: TaskId,
        pub beginning: String,
    }
}

/// The number of first commands that scripts with the same beginning have in common.
const SAME_COMMANDS: usize = 3;

/// Selects approved requests of the organization `$4` as [`visible`] to `$2`, with the condition that follows.
macro_rules! approved {
    ($condition:literal) => {
        concat!(
            "select a.id, a.task_id, t.script, t.request, coalesce(a.settled_at, a.created_at) as approved_at
             from task t join approval a on a.tenant_id = t.tenant_id and a.task_id = t.id
             where t.tenant_id = $1 and t.organization_id = $4 and t.required_approval
                and t.state not in ('awaiting_approval', 'denied', 'expired') and a.state = 'approved' and ",
            visible!(),
            $condition
        )
    };
}

impl Read {
    /// Returns the approved request of the same organization that a request is compared with: the one that it repeats; else the newest by
    /// the same requester with the same title and tool; else, among the newest, the one by the same requester whose script begins with the same commands.
    pub async fn approved_before(&mut self, id: ApprovalId) -> Result<Option<(Likeness, Precedent)>> {
        let approval = self.approval(id).await?;
        let task = self.task(approval.task_id).await?;
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        if let Some(repeated) = task.read_request()?.rerun_of
            && let Some(found) = self.approved_task(&approval, repeated).await?
        {
            return Ok(Some((Likeness::Rerun, found)));
        }
        // Titles of earlier versions could be a command that sets up the shell.
        if meaningful_lines(&task.title).next().is_some() {
            // The index `task_precedent` contains only tasks that required approval and were not denied, so one lookup finds it.
            let titled = tenant_query!(
                self,
                Precedent,
                fetch_optional,
                approved!(
                    " and t.owner_id = $5 and t.tool = $6 and t.title = $7 and t.id < $8 order by t.id desc limit 1"
                ),
                person,
                everything,
                approval.organization_id,
                approval.requester_id,
                approval.tool,
                approval.title.clone(),
                approval.task_id
            )?;
            if let Some(titled) = titled {
                return Ok(Some((Likeness::SameTitle, titled)));
            }
        }
        // Who sees this request sees those of the same requester in the same organization.
        let candidates = tenant_query!(
            self,
            Candidate,
            fetch_all,
            "select recent.task_id, substr(t.script, 1, 2000) as beginning
             from (select a.tenant_id, a.task_id from approval a
                where a.tenant_id = $1 and a.organization_id = $2 and a.state = 'approved' order by a.id desc limit 200) recent
             join task t on t.tenant_id = recent.tenant_id and t.id = recent.task_id
             where t.owner_id = $3 and t.tool = $4 and t.id < $5",
            approval.organization_id,
            approval.requester_id,
            approval.tool,
            approval.task_id
        )?;
        let own = beginning(&task.script);
        let alike = candidates.into_iter().filter(|it| !own.is_empty() && beginning(&it.beginning) == own);
        let alike = alike.max_by_key(|candidate| candidate.task_id);
        let Some(alike) = alike else { return Ok(None) };
        Ok(self.approved_task(&approval, alike.task_id).await?.map(|found| (Likeness::SameBeginning, found)))
    }

    /// Returns the approved request of a task in the organization of another one.
    async fn approved_task(&mut self, like: &crate::Approval, task: TaskId) -> Result<Option<Precedent>> {
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        const SQL: &str = approved!(" and t.id = $5");
        tenant_query!(self, Precedent, fetch_optional, SQL, person, everything, like.organization_id, task)
    }
}

fn beginning(script: &str) -> Vec<&str> {
    meaningful_lines(script).filter(|line| !line.starts_with('#')).take(SAME_COMMANDS).collect()
}
