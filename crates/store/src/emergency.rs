//! Emergency actions: locking a person, ending sessions, freezing a tenant, and stopping its tasks (K-09).
use crate::{
    Conflict, Error, Read, Result, Topic, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
    },
};
use domain::{
    Allowed, BrowserSessionId, OrganizationId, PersonId, Principal, TaskId, Timestamp,
    policy::{EndBrowserSessions, FreezeTenant, LockPerson, StopTasks, Stopped, UnfreezeTenant, UnlockPerson},
};
use serde_json::json;

/// Maximum number of tasks that one transaction stops.
pub const MAX_TASKS_PER_STOP: usize = 500;

row_type! {
    pub struct Freeze {
        pub frozen_at: Option<Timestamp>,
    }
}

row_type! {
    pub struct SessionHolder {
        pub person_id: PersonId,
    }
}

row_type! {
    pub struct StoppableTask {
        pub id: TaskId,
    }
}

impl Read {
    /// Returns when the actor's tenant was frozen, if it is frozen.
    pub async fn frozen_since(&mut self) -> Result<Option<Timestamp>> {
        const SQL: &str = "select frozen_at from audit_head where tenant_id = $1";
        Ok(tenant_query!(self, Freeze, fetch_one, SQL)?.frozen_at)
    }
}

impl Write {
    /// Locks a person: ends their sessions, disables their keys and blocks sign-in.
    pub async fn lock_person(&mut self, proof: Allowed<LockPerson>) -> Result<()> {
        const LOCK: &str = "update person set locked_at = $3 where tenant_id = $1 and id = $2 and locked_at is null";
        let person = proof.action().person;
        self.require_person(person).await?;
        let mut entries = self.withdraw_confirmations(person, None).await?;
        self.keep_last_admin(person).await?;
        if tenant_query!(self, execute, LOCK, person, self.now)? == 0 {
            return Err(Error::Conflict(Conflict::AlreadyLocked));
        }
        let ended = self.end_browser_sessions(person, None).await?;
        // Invitations of a locked person must not become valid again when the person is unlocked.
        const DELETE_INVITATIONS: &str = "delete from invitation where tenant_id = $1 and inviter_id = $2";
        tenant_query!(self, execute, DELETE_INVITATIONS, person)?;
        entries.push(self.entry(&proof)?);
        entries.extend(ended);
        self.record_all(entries).await
    }

    /// Unlocks a person.
    pub async fn unlock_person(&mut self, proof: Allowed<UnlockPerson>) -> Result<()> {
        const SQL: &str =
            "update person set locked_at = null where tenant_id = $1 and id = $2 and locked_at is not null";
        let person = proof.action().person;
        self.require_person(person).await?;
        if tenant_query!(self, execute, SQL, person)? == 0 {
            return Err(Error::Conflict(Conflict::NotLocked));
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.publish(Topic::People, person.0);
        Ok(())
    }

    /// Returns `NotFound` if there is no such organization.
    pub(crate) async fn require_organization(&mut self, organization: OrganizationId) -> Result<()> {
        const SQL: &str = "select count(*) as n from organization where tenant_id = $1 and id = $2";
        require_found(tenant_query!(self, Number, fetch_one, SQL, organization)?)
    }

    /// Keeps two admins from locking each other at the same time: the second one is rejected, so that an admin remains who
    /// can unlock people. The console may lock everyone.
    async fn keep_last_admin(&mut self, person: PersonId) -> Result<()> {
        if self.actor.principal == Principal::Console {
            return Ok(());
        }
        // The update locks the rows.
        let admins = tenant_query!(
            self,
            SessionHolder,
            fetch_all,
            "update person set tenant_role = tenant_role
             where tenant_id = $1 and tenant_role = 'admin' and locked_at is null returning id as person_id"
        )?;
        match admins.iter().any(|admin| admin.person_id != person) {
            true => Ok(()),
            false => Err(Error::Conflict(Conflict::LastAdminLocked)),
        }
    }

    /// Returns `NotFound` if there is no such person.
    async fn require_person(&mut self, person: PersonId) -> Result<()> {
        const SQL: &str = "select count(*) as n from person where tenant_id = $1 and id = $2";
        require_found(tenant_query!(self, Number, fetch_one, SQL, person)?)
    }

    /// Ends all sessions in scope except `this` and returns their number.
    pub async fn end_all_browser_sessions(
        &mut self,
        proof: Allowed<EndBrowserSessions>,
        this: Option<BrowserSessionId>,
    ) -> Result<usize> {
        const ALL: &str =
            "delete from browser_session where tenant_id = $1 and ($2 is null or id <> $2) returning person_id";
        const ONES: &str =
            "delete from browser_session where tenant_id = $1 and person_id = $3 and ($2 is null or id <> $2)
            returning person_id";
        let ended = match proof.action().of {
            None => tenant_query!(self, SessionHolder, fetch_all, ALL, this)?,
            Some(person) => {
                self.require_person(person).await?;
                self.lock_person_row(person).await?;
                tenant_query!(self, SessionHolder, fetch_all, ONES, this, person)?
            }
        };
        for holder in &ended {
            self.publish(Topic::People, holder.person_id.0);
        }
        let entry = self.entry(&proof)?.with_detail("ended", json!(ended.len()));
        self.record(entry).await?;
        Ok(ended.len())
    }

    /// Freezes the tenant: most changes become a conflict, and runners get no tasks.
    pub async fn freeze(&mut self, proof: Allowed<FreezeTenant>) -> Result<()> {
        const SQL: &str = "update audit_head set frozen_at = $2 where tenant_id = $1 and frozen_at is null";
        if tenant_query!(self, execute, SQL, self.now)? == 0 {
            return Err(Error::Conflict(Conflict::AlreadyFrozen));
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.publish(Topic::Runners, self.tenant.0);
        Ok(())
    }

    /// Ends the freeze; runners get tasks again.
    pub async fn unfreeze(&mut self, proof: Allowed<UnfreezeTenant>) -> Result<()> {
        const SQL: &str = "update audit_head set frozen_at = null where tenant_id = $1 and frozen_at is not null";
        if tenant_query!(self, execute, SQL)? == 0 {
            return Err(Error::Conflict(Conflict::NotFrozen));
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.publish(Topic::Runners, self.tenant.0);
        Ok(())
    }

    /// Stops up to [`MAX_TASKS_PER_STOP`] tasks: cancels those that wait and asks the runners to stop those that run.
    /// Returns the number of tasks found, including those that ended in the meantime; a lower number than the maximum means
    /// that none are left.
    pub async fn stop_tasks(&mut self, proof: Allowed<StopTasks>) -> Result<usize> {
        const RUNNER: &str = "select count(*) as n from runner where tenant_id = $1 and id = $2";
        let (mut organization, mut runner, mut owner) = (None, None, None);
        match proof.action().whose {
            Stopped::WholeTenant => {}
            Stopped::Of(id) => {
                self.require_organization(id).await?;
                organization = Some(id);
            }
            Stopped::On(id) => {
                require_found(tenant_query!(self, Number, fetch_one, RUNNER, id)?)?;
                runner = Some(id);
            }
            Stopped::By(id) => {
                self.require_person(id).await?;
                owner = Some(id);
            }
        }
        self.conn.lift_deadline().await?; // an emergency stop must not fail because it takes long
        let tasks = tenant_query!(
            self,
            StoppableTask,
            fetch_all,
            "select id from task where tenant_id = $1 and state in ('awaiting_approval', 'queued', 'assigned', 'running')
                and not cancel_requested and ($2 is null or organization_id = $2) and ($3 is null or runner_id = $3)
                and ($4 is null or owner_id = $4)
             order by id limit $5",
            organization,
            runner,
            owner,
            i64::try_from(MAX_TASKS_PER_STOP).unwrap_or(i64::MAX)
        )?;
        let mut entries = vec![];
        for task in &tasks {
            match self.stop_task(task.id).await {
                Ok((was, _)) => entries.push(self.state_change_event(task.id, "task.stop", json!({ "was": was }))?),
                Err(Error::Conflict(_) | Error::NotFound) => {} // ended in the meantime
                Err(error) => return Err(error),
            }
        }
        let stopped = json!(entries.len());
        entries.push(self.entry(&proof)?.with_detail("stopped", stopped));
        self.record_all(entries).await?;
        Ok(tasks.len())
    }
}

/// Returns `NotFound` if the count is zero.
fn require_found(counted: Number) -> Result<()> {
    if counted.n == 0 { Err(Error::NotFound) } else { Ok(()) }
}
