//! Departures: leaving an organization or being removed from it, and what becomes of a member's tasks, keys and service accounts.
use crate::{
    Error, Member, Read, Result, Topic, Write,
    db::{
        column::{Number, row_type},
        conn::{Conn, tenant_query},
    },
    service_accounts::has_lower_role,
    tasks::OWNER_LEFT,
};
use domain::{
    Action, Allowed, Invalid, KeyId, OrganizationId, PersonId, TaskId,
    account::AccountNotice,
    audit::Entry,
    policy::{LeaveOrganization, RemoveMembership},
    task::TaskState,
};
use serde_json::json;

row_type! {
    /// A service account's id and name.
    pub struct ServiceAccountRef {
        pub id: PersonId,
        pub name: String,
    }
}

row_type! {
    /// Numbers of tasks and keys that a departure affects.
    pub struct AffectedCounts {
        /// Tasks that wait for approval or for a runner.
        pub waiting: i64,
        pub running: i64,
        /// Keys that are limited to this organization.
        pub keys: i64,
    }
}

row_type! {
    pub struct CancelledTask {
        pub id: TaskId,
    }
}

row_type! {
    pub struct RevokedKey {
        pub id: KeyId,
    }
}

row_type! {
    /// The kind of an account.
    pub struct AccountKind {
        /// The responsible person, if this is a service account.
        pub responsible_id: Option<PersonId>,
    }
}

/// The effects of a member's departure from an organization.
#[derive(Clone, Debug)]
pub struct Departure {
    pub member: Member,
    /// Number of their tasks that wait there; these are cancelled.
    pub waiting: i64,
    /// Number of their running tasks; these finish.
    pub running: i64,
    /// Number of their keys that are limited to this organization; these are revoked.
    pub keys: i64,
    /// Service accounts in the organization that they are responsible for; these need a successor.
    pub accounts: Vec<ServiceAccountRef>,
    /// Possible successors: members of every organization of these service accounts, with the same or a higher role.
    pub successors: Vec<Member>,
}

/// Selects the service accounts in organization `$2` that `$3` is responsible for.
macro_rules! accounts {
    ($what:literal) => {
        concat!(
            "select ",
            $what,
            " from person s join membership i on i.tenant_id = s.tenant_id and i.person_id = s.id and i.organization_id = $2
             where s.tenant_id = $1 and s.responsible_id = $3"
        )
    };
}

/// Selects the members of organization `$2` who can become responsible for them. A member with a lower role would gain
/// rights, because the responsible person can create keys.
macro_rules! eligible_successors {
    ($more:literal) => {
        concat!(
            "select p.id as person_id, p.name, p.email, m.role, m.created_at from membership m
             join person p on p.tenant_id = m.tenant_id and p.id = m.person_id
             where m.tenant_id = $1 and m.organization_id = $2 and m.person_id <> $3 and p.locked_at is null
                and p.responsible_id is null and not exists (select 1 from person s
                    join membership i on i.tenant_id = s.tenant_id and i.person_id = s.id and i.organization_id = $2
                    join membership w on w.tenant_id = s.tenant_id and w.person_id = s.id
                    where s.tenant_id = $1 and s.responsible_id = $3 and ",
            has_lower_role!(),
            ") ",
            $more
        )
    };
}

impl Read {
    /// Returns the effects of a member's departure, for the member and for actors who manage the organization or can read
    /// everything.
    pub async fn departure(&mut self, organization: OrganizationId, person: PersonId) -> Result<Departure> {
        if self.actor.person() != Some(person) {
            self.require_manager(organization)?;
        }
        let member = tenant_query!(
            self,
            Member,
            fetch_one,
            "select m.person_id, p.name, p.email, m.role, m.created_at from membership m
             join person p on p.tenant_id = m.tenant_id and p.id = m.person_id
             where m.tenant_id = $1 and m.organization_id = $2 and m.person_id = $3",
            organization,
            person
        )?;
        let AffectedCounts { waiting, running, keys } = tenant_query!(
            self,
            AffectedCounts,
            fetch_one,
            "select
                (select count(*) from task t where t.tenant_id = $1 and t.organization_id = $2 and t.owner_id = $3
                    and t.state in ('awaiting_approval', 'queued')) as waiting,
                (select count(*) from task t where t.tenant_id = $1 and t.organization_id = $2 and t.owner_id = $3
                    and t.state in ('assigned', 'running')) as running,
                (select count(*) from api_key k where k.tenant_id = $1 and k.organization_id = $2 and k.owner_id = $3
                    and k.revoked_at is null) as keys",
            organization,
            person
        )?;
        let accounts = tenant_query!(
            self,
            ServiceAccountRef,
            fetch_all,
            concat!(accounts!("s.id, s.name"), " order by s.name"),
            organization,
            person
        )?;
        let successors = match accounts.is_empty() {
            true => vec![],
            false => {
                const SQL: &str = eligible_successors!("order by p.name, p.id limit 1000");
                tenant_query!(self, Member, fetch_all, SQL, organization, person)?
            }
        };
        Ok(Departure { member, waiting, running, keys, accounts, successors })
    }
}

impl Write {
    /// Removes a person from an organization and notifies them.
    pub async fn remove_membership(&mut self, proof: Allowed<RemoveMembership>) -> Result<()> {
        let &RemoveMembership { organization, person, successor } = proof.action();
        self.end_membership(&proof, organization, person, successor).await?;
        const SQL: &str = "select responsible_id from person where tenant_id = $1 and id = $2";
        let is_person = tenant_query!(self, AccountKind, fetch_one, SQL, person)?.responsible_id.is_none();
        if is_person && self.actor.person() != Some(person) {
            let name = self.organization_name(organization).await?;
            self.notify_person(person, AccountNotice::MembershipRemoved, &name).await?;
        }
        Ok(())
    }

    /// Removes the actor from an organization.
    pub async fn leave_organization(&mut self, proof: Allowed<LeaveOrganization>) -> Result<()> {
        let &LeaveOrganization { organization, person, successor } = proof.action();
        self.end_membership(&proof, organization, person, successor).await
    }

    /// Ends a membership: cancels the member's waiting tasks there, revokes keys that are limited to the organization, and
    /// transfers the service accounts. Running tasks finish.
    async fn end_membership<A: Action>(
        &mut self,
        proof: &Allowed<A>,
        organization: OrganizationId,
        person: PersonId,
        successor: Option<PersonId>,
    ) -> Result<()> {
        self.conn.lift_deadline().await?; // the person can have thousands of waiting tasks
        let withdrawn = self.withdraw_confirmations(person, Some(organization)).await?;
        self.keep_last_owner(organization, person, None).await?;
        if let Some(successor) = successor {
            self.lock_memberships(successor).await?;
        }
        self.store_former_role(organization, person).await?;
        const DELETE_MEMBERSHIP: &str =
            "delete from membership where tenant_id = $1 and organization_id = $2 and person_id = $3";
        if tenant_query!(self, execute, DELETE_MEMBERSHIP, organization, person)? == 0 {
            return Err(Error::NotFound);
        }
        let accounts = self.transfer_service_accounts(organization, person, successor).await?;
        self.rotate_session_tokens(person).await?;
        let (mut entries, revoked) = self.end_former_member_access(organization, person).await?;
        let accounts: Vec<_> = accounts.iter().map(|account| account.id).collect();
        let entry = self
            .entry(proof)?
            .with_detail("cancelled", json!(entries.len()))
            .with_detail("keys_revoked", json!(revoked))
            .with_detail("service_accounts", json!(accounts));
        entries.push(entry);
        entries.extend(withdrawn);
        self.record_all(entries).await?;
        self.cancel_late_submissions(organization, person).await
    }

    /// Locks a successor's memberships before the service accounts. A successor who leaves one of the organizations at the
    /// same time either leaves first, and is rejected here, or leaves second and transfers the accounts.
    pub(crate) async fn lock_memberships(&mut self, successor: PersonId) -> Result<()> {
        const LOCK: &str = "update membership set role = role where tenant_id = $1 and person_id = $2";
        tenant_query!(self, execute, LOCK, successor)?;
        Ok(())
    }

    /// Cancels the waiting tasks of a former member, revokes the keys that are limited to the organization, and deletes the
    /// invitations that they created. Returns the audit events of the tasks and the number of revoked keys.
    pub(crate) async fn end_former_member_access(
        &mut self,
        organization: OrganizationId,
        person: PersonId,
    ) -> Result<(Vec<Entry>, usize)> {
        let cancelled = self.cancel_waiting(organization, person).await?;
        let revoked = tenant_query!(
            self,
            RevokedKey,
            fetch_all,
            "update api_key set revoked_at = $4 where tenant_id = $1 and owner_id = $2 and organization_id = $3
                and revoked_at is null returning id",
            person,
            organization,
            self.now
        )?;
        const DELETE_INVITATIONS: &str =
            "delete from invitation where tenant_id = $1 and organization_id = $2 and inviter_id = $3";
        tenant_query!(self, execute, DELETE_INVITATIONS, organization, person)?;
        for key in &revoked {
            self.publish(Topic::Keys, key.id.0);
        }
        self.publish(Topic::People, organization.0);
        let entries = cancelled.iter().map(|(task, was)| {
            self.state_change_event(*task, "task.stop", json!({ "was": was, "because": OWNER_LEFT }))
        });
        Ok((entries.collect::<Result<Vec<_>>>()?, revoked.len()))
    }

    /// Cancels the waiting and queued tasks of a person in an organization.
    async fn cancel_waiting(
        &mut self,
        organization: OrganizationId,
        person: PersonId,
    ) -> Result<Vec<(TaskId, TaskState)>> {
        let waiting = tenant_query!(
            self,
            CancelledTask,
            fetch_all,
            "select id from task where tenant_id = $1 and state in ('awaiting_approval', 'queued')
                and owner_id = $2 and organization_id = $3 order by id",
            person,
            organization
        )?;
        let mut cancelled = vec![];
        for task in waiting {
            match self.stop_task(task.id).await {
                Ok((was, _)) => cancelled.push((task.id, was)),
                Err(Error::Conflict(_) | Error::NotFound) => {} // ended in the meantime
                Err(error) => return Err(error),
            }
        }
        Ok(cancelled)
    }

    /// Cancels tasks submitted since [`Write::cancel_waiting`] ran. It runs after the departure is recorded: a submission
    /// records its event too and checks the membership afterwards. SQLite has a single writer, so it needs no second pass.
    async fn cancel_late_submissions(&mut self, organization: OrganizationId, person: PersonId) -> Result<()> {
        if matches!(self.conn, Conn::Sqlite(_)) {
            return Ok(());
        }
        // Rows locked by other transactions are skipped: those wait for the audit log that this transaction holds. A claim
        // checks the owner's membership itself.
        let late = tenant_query!(
            self,
            CancelledTask,
            fetch_all,
            "select id from task where tenant_id = $1 and state in ('awaiting_approval', 'queued')
                and owner_id = $2 and organization_id = $3 order by id for update skip locked",
            person,
            organization
        )?;
        for task in late {
            let (was, _) = self.stop_task(task.id).await?;
            let detail = json!({ "was": was, "because": OWNER_LEFT });
            self.record_state_change(task.id, "task.stop", detail).await?;
        }
        Ok(())
    }

    /// Transfers the service accounts of `person` in an organization to a successor and returns them.
    async fn transfer_service_accounts(
        &mut self,
        organization: OrganizationId,
        person: PersonId,
        successor: Option<PersonId>,
    ) -> Result<Vec<ServiceAccountRef>> {
        let accounts =
            tenant_query!(self, ServiceAccountRef, fetch_all, accounts!("s.id, s.name"), organization, person)?;
        if accounts.is_empty() {
            return Ok(accounts);
        }
        let wrong = |reason| Err(Invalid::new("successor", reason).into());
        let Some(successor) = successor else {
            return wrong("choose a new responsible person for the service accounts");
        };
        const IS_ELIGIBLE: &str =
            concat!("select count(*) as n from (", eligible_successors!("and p.id = $4"), ") eligible_successors");
        if tenant_query!(self, Number, fetch_one, IS_ELIGIBLE, organization, person, successor)?.n == 0 {
            return wrong(
                "must be a member of every organization of the service accounts, with the same or a higher role",
            );
        }
        const TRANSFER: &str = concat!(
            "update person set responsible_id = $4 where tenant_id = $1 and responsible_id = $3 and id in (",
            accounts!("s.id"),
            ")"
        );
        tenant_query!(self, execute, TRANSFER, organization, person, successor)?;
        if self.actor.person() != Some(successor) {
            let names: Vec<_> = accounts.iter().map(|account| account.name.as_str()).collect();
            self.notify_person(successor, AccountNotice::ServiceAccountsGiven, &names.join(", ")).await?;
        }
        for account in &accounts {
            self.publish(Topic::People, account.id.0);
        }
        Ok(accounts)
    }
}
