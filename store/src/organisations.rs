//! Organisations, and who is in them.
use crate::{Error, Read, Result, Topic, Write, column::record, conn::scoped};
use domain::{
    Allowed, OrganisationId, PersonId, Timestamp,
    policy::{CreateOrganisation, RemoveMembership, SetMembership},
    role::Role,
    text,
};
use uuid::Uuid;

record! {
    /// An organisation.
    pub struct Organisation {
        /// Its id.
        pub id: OrganisationId,
        /// What people call it; unique in the tenant.
        pub name: String,
        /// When it was made.
        pub created_at: Timestamp,
    }
}

record! {
    /// A person in an organisation.
    pub struct Member {
        /// Who.
        pub person_id: PersonId,
        /// Their name.
        pub name: String,
        /// Their address.
        pub email: String,
        /// As what.
        pub role: Role,
        /// Since when.
        pub created_at: Timestamp,
    }
}

impl Read {
    /// The organisations that the actor is in; all of them for those who read everything.
    pub async fn organisations(&mut self) -> Result<Vec<Organisation>> {
        let (person, everything) = (self.viewer(), self.actor.reads_everything());
        let mut found = scoped!(
            self,
            Organisation,
            fetch_all,
            "select o.id, o.name, o.created_at from organisation o
             where o.tenant_id = $1 and ($3 or exists (select 1 from membership m
                where m.tenant_id = o.tenant_id and m.organisation_id = o.id and m.person_id = $2))
             order by o.name limit 1000",
            person,
            everything
        )?;
        found.retain(|organisation| self.actor.reaches(organisation.id));
        Ok(found)
    }

    /// One of them.
    pub async fn organisation(&mut self, id: OrganisationId) -> Result<Organisation> {
        if self.actor.role_in(id).is_none() && !self.actor.reads_everything() {
            return Err(Error::NotFound);
        }
        scoped!(
            self,
            Organisation,
            fetch_one,
            "select id, name, created_at from organisation where tenant_id = $1 and id = $2",
            id
        )
    }

    /// Who is in an organisation that the actor sees, by name.
    pub async fn members(&mut self, id: OrganisationId) -> Result<Vec<Member>> {
        self.organisation(id).await?;
        scoped!(
            self,
            Member,
            fetch_all,
            "select m.person_id, p.name, p.email, m.role, m.created_at from membership m
             join person p on p.tenant_id = m.tenant_id and p.id = m.person_id
             where m.tenant_id = $1 and m.organisation_id = $2 order by p.name, p.id limit 1000",
            id
        )
    }

    /// That a thing of this organisation can be there for the actor: for a key that is limited to another one it is not.
    pub(crate) fn reached(&self, organisation: OrganisationId) -> Result<()> {
        if self.actor.reaches(organisation) { Ok(()) } else { Err(Error::NotFound) }
    }

    /// That the actor is not limited to one organisation: what is counted over all of them is not there for it.
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

    /// Makes an organisation. A name that is taken is a conflict.
    pub async fn create_organisation(&mut self, proof: Allowed<CreateOrganisation>) -> Result<OrganisationId> {
        let id = OrganisationId(Uuid::now_v7());
        let name = text::name("name", &proof.action().name, 80)?;
        let made = scoped!(
            self,
            execute,
            "insert into organisation (tenant_id, id, name, created_at) values ($1, $2, $3, $4) on conflict do nothing",
            id,
            name,
            self.now
        )?;
        if made == 0 {
            return Err(Error::Conflict("There is an organisation of that name already."));
        }
        let entry = self.entry(&proof)?.on("organisation", id.to_string());
        self.record(entry).await?;
        Ok(id)
    }

    /// Puts a person into an organisation, or changes their role there. Their sessions get new ids.
    pub async fn set_membership(&mut self, proof: Allowed<SetMembership>) -> Result<()> {
        let &SetMembership { organisation, person, role } = proof.action();
        self.keep_an_owner(organisation, person, Some(role)).await?;
        let set = scoped!(
            self,
            execute,
            "insert into membership (tenant_id, organisation_id, person_id, role, created_at)
             select p.tenant_id, o.id, p.id, $4, $5 from person p join organisation o on o.tenant_id = p.tenant_id
             where p.tenant_id = $1 and o.id = $2 and p.id = $3
             on conflict (tenant_id, organisation_id, person_id) do update set role = excluded.role, provider = null",
            organisation,
            person,
            role,
            self.now
        );
        if set? == 0 {
            return Err(Error::NotFound);
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.rights_changed(person).await
    }

    /// Takes a person out of an organisation.
    pub async fn remove_membership(&mut self, proof: Allowed<RemoveMembership>) -> Result<()> {
        let &RemoveMembership { organisation, person } = proof.action();
        self.keep_an_owner(organisation, person, None).await?;
        let removed = scoped!(
            self,
            execute,
            "delete from membership where tenant_id = $1 and organisation_id = $2 and person_id = $3",
            organisation,
            person
        )?;
        if removed == 0 {
            return Err(Error::NotFound);
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.rights_changed(person).await
    }

    /// The last owner of an organisation stays one: somebody must be able to manage it.
    pub(crate) async fn keep_an_owner(
        &mut self,
        organisation: OrganisationId,
        person: PersonId,
        becomes: Option<Role>,
    ) -> Result<()> {
        // Writing the rows takes their locks: of two owners who remove each other one comes second.
        let owners = scoped!(
            self,
            Owner,
            fetch_all,
            "update membership set role = role where tenant_id = $1 and organisation_id = $2 and role = 'owner'
             returning person_id",
            organisation
        )?;
        match owners.as_slice() {
            [only] if only.person_id == person && becomes != Some(Role::Owner) => {
                Err(Error::Conflict("This is the last owner of the organisation. Make somebody else an owner first."))
            }
            _ => Ok(()),
        }
    }

    /// What a person may do changed: every session of theirs gets a new id at its next request.
    pub(crate) async fn rights_changed(&mut self, person: PersonId) -> Result<()> {
        scoped!(self, execute, "update session set rotate = true where tenant_id = $1 and person_id = $2", person)?;
        self.tell(Topic::People, person.0);
        Ok(())
    }
}

record! {
    /// An owner.
    pub struct Owner {
        /// Who.
        pub person_id: PersonId,
    }
}
