//! Owner checks of a task: nothing starts unless the owner is a member of its organization and not locked out.
use crate::{
    Conflict, Error, Result, Write,
    db::{column::row_type, conn::tenant_query},
};
use domain::{KeyId, OrganizationId, PersonId, TaskId, audit::Entry, role::Role, task::TaskState};
use serde_json::json;

row_type! {
    /// Current state of a task's owner.
    pub struct Owner {
        pub role: Option<Role>,
        pub locked: bool,
        /// Whether the API key that submitted the task was revoked.
        pub key_revoked: bool,
    }
}

row_type! {
    /// Owner and organization of a task.
    pub struct TaskOwner {
        pub owner_id: PersonId,
        pub organization_id: OrganizationId,
        pub key_id: Option<KeyId>,
    }
}

row_type! {
    /// A person's membership in an organization.
    pub struct RoleRow {
        pub role: Role,
    }
}

/// Whether the owner of row `task` may submit tasks to its organization and is not locked, and the key that it was submitted with is
/// not revoked.
macro_rules! owner_may_submit {
    () => {
        "(exists (select 1 from membership m join person p on p.tenant_id = m.tenant_id and p.id = m.person_id
            where m.tenant_id = task.tenant_id and m.organization_id = task.organization_id
            and m.person_id = task.owner_id and m.role <> 'viewer' and p.locked_at is null)
            and not exists (select 1 from api_key k
                where k.tenant_id = task.tenant_id and k.id = task.key_id and k.revoked_at is not null))"
    };
}
pub(crate) use owner_may_submit;

impl Write {
    /// Returns why a task may not start because of its owner, if so.
    pub(crate) async fn owner_access_loss(&mut self, task: TaskId) -> Result<Option<&'static str>> {
        // An update, because the task is about to change and must be locked.
        const WHOSE: &str = "update task set attempt = attempt where tenant_id = $1 and id = $2
            returning owner_id, organization_id, key_id";
        let whose = tenant_query!(self, TaskOwner, fetch_one, WHOSE, task)?;
        let owner = tenant_query!(
            self,
            Owner,
            fetch_one,
            "select p.locked_at is not null as locked, m.role, k.revoked_at is not null as key_revoked
             from person p left join membership m on m.tenant_id = p.tenant_id and m.organization_id = $3 and m.person_id = p.id
             left join api_key k on k.tenant_id = p.tenant_id and k.id = $4 where p.tenant_id = $1 and p.id = $2",
            whose.owner_id,
            whose.organization_id,
            whose.key_id
        )?;
        Ok(match owner {
            Owner { role: None, .. } => Some(super::OWNER_LEFT),
            Owner { locked: true, .. } => Some(super::OWNER_LOCKED),
            Owner { role: Some(Role::Viewer), .. } => Some(super::OWNER_DEMOTED),
            Owner { key_revoked: true, .. } => Some(super::KEY_REVOKED),
            Owner { .. } => None,
        })
    }

    /// Ends a claimed task whose owner lost access, before its runner learns of it. Returns the audit event.
    pub(crate) async fn cancel_ownerless(&mut self, task: TaskId) -> Result<Entry> {
        self.change_state(task, TaskState::Assigned, TaskState::Cancelled, None).await?;
        let because = self.owner_access_loss(task).await?;
        self.state_change_event(task, "task.stop", json!({ "was": TaskState::Queued, "because": because }))
    }

    /// Returns an error unless the person may still submit. It is called after the submission is recorded: the lock on the
    /// audit log orders it and the person's departure.
    pub(crate) async fn check_submitter(&mut self, organization: OrganizationId, person: PersonId) -> Result<()> {
        let role = tenant_query!(
            self,
            RoleRow,
            fetch_optional,
            "select m.role from membership m join person p on p.tenant_id = m.tenant_id and p.id = m.person_id
             where m.tenant_id = $1 and m.organization_id = $2 and m.person_id = $3 and p.locked_at is null",
            organization,
            person
        )?;
        match role.is_some_and(|held| held.role >= Role::Member) {
            true => Ok(()),
            false => Err(Error::Conflict(Conflict::NoLongerSubmitter)),
        }
    }
}
