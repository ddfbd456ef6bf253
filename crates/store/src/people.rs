//! People of a tenant: their list, creation and roles.
use crate::{
    Applied, Conflict, Error, Read, Result, Topic, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
        id::new_id,
        insert::insert,
    },
    search_text::search_text,
};
use domain::{
    Allowed, OrganizationId, PersonId, Timestamp,
    account::{AccountChange, AccountNotice},
    audit::Outcome,
    confirmation::ProtectedChange,
    policy::{CreatePerson, SetTenantRole},
    role::{Role, TenantRole},
    text,
};
use serde_json::json;

row_type! {
    pub struct Person {
        pub id: PersonId,
        /// Email address, also used to sign in.
        pub email: String,
        pub name: String,
        pub tenant_role: TenantRole,
        pub has_password: bool,
        pub locked_at: Option<Timestamp>,
        pub created_at: Timestamp,
    }
}

row_type! {
    /// A person's role in one organization.
    pub struct Membership {
        pub organization_id: OrganizationId,
        pub organization: String,
        pub role: Role,
    }
}

impl Read {
    /// Returns the tenant's people by address, after `after`, for actors who can read everything; empty for others.
    pub async fn people(&mut self, after: &str, limit: u32) -> Result<Vec<Person>> {
        if !self.actor.can_read_everything() {
            return Ok(vec![]);
        }
        tenant_query!(
            self,
            Person,
            fetch_all,
            "select id, email, name, tenant_role, password_hash is not null as has_password, locked_at, created_at from person
             where tenant_id = $1 and email > $2 and responsible_id is null order by email limit $3",
            after.to_owned(),
            limit
        )
    }

    /// Returns the actor's own row, or any person's for actors who can read everything.
    pub async fn person(&mut self, id: PersonId) -> Result<Person> {
        if !self.actor.can_read_everything() && self.actor.person() != Some(id) {
            return Err(Error::NotFound);
        }
        tenant_query!(
            self,
            Person,
            fetch_one,
            "select id, email, name, tenant_role, password_hash is not null as has_password, locked_at, created_at from person
             where tenant_id = $1 and id = $2",
            id
        )
    }

    /// Returns the person with an address, for owners who add people to their organization.
    pub async fn person_by_email(&mut self, email: &domain::Email) -> Result<PersonId> {
        let owns = self.actor.roles.values().any(|role| *role == Role::Owner);
        if !owns && !self.actor.can_read_everything() {
            return Err(Error::NotFound);
        }
        let found = tenant_query!(
            self,
            PersonKey,
            fetch_one,
            "select id from person where tenant_id = $1 and email = $2 and responsible_id is null",
            email.clone()
        )?;
        Ok(found.id)
    }

    /// Returns a person's roles by organization: the actor's own, those of their service accounts, or anyone's for actors
    /// who can read everything.
    pub async fn memberships(&mut self, person: PersonId) -> Result<Vec<Membership>> {
        match self.service_account(person).await {
            Err(Error::NotFound) => drop(self.person(person).await?),
            found => drop(found?),
        }
        tenant_query!(
            self,
            Membership,
            fetch_all,
            "select m.organization_id, o.name as organization, m.role from membership m
             join organization o on o.tenant_id = m.tenant_id and o.id = m.organization_id
             where m.tenant_id = $1 and m.person_id = $2 order by o.name limit 1000",
            person
        )
    }
}

row_type! {
    pub struct PersonKey {
        pub id: PersonId,
    }
}

impl Write {
    /// Creates a person without a password. An address that is in use in the tenant is a conflict. A new admin may have to be confirmed,
    /// and has no role in the tenant until then.
    pub async fn create_person(&mut self, proof: Allowed<CreatePerson>) -> Result<PersonId> {
        let id = PersonId(new_id());
        let CreatePerson { email, name, tenant_role } = proof.action();
        let (managers, maker) = (self.managers().await?, self.maker());
        let made = insert!(self, "person" {
            id: id,
            email: email.clone(),
            name: text::name("name", name, 80)?,
            search_text: search_text(name, email),
            tenant_role: *tenant_role,
            created_at: self.now,
        });
        match made {
            Err(error) if error.is_duplicate() => return Err(Error::Conflict(Conflict::AddressInUse)),
            other => other?,
        };
        let mut entry = self.entry(&proof)?.on("person", id.to_string());
        self.follow_account_change(id, AccountChange::Creation, &maker, &managers).await?;
        if *tenant_role == TenantRole::Admin {
            let change = ProtectedChange::TenantRole { person: id, tenant_role: *tenant_role };
            if self.awaits_confirmation(change, &maker, &managers).await? {
                const SQL: &str = "update person set tenant_role = 'person' where tenant_id = $1 and id = $2";
                tenant_query!(self, execute, SQL, id)?;
                entry = entry
                    .with_detail("tenant_role", json!(TenantRole::Person))
                    .with_detail("pending", json!(tenant_role));
            } else {
                self.follow_account_change(id, AccountChange::Role, &maker, &managers).await?;
            }
        }
        self.record(entry).await?;
        self.publish(Topic::People, id.0);
        Ok(id)
    }

    /// Changes a person's role in the tenant; the last admin keeps it. A new admin may have to be confirmed.
    pub async fn set_tenant_role(&mut self, proof: Allowed<SetTenantRole>) -> Result<Applied> {
        let &SetTenantRole { person, tenant_role } = proof.action();
        let change = ProtectedChange::TenantRole { person, tenant_role };
        if tenant_role == TenantRole::Admin {
            self.lock_confirmation(&change).await?;
        }
        // The update locks the rows, so that two admins cannot demote each other at the same time.
        let admins = tenant_query!(
            self,
            PersonKey,
            fetch_all,
            "update person set tenant_role = tenant_role
             where tenant_id = $1 and tenant_role = 'admin' and locked_at is null returning id"
        )?;
        if matches!(admins.as_slice(), [only] if only.id == person) && tenant_role != TenantRole::Admin {
            return Err(Error::Conflict(Conflict::LastAdmin));
        }
        let becomes_admin = tenant_role == TenantRole::Admin && !admins.iter().any(|admin| admin.id == person);
        if self.confirmed.is_some() && !becomes_admin {
            return Err(Error::Conflict(Conflict::ConfirmationOutdated));
        }
        let (managers, maker) = (self.managers().await?, self.maker());
        if becomes_admin && self.is_person(person).await? && self.awaits_confirmation(change, &maker, &managers).await?
        {
            return Ok(Applied::AfterConfirmation);
        }
        if tenant_role != TenantRole::Admin {
            self.store_former_admin(person).await?;
        }
        let set = tenant_query!(
            self,
            execute,
            "update person set tenant_role = $3 where tenant_id = $1 and id = $2 and responsible_id is null",
            person,
            tenant_role
        )?;
        if set == 0 {
            return Err(Error::NotFound);
        }
        match becomes_admin {
            true => self.revoke_open_access(person).await?,
            false => self.delete_void_invitations(person).await?,
        }
        self.rotate_session_tokens(person).await?;
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        if becomes_admin {
            self.follow_account_change(person, AccountChange::Role, &maker, &managers).await?;
        }
        Ok(Applied::Now)
    }

    /// Stores a new password hash (Argon2, PHC form) and ends all sessions of the person.
    pub async fn set_password(&mut self, person: PersonId, hash: &str) -> Result<()> {
        let had = tenant_query!(
            self,
            Number,
            fetch_one,
            "select count(*) as n from person where tenant_id = $1 and id = $2 and password_hash is not null",
            person
        )?;
        let set = tenant_query!(
            self,
            execute,
            "update person set password_hash = $3 where tenant_id = $1 and id = $2 and responsible_id is null",
            person,
            hash.to_owned()
        )?;
        if set == 0 {
            return Err(Error::NotFound);
        }
        let ended = self.end_browser_sessions(person, None).await?;
        let target = ("person", person.to_string());
        let entry = self.event("person.password_set", target, Outcome::Done, serde_json::Value::Null)?;
        self.record_both(entry, ended).await?;
        if had.n > 0 {
            self.notify_person(person, AccountNotice::PasswordChanged, "").await?;
        }
        Ok(())
    }
}
