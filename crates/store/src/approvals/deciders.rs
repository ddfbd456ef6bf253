//! Deciders: the people who can decide an approval request, by name.
use super::{conditions, visible};
use crate::{
    Read, Result,
    db::{column::row_type, conn::tenant_query},
    role_sql::is_approver,
};
use domain::{Action, ApprovalId, OrganizationId, PersonId, policy::SubmitTask};

row_type! {
    /// A person who can decide.
    pub struct Decider {
        pub id: PersonId,
        pub name: String,
    }
}

impl Read {
    /// Returns up to 20 people whose decision on a request that the actor sees would count now, by name: approvers who are not locked, whose
    /// own request it is not unless the tenant allows that, whom no hold keeps from it, and who have not decided it.
    pub async fn deciders(&mut self, id: ApprovalId) -> Result<Vec<Decider>> {
        let approval = self.approval(id).await?;
        let (person, everything, now) = (self.viewer(), self.actor.can_read_everything(), self.store.now());
        tenant_query!(
            self,
            Decider,
            fetch_all,
            concat!(
                "select n.id, n.name from approval a
                 join task t on t.tenant_id = a.tenant_id and t.id = a.task_id
                 join person p on p.tenant_id = a.tenant_id and p.id = a.requester_id
                 join membership m on m.tenant_id = a.tenant_id and m.organization_id = a.organization_id and ",
                is_approver!(),
                " join person n on n.tenant_id = m.tenant_id and n.id = m.person_id and n.locked_at is null
                 where a.tenant_id = $1 and a.id = $5 and ",
                visible!(),
                " and (not ",
                conditions::is_own!("n.id"),
                " or ",
                conditions::allows_own!(),
                ") and ",
                crate::holds::held_until!(
                    "n.id",
                    "a.requester_id, t.responsible_id, p.responsible_id, t.key_creator_id",
                    "$4"
                ),
                " is null and not exists (select 1 from decision d
                    where d.tenant_id = $1 and d.approval_id = a.id and d.person_id = n.id and d.created_at >= a.created_at and ",
                conditions::counts!(),
                ") order by n.name, n.id limit 20"
            ),
            person,
            everything,
            now,
            approval.id
        )
    }

    /// Returns up to 20 people who could decide a request of the actor in an organization, by name; none if the actor cannot submit there.
    pub async fn deciders_of_own(&mut self, organization: OrganizationId) -> Result<Vec<Decider>> {
        if !self.actor.can_submit_in(organization) || !self.actor.has_scope(SubmitTask::SCOPE) {
            return Ok(vec![]);
        }
        let (person, now, own) = (self.viewer(), self.store.now(), self.decides_own_requests().await?);
        tenant_query!(
            self,
            Decider,
            fetch_all,
            concat!(
                "select n.id, n.name from membership m
                 join person n on n.tenant_id = m.tenant_id and n.id = m.person_id and n.locked_at is null
                 where m.tenant_id = $1 and m.organization_id = $5 and ",
                is_approver!(),
                " and (n.id <> $2 or $3) and ",
                crate::holds::held_until!("n.id", "$2", "$4"),
                " is null order by n.name, n.id limit 20"
            ),
            person,
            own,
            now,
            organization
        )
    }
}
