//! Service accounts: owners of keys that are no persons. They never sign in, and somebody answers for each.
use crate::{Error, Read, Result, Topic, Write, column::record, conn::scoped};
use domain::{Allowed, PersonId, Timestamp, policy::CreateServiceAccount, role::TenantRole, text};
use uuid::Uuid;

record! {
    /// A service account.
    pub struct ServiceAccount {
        /// Its id.
        pub id: PersonId,
        /// What people call it.
        pub name: String,
        /// Who answers for it.
        pub responsible_id: PersonId,
        /// Their name.
        pub responsible: String,
        /// When it was made.
        pub created_at: Timestamp,
        /// How many keys of it are not revoked.
        pub keys: i64,
    }
}

record! {
    /// Whether somebody is a person.
    pub struct Responsible {
        /// Who answers for them, if they are none.
        pub responsible_id: Option<PersonId>,
    }
}

impl Read {
    /// Those that the actor answers for, by name; all of the tenant for those who read everything.
    pub async fn service_accounts(&mut self) -> Result<Vec<ServiceAccount>> {
        let (person, everything) = (self.viewer(), self.actor.reads_everything());
        scoped!(
            self,
            ServiceAccount,
            fetch_all,
            "select s.id, s.name, s.responsible_id, p.name as responsible, s.created_at, (select count(*) from api_key k
                where k.tenant_id = s.tenant_id and k.owner_id = s.id and k.revoked_at is null) as keys
             from person s join person p on p.tenant_id = s.tenant_id and p.id = s.responsible_id
             where s.tenant_id = $1 and s.responsible_id is not null and (s.responsible_id = $2 or $3)
             order by s.name, s.id limit 500",
            person,
            everything
        )
    }
}

impl Write {
    /// Makes a service account that a person of the tenant answers for. It has no address: what stands in its place is
    /// under `.invalid` (RFC 2606), where no mail goes and nobody signs in.
    pub async fn create_service_account(&mut self, proof: Allowed<CreateServiceAccount>) -> Result<PersonId> {
        let id = PersonId(Uuid::now_v7());
        let CreateServiceAccount { name, responsible } = proof.action();
        const SQL: &str = "select responsible_id from person where tenant_id = $1 and id = $2";
        if scoped!(self, Responsible, fetch_one, SQL, *responsible)?.responsible_id.is_some() {
            return Err(Error::Conflict("A person answers for a service account, not another service account."));
        }
        scoped!(
            self,
            execute,
            "insert into person (tenant_id, id, email, name, tenant_role, created_at, responsible_id)
             values ($1, $2, $3, $4, $5, $6, $7)",
            id,
            format!("{id}@service.invalid"),
            text::name("name", name, 80)?,
            TenantRole::Person,
            self.now,
            *responsible
        )?;
        let entry = self.entry(&proof)?.on("person", id.to_string());
        self.record(entry).await?;
        self.tell(Topic::People, id.0);
        Ok(id)
    }
}
