//! Organizations: their list, members, names, and archive.
use crate::{
    Conflict, Error, Read, Result, Topic, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
        id::new_id,
    },
};
use domain::{
    Allowed, OrganizationId, PersonId, Timestamp,
    policy::{ArchiveOrganization, CreateOrganization, RenameOrganization, RestoreOrganization},
    role::Role,
    text,
};
use uuid::Uuid;

row_type! {
    pub struct Organization {
        pub id: OrganizationId,
        /// Unique in the tenant.
        pub name: String,
        pub created_at: Timestamp,
        /// When it was archived. An archived organization is read-only.
        pub archived_at: Option<Timestamp>,
        /// Whether people of the tenant can request to join.
        pub open_to_requests: bool,
    }
}

row_type! {
    /// A member of an organization.
    pub struct Member {
        pub person_id: PersonId,
        pub name: String,
        /// Email address; empty for a service account.
        pub email: String,
        pub role: Role,
        pub created_at: Timestamp,
    }
}

/// Counts the open tasks of an organization; while there are any, it cannot be archived.
const OPEN_TASKS: &str = "select count(*) as n from task where tenant_id = $1 and organization_id = $2
    and state in ('awaiting_approval', 'queued', 'assigned', 'running')";

/// Selects the organizations of `$2`, or all of them if `$3`.
macro_rules! own_organizations {
    ($condition:literal) => {
        concat!(
            "select o.id, o.name, o.created_at, o.archived_at, o.open_to_requests from organization o
             where o.tenant_id = $1 and ($3 or exists (select 1 from membership m
                where m.tenant_id = o.tenant_id and m.organization_id = o.id and m.person_id = $2)) and ",
            $condition,
            " order by o.name limit 1000"
        )
    };
}

impl Read {
    /// Returns the actor's organizations that are not archived, or all of these for actors who can read everything.
    pub async fn organizations(&mut self) -> Result<Vec<Organization>> {
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        let mut found = tenant_query!(
            self,
            Organization,
            fetch_all,
            own_organizations!("o.archived_at is null"),
            person,
            everything
        )?;
        found.retain(|organization| self.actor.reaches(organization.id));
        Ok(found)
    }

    /// Returns the actor's archived organizations, or all of these for actors who can read everything.
    pub async fn archived_organizations(&mut self) -> Result<Vec<Organization>> {
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        let mut found = tenant_query!(
            self,
            Organization,
            fetch_all,
            own_organizations!("o.archived_at is not null"),
            person,
            everything
        )?;
        found.retain(|organization| self.actor.reaches(organization.id));
        Ok(found)
    }

    /// Returns the number of open tasks of an organization, for actors who manage it or can read everything. It cannot be
    /// archived while there are any.
    pub async fn open_task_count(&mut self, id: OrganizationId) -> Result<i64> {
        self.require_manager(id)?;
        Ok(tenant_query!(self, Number, fetch_one, OPEN_TASKS, id)?.n)
    }

    /// Returns `NotFound` unless the actor is an owner of the organization or can read everything.
    pub(crate) fn require_manager(&self, id: OrganizationId) -> Result<()> {
        match self.actor.role_in(id) == Some(Role::Owner) || self.actor.can_read_everything() {
            true => Ok(()),
            false => Err(Error::NotFound),
        }
    }

    /// Returns one of the organizations that the actor can see.
    pub async fn organization(&mut self, id: OrganizationId) -> Result<Organization> {
        if self.actor.role_in(id).is_none() && !self.actor.can_read_everything() {
            return Err(Error::NotFound);
        }
        tenant_query!(
            self,
            Organization,
            fetch_one,
            "select id, name, created_at, archived_at, open_to_requests from organization where tenant_id = $1 and id = $2",
            id
        )
    }

    /// Returns the organization with this name, archived or not, or the last one that had it, for actors who can read
    /// everything.
    pub async fn organization_by_name(&mut self, name: &str) -> Result<Organization> {
        if !self.actor.can_read_everything() {
            return Err(Error::NotFound);
        }
        tenant_query!(
            self,
            Organization,
            fetch_one,
            "select id, name, created_at, archived_at, open_to_requests from organization where tenant_id = $1 and id = coalesce(
                (select id from organization where tenant_id = $1 and name = $2),
                (select organization_id from organization_former_name where tenant_id = $1 and name = $2))",
            name.to_owned()
        )
    }

    /// Returns the members of an organization that the actor sees, by name.
    pub async fn members(&mut self, id: OrganizationId) -> Result<Vec<Member>> {
        self.organization(id).await?;
        tenant_query!(
            self,
            Member,
            fetch_all,
            "select m.person_id, p.name, case when p.responsible_id is null then p.email else '' end as email, m.role,
                m.created_at
             from membership m join person p on p.tenant_id = m.tenant_id and p.id = m.person_id
             where m.tenant_id = $1 and m.organization_id = $2 order by p.name, p.id limit 1000",
            id
        )
    }

    /// Returns `NotFound` if the actor's key is limited to another organization.
    pub(crate) fn require_key_access(&self, organization: OrganizationId) -> Result<()> {
        if self.actor.reaches(organization) { Ok(()) } else { Err(Error::NotFound) }
    }

    /// Returns `NotFound` if the actor's key is limited to one organization, for figures that span all of them.
    pub(crate) fn require_unlimited_key(&self) -> Result<()> {
        if self.actor.only.is_none() { Ok(()) } else { Err(Error::NotFound) }
    }

    /// Returns the actor's person id, or the nil id.
    pub(crate) fn viewer(&self) -> PersonId {
        self.actor.person().unwrap_or(PersonId(Uuid::nil()))
    }
}

impl Write {
    pub(crate) fn viewer(&self) -> PersonId {
        self.actor.person().unwrap_or(PersonId(Uuid::nil()))
    }

    /// Creates an organization. A name that is in use is a conflict.
    pub async fn create_organization(&mut self, proof: Allowed<CreateOrganization>) -> Result<OrganizationId> {
        let id = OrganizationId(new_id());
        let name = text::name("name", &proof.action().name, 80)?;
        let made = tenant_query!(
            self,
            execute,
            "insert into organization (tenant_id, id, name, created_at) values ($1, $2, $3, $4) on conflict do nothing",
            id,
            name,
            self.now
        )?;
        if made == 0 {
            return Err(Error::Conflict(Conflict::OrganizationNameTaken));
        }
        let entry = self.entry(&proof)?.on("organization", id.to_string());
        self.record(entry).await?;
        Ok(id)
    }

    /// Renames an organization. A name that is in use is a conflict. Group rules still find it by its former name until
    /// another organization has that name; taking over a former name is reserved for admins, because an owner would take
    /// over the group rules too.
    pub async fn rename_organization(&mut self, proof: Allowed<RenameOrganization>) -> Result<()> {
        const SQL: &str = "update organization set name = $3 where tenant_id = $1 and id = $2";
        let id = proof.action().organization;
        let name = text::name("name", &proof.action().name, 80)?;
        // The update comes first, so that of two concurrent renames the second reads the name set by the first.
        tenant_query!(self, execute, "update organization set name = name where tenant_id = $1 and id = $2", id)?;
        let was = self.organization_name(id).await?;
        match tenant_query!(self, execute, SQL, id, name.clone()) {
            Err(error) if error.is_duplicate() => return Err(Error::Conflict(Conflict::OrganizationNameTaken)),
            renamed => renamed?,
        };
        // Checked after the update: an organization that gave up this name concurrently now has it among its former names.
        const OTHERS: &str = "select count(*) as n from organization_former_name where tenant_id = $1 and name = $2 and organization_id <> $3";
        if !self.actor.is_admin() && tenant_query!(self, Number, fetch_one, OTHERS, name, id)?.n > 0 {
            return Err(Error::Conflict(Conflict::OrganizationNameFormer));
        }
        const FORMER: &str =
            "insert into organization_former_name (tenant_id, name, organization_id) values ($1, $2, $3)
            on conflict (tenant_id, name) do update set organization_id = excluded.organization_id";
        tenant_query!(self, execute, FORMER, was.clone(), id)?;
        let entry = self.entry(&proof)?.with_detail("was", was.into());
        self.record(entry).await?;
        self.require_not_archived(id).await?;
        self.publish(Topic::People, id.0);
        Ok(())
    }

    /// Archives an organization without open tasks.
    pub async fn archive_organization(&mut self, proof: Allowed<ArchiveOrganization>) -> Result<()> {
        const SQL: &str =
            "update organization set archived_at = $3 where tenant_id = $1 and id = $2 and archived_at is null";
        let id = proof.action().organization;
        self.organization_name(id).await?;
        if tenant_query!(self, execute, SQL, id, self.now)? == 0 {
            return Err(Error::Conflict(Conflict::OrganizationAlreadyArchived));
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        // Checked after the event is recorded: a submission records its event too and then checks that the organization is
        // not archived, so one of the two sees the other.
        match tenant_query!(self, Number, fetch_one, OPEN_TASKS, id)?.n {
            0 => {}
            open => return Err(Error::OpenTasks(open)),
        }
        self.publish(Topic::People, id.0);
        Ok(())
    }

    /// Restores an archived organization.
    pub async fn restore_organization(&mut self, proof: Allowed<RestoreOrganization>) -> Result<()> {
        const SQL: &str =
            "update organization set archived_at = null where tenant_id = $1 and id = $2 and archived_at is not null";
        let id = proof.action().organization;
        self.organization_name(id).await?;
        if tenant_query!(self, execute, SQL, id)? == 0 {
            return Err(Error::Conflict(Conflict::OrganizationNotArchived));
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.publish(Topic::People, id.0);
        Ok(())
    }

    /// Returns the name of an organization, or `NotFound`.
    pub(crate) async fn organization_name(&mut self, id: OrganizationId) -> Result<String> {
        const SQL: &str = "select name, archived_at from organization where tenant_id = $1 and id = $2";
        Ok(tenant_query!(self, ArchiveState, fetch_one, SQL, id)?.name)
    }

    /// Returns a conflict if an organization is archived. Callers record their event first: the lock on the audit log
    /// orders them and the archiving.
    pub(crate) async fn require_not_archived(&mut self, id: OrganizationId) -> Result<()> {
        const SQL: &str = "select name, archived_at from organization where tenant_id = $1 and id = $2";
        match tenant_query!(self, ArchiveState, fetch_one, SQL, id)?.archived_at {
            None => Ok(()),
            Some(_) => Err(Error::Conflict(Conflict::OrganizationArchived)),
        }
    }

    /// Schedules a new token for every session of a person whose rights changed. Callers do this before they record the
    /// event, because session rows are always locked before the audit log.
    pub(crate) async fn rotate_session_tokens(&mut self, person: PersonId) -> Result<()> {
        tenant_query!(
            self,
            execute,
            "update browser_session set rotate = true where tenant_id = $1 and person_id = $2",
            person
        )?;
        self.publish(Topic::People, person.0);
        Ok(())
    }
}

row_type! {
    pub struct ArchiveState {
        pub name: String,
        pub archived_at: Option<Timestamp>,
    }
}
