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
    policy::{EndBrowserSessions, FreezeTenant, LockPerson, StopTasks, Stopped, ThawTenant, UnlockPerson},
};
use serde_json::json;

/// How many tasks one transaction stops.
pub const MAX_TASKS_PER_STOP: usize = 500;

row_type! {
    /// Since when a tenant is frozen.
    pub struct Freeze {
        /// When it began, if it is.
        pub frozen_at: Option<Timestamp>,
    }
}

row_type! {
    /// Whose session ended.
    pub struct Holder {
        pub person_id: PersonId,
    }
}

row_type! {
    /// A task that is to stop.
    pub struct Standing {
        pub id: TaskId,
    }
}

impl Read {
    /// Since when the actor's tenant is frozen, if it is.
    pub async fn frozen_since(&mut self) -> Result<Option<Timestamp>> {
        const SQL: &str = "select frozen_at from audit_head where tenant_id = $1";
        Ok(tenant_query!(self, Freeze, fetch_one, SQL)?.frozen_at)
    }
}

impl Write {
    /// Locks a person out: ends their sessions; their keys stop working, and they cannot sign in.
    pub async fn lock_person(&mut self, proof: Allowed<LockPerson>) -> Result<()> {
        const LOCK: &str = "update person set locked_at = $3 where tenant_id = $1 and id = $2 and locked_at is null";
        let person = proof.action().person;
        self.know_person(person).await?;
        self.keep_an_admin(person).await?;
        if tenant_query!(self, execute, LOCK, person, self.now)? == 0 {
            return Err(Error::Conflict(Conflict::AlreadyLocked));
        }
        let ended = self.end_browser_sessions(person, None).await?;
        // What they handed out does not come to life again with them.
        const INVITED: &str = "delete from invitation where tenant_id = $1 and inviter_id = $2";
        tenant_query!(self, execute, INVITED, person)?;
        let entry = self.entry(&proof)?;
        self.record_both(entry, ended).await
    }

    /// Lets a person in again.
    pub async fn unlock_person(&mut self, proof: Allowed<UnlockPerson>) -> Result<()> {
        const SQL: &str =
            "update person set locked_at = null where tenant_id = $1 and id = $2 and locked_at is not null";
        let person = proof.action().person;
        self.know_person(person).await?;
        if tenant_query!(self, execute, SQL, person)? == 0 {
            return Err(Error::Conflict(Conflict::NotLocked));
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.publish(Topic::People, person.0);
        Ok(())
    }

    /// `NotFound` where there is no such organization.
    pub(crate) async fn know_organization(&mut self, organization: OrganizationId) -> Result<()> {
        const SQL: &str = "select count(*) as n from organization where tenant_id = $1 and id = $2";
        known(tenant_query!(self, Number, fetch_one, SQL, organization)?)
    }

    /// Of two admins who lock each other out at the same moment one comes second, and is refused: somebody must be there who
    /// lets people in again. The console may lock out everybody.
    async fn keep_an_admin(&mut self, person: PersonId) -> Result<()> {
        if self.actor.principal == Principal::Console {
            return Ok(());
        }
        // Writing the rows takes their locks.
        let admins = tenant_query!(
            self,
            Holder,
            fetch_all,
            "update person set tenant_role = tenant_role
             where tenant_id = $1 and tenant_role = 'admin' and locked_at is null returning id as person_id"
        )?;
        match admins.iter().any(|admin| admin.person_id != person) {
            true => Ok(()),
            false => Err(Error::Conflict(Conflict::LastAdminLocked)),
        }
    }

    /// `NotFound` where there is no such person.
    async fn know_person(&mut self, person: PersonId) -> Result<()> {
        const SQL: &str = "select count(*) as n from person where tenant_id = $1 and id = $2";
        known(tenant_query!(self, Number, fetch_one, SQL, person)?)
    }

    /// Ends all sessions that it is about but `this` one; says how many.
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
            None => tenant_query!(self, Holder, fetch_all, ALL, this)?,
            Some(person) => {
                self.know_person(person).await?;
                self.hold_person(person).await?;
                tenant_query!(self, Holder, fetch_all, ONES, this, person)?
            }
        };
        for holder in &ended {
            self.publish(Topic::People, holder.person_id.0);
        }
        let entry = self.entry(&proof)?.with_detail("ended", json!(ended.len()));
        self.record(entry).await?;
        Ok(ended.len())
    }

    /// Freezes the tenant: from now on most changes are a conflict, and nothing is handed to a runner.
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

    /// Ends the freeze: what waited is handed out again.
    pub async fn thaw(&mut self, proof: Allowed<ThawTenant>) -> Result<()> {
        const SQL: &str = "update audit_head set frozen_at = null where tenant_id = $1 and frozen_at is not null";
        if tenant_query!(self, execute, SQL)? == 0 {
            return Err(Error::Conflict(Conflict::NotFrozen));
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.publish(Topic::Runners, self.tenant.0);
        Ok(())
    }

    /// Stops tasks, [`MAX_TASKS_PER_STOP`] at most: ends those that wait, and tells the runners of those that run. Says how many it
    /// found, those that ended meanwhile among them; fewer than that many are all that there were.
    pub async fn stop_tasks(&mut self, proof: Allowed<StopTasks>) -> Result<usize> {
        const RUNNER: &str = "select count(*) as n from runner where tenant_id = $1 and id = $2";
        let (mut organization, mut runner, mut owner) = (None, None, None);
        match proof.action().whose {
            Stopped::WholeTenant => {}
            Stopped::Of(id) => {
                self.know_organization(id).await?;
                organization = Some(id);
            }
            Stopped::On(id) => {
                known(tenant_query!(self, Number, fetch_one, RUNNER, id)?)?;
                runner = Some(id);
            }
            Stopped::By(id) => {
                self.know_person(id).await?;
                owner = Some(id);
            }
        }
        let tasks = tenant_query!(
            self,
            Standing,
            fetch_all,
            "select id from task where tenant_id = $1 and state in ('awaiting_approval', 'queued', 'assigned', 'running')
                and not cancel_asked and ($2 is null or organization_id = $2) and ($3 is null or runner_id = $3)
                and ($4 is null or owner_id = $4)
             order by id limit $5",
            organization,
            runner,
            owner,
            i64::try_from(MAX_TASKS_PER_STOP).unwrap_or(i64::MAX)
        )?;
        let mut entries = vec![];
        for task in &tasks {
            match self.stop(task.id).await {
                Ok((was, _)) => entries.push(self.moved(task.id, "task.stop", json!({ "was": was }))?),
                Err(Error::Conflict(_) | Error::NotFound) => {} // it ended meanwhile
                Err(error) => return Err(error),
            }
        }
        let stopped = json!(entries.len());
        entries.push(self.entry(&proof)?.with_detail("stopped", stopped));
        self.record_all(entries).await?;
        Ok(tasks.len())
    }
}

/// `NotFound` where nothing was counted.
fn known(counted: Number) -> Result<()> {
    if counted.n == 0 { Err(Error::NotFound) } else { Ok(()) }
}
