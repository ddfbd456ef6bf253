//! Service accounts: owners of keys that never sign in, each with a responsible person.
use crate::{
    Conflict, Error, Read, Result, Topic, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
        id::new_id,
        insert::insert,
    },
};
use domain::{
    Allowed, Invalid, PersonId, Timestamp,
    account::AccountNotice,
    policy::{CreateServiceAccount, TransferServiceAccount},
    role::TenantRole,
    text,
};

row_type! {
    pub struct ServiceAccount {
        pub id: PersonId,
        pub name: String,
        pub responsible_id: PersonId,
        pub responsible: String,
        pub created_at: Timestamp,
        /// Number of keys that are not revoked.
        pub keys: i64,
    }
}

row_type! {
    pub struct Responsible {
        /// The responsible person, if this is a service account.
        pub responsible_id: Option<PersonId>,
    }
}

/// Selects the service accounts that `$2` is responsible for, or all of them if `$3`.
macro_rules! own_service_accounts {
    ($more:literal) => {
        concat!(
            "select s.id, s.name, s.responsible_id, p.name as responsible, s.created_at, (select count(*) from api_key k
                where k.tenant_id = s.tenant_id and k.owner_id = s.id and k.revoked_at is null) as keys
             from person s join person p on p.tenant_id = s.tenant_id and p.id = s.responsible_id
             where s.tenant_id = $1 and s.responsible_id is not null and (s.responsible_id = $2 or $3) ",
            $more
        )
    };
}

/// Whether person `p` lacks a role at least as high as membership `w` in the same organization. A person with lower roles
/// would gain rights as the responsible person, who creates the service account's keys.
macro_rules! has_lower_role {
    () => {
        concat!(
            "not exists (select 1 from membership h
                where h.tenant_id = $1 and h.person_id = p.id and h.organization_id = w.organization_id and ",
            $crate::role_sql::role_rank!("h.role"),
            " >= ",
            $crate::role_sql::role_rank!("w.role"),
            ")"
        )
    };
}
pub(crate) use has_lower_role;

impl Read {
    /// Returns the actor's service accounts by name, or all of the tenant's for actors who can read everything.
    pub async fn service_accounts(&mut self) -> Result<Vec<ServiceAccount>> {
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        const SQL: &str = own_service_accounts!("order by s.name, s.id limit 500");
        tenant_query!(self, ServiceAccount, fetch_all, SQL, person, everything)
    }

    /// Returns one of these service accounts.
    pub async fn service_account(&mut self, id: PersonId) -> Result<ServiceAccount> {
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        tenant_query!(self, ServiceAccount, fetch_one, own_service_accounts!("and s.id = $4"), person, everything, id)
    }
}

impl Write {
    /// Creates a service account with a responsible person. In place of an address it has one under `.invalid` (RFC 2606),
    /// which receives no mail and cannot sign in.
    pub async fn create_service_account(&mut self, proof: Allowed<CreateServiceAccount>) -> Result<PersonId> {
        let id = PersonId(new_id());
        let CreateServiceAccount { name, responsible } = proof.action();
        const SQL: &str = "select responsible_id from person where tenant_id = $1 and id = $2";
        if tenant_query!(self, Responsible, fetch_one, SQL, *responsible)?.responsible_id.is_some() {
            return Err(Error::Conflict(Conflict::ResponsibleIsServiceAccount));
        }
        insert!(self, "person" {
            id: id,
            email: format!("{id}@service.invalid"),
            name: text::name("name", name, 80)?,
            tenant_role: TenantRole::Person,
            created_at: self.now,
            responsible_id: *responsible,
        })?;
        let entry = self.entry(&proof)?.on("person", id.to_string());
        self.record(entry).await?;
        self.publish(Topic::People, id.0);
        Ok(id)
    }

    /// Transfers a service account to another responsible person: an admin, or a person with the same or a higher role in
    /// each of its organizations. Its keys stay valid unless they are to be revoked.
    pub async fn transfer_service_account(&mut self, proof: Allowed<TransferServiceAccount>) -> Result<()> {
        let &TransferServiceAccount { account, responsible, successor, revoke } = proof.action();
        const HAND_ON: &str = "update person set responsible_id = $4
            where tenant_id = $1 and id = $2 and responsible_id = $3 returning name";
        if successor == responsible {
            return Err(Error::Conflict(Conflict::AlreadyResponsible));
        }
        self.lock_memberships(successor).await?;
        let called = tenant_query!(self, NameRow, fetch_one, HAND_ON, account, responsible, successor)?;
        if !self.can_be_responsible(successor, account).await? {
            let why = "must be an admin, or a member of every organization of the service account with the same or a higher role";
            return Err(Invalid::new("successor", why).into());
        }
        let revoked = if revoke { self.revoke_keys_of_owner(account).await? } else { 0 };
        let entry = self.entry(&proof)?.with_detail("keys_revoked", revoked.into());
        self.record(entry).await?;
        if self.actor.person() != Some(successor) {
            self.notify_person(successor, AccountNotice::ServiceAccountsGiven, &called.name).await?;
        }
        self.publish(Topic::People, account.0);
        Ok(())
    }

    /// Returns whether a person can be responsible for a service account: an admin, or a person with the same or a higher
    /// role in each of its organizations. Others would gain rights, because the responsible person creates its keys.
    pub(crate) async fn can_be_responsible(&mut self, person: PersonId, account: PersonId) -> Result<bool> {
        const ABLE: &str = concat!(
            "select count(*) as n from person p where p.tenant_id = $1 and p.id = $2 and p.locked_at is null
                and p.responsible_id is null and (p.tenant_role = 'admin' or not exists (select 1 from membership w
                    where w.tenant_id = $1 and w.person_id = $3 and ",
            has_lower_role!(),
            "))"
        );
        Ok(tenant_query!(self, Number, fetch_one, ABLE, person, account)?.n > 0)
    }
}

row_type! {
    pub struct NameRow {
        pub name: String,
    }
}
