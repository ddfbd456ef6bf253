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
    /// An organization.
    pub struct Organization {
        pub id: OrganizationId,
        /// What people call it; unique in the tenant.
        pub name: String,
        pub created_at: Timestamp,
        /// Since when it is archived, if it is: it is read, and nothing happens in it.
        pub archived_at: Option<Timestamp>,
        /// Whether people of the tenant may ask to join.
        pub open_to_requests: bool,
    }
}

row_type! {
    /// A person in an organization.
    pub struct Member {
        pub person_id: PersonId,
        pub name: String,
        /// Their address; empty for a service account, which has none.
        pub email: String,
        pub role: Role,
        /// Since when.
        pub created_at: Timestamp,
    }
}

/// What keeps an organization from being archived.
const OPEN_TASKS: &str = "select count(*) as n from task where tenant_id = $1 and organization_id = $2
    and state in ('awaiting_approval', 'queued', 'assigned', 'running')";

/// The organizations that `$2` is in, or all of them where `$3`.
macro_rules! mine {
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
    /// The organizations that the actor is in and that are not archived; all of those for who reads everything.
    pub async fn organizations(&mut self) -> Result<Vec<Organization>> {
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        let mut found =
            tenant_query!(self, Organization, fetch_all, mine!("o.archived_at is null"), person, everything)?;
        found.retain(|organization| self.actor.reaches(organization.id));
        Ok(found)
    }

    /// The same of those that are archived.
    pub async fn archived_organizations(&mut self) -> Result<Vec<Organization>> {
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        let mut found =
            tenant_query!(self, Organization, fetch_all, mine!("o.archived_at is not null"), person, everything)?;
        found.retain(|organization| self.actor.reaches(organization.id));
        Ok(found)
    }

    /// How many tasks run or wait in an organization, for those who manage it or read everything: what keeps it from being
    /// archived.
    pub async fn open_task_count(&mut self, id: OrganizationId) -> Result<i64> {
        self.managed(id)?;
        Ok(tenant_query!(self, Number, fetch_one, OPEN_TASKS, id)?.n)
    }

    /// That the actor is an owner of an organization, or reads everything: for others what only they see is not there.
    pub(crate) fn managed(&self, id: OrganizationId) -> Result<()> {
        match self.actor.role_in(id) == Some(Role::Owner) || self.actor.can_read_everything() {
            true => Ok(()),
            false => Err(Error::NotFound),
        }
    }

    /// One of them.
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

    /// The organization that is called so, archived or not, or else the last one that was: for who reads everything.
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

    /// Who is in an organization that the actor sees, by name.
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

    /// That a thing of this organization can be there for the actor: for a key that is limited to another one it is not.
    pub(crate) fn reached(&self, organization: OrganizationId) -> Result<()> {
        if self.actor.reaches(organization) { Ok(()) } else { Err(Error::NotFound) }
    }

    /// That the actor is not limited to one organization: what is counted over all of them is not there for it.
    pub(crate) fn whole(&self) -> Result<()> {
        if self.actor.only.is_none() { Ok(()) } else { Err(Error::NotFound) }
    }

    /// The person behind the actor, or nobody's id.
    pub(crate) fn viewer(&self) -> PersonId {
        self.actor.person().unwrap_or(PersonId(Uuid::nil()))
    }
}

impl Write {
    pub(crate) fn viewer(&self) -> PersonId {
        self.actor.person().unwrap_or(PersonId(Uuid::nil()))
    }

    /// Makes an organization. A name that is taken is a conflict.
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

    /// Gives an organization another name. One that is taken is a conflict. What it was called still leads group rules to it,
    /// until another organization is called so; that is an admin's to do, for an owner would come by the other's rules.
    pub async fn rename_organization(&mut self, proof: Allowed<RenameOrganization>) -> Result<()> {
        const SQL: &str = "update organization set name = $3 where tenant_id = $1 and id = $2";
        let id = proof.action().organization;
        let name = text::name("name", &proof.action().name, 80)?;
        // Written first, so that of two who rename it at once the second knows the first one's name.
        tenant_query!(self, execute, "update organization set name = name where tenant_id = $1 and id = $2", id)?;
        let was = self.called(id).await?;
        match tenant_query!(self, execute, SQL, id, name.clone()) {
            Err(error) if error.is_duplicate() => return Err(Error::Conflict(Conflict::OrganizationNameTaken)),
            renamed => renamed?,
        };
        // Only now: who belonged to another organization a moment ago has let go of the name, and stands among the former ones.
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
        self.in_use(id).await?;
        self.publish(Topic::People, id.0);
        Ok(())
    }

    /// Archives an organization in which no task runs or waits.
    pub async fn archive_organization(&mut self, proof: Allowed<ArchiveOrganization>) -> Result<()> {
        const SQL: &str =
            "update organization set archived_at = $3 where tenant_id = $1 and id = $2 and archived_at is null";
        let id = proof.action().organization;
        self.called(id).await?;
        if tenant_query!(self, execute, SQL, id, self.now)? == 0 {
            return Err(Error::Conflict(Conflict::OrganizationAlreadyArchived));
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        // Only now: who submits records it too, and looks afterwards whether the organization is in use. Of the two one comes
        // second and sees the other.
        match tenant_query!(self, Number, fetch_one, OPEN_TASKS, id)?.n {
            0 => {}
            open => return Err(Error::OpenTasks(open)),
        }
        self.publish(Topic::People, id.0);
        Ok(())
    }

    /// Brings an archived organization back.
    pub async fn restore_organization(&mut self, proof: Allowed<RestoreOrganization>) -> Result<()> {
        const SQL: &str =
            "update organization set archived_at = null where tenant_id = $1 and id = $2 and archived_at is not null";
        let id = proof.action().organization;
        self.called(id).await?;
        if tenant_query!(self, execute, SQL, id)? == 0 {
            return Err(Error::Conflict(Conflict::OrganizationNotArchived));
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.publish(Topic::People, id.0);
        Ok(())
    }

    /// What an organization is called; `NotFound` where there is none.
    pub(crate) async fn called(&mut self, id: OrganizationId) -> Result<String> {
        const SQL: &str = "select name, archived_at from organization where tenant_id = $1 and id = $2";
        Ok(tenant_query!(self, Standing, fetch_one, SQL, id)?.name)
    }

    /// That an organization is not archived. Asked after what is done in it was recorded: the audit log's lock makes one of
    /// this and archiving the second.
    pub(crate) async fn in_use(&mut self, id: OrganizationId) -> Result<()> {
        const SQL: &str = "select name, archived_at from organization where tenant_id = $1 and id = $2";
        match tenant_query!(self, Standing, fetch_one, SQL, id)?.archived_at {
            None => Ok(()),
            Some(_) => Err(Error::Conflict(Conflict::OrganizationArchived)),
        }
    }

    /// What a person may do changed: every session of theirs gets a new id at its next request. Before it is recorded, as who
    /// ends sessions takes these rows first and the log afterwards.
    pub(crate) async fn rights_changed(&mut self, person: PersonId) -> Result<()> {
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
    /// How an organization stands.
    pub struct Standing {
        pub name: String,
        /// Since when it is archived, if it is.
        pub archived_at: Option<Timestamp>,
    }
}
