//! API keys: shown once, stored as hashes (M-01).
mod change;
mod expiry;

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
    Allowed, Invalid, KeyId, Networks, OrganizationId, PersonId, Principal, Timestamp,
    policy::{CreateKey, RevokeKey, RevokeKeysOf, RotateKey},
    role::{Role, TenantRole},
    scope::{Scope, Scopes},
    text,
};
use serde_json::json;
use std::time::Duration;

/// Period before a key's expiry in which its pages and responses warn.
pub const KEY_EXPIRY_NOTICE: Duration = Duration::from_hours(14 * 24);

/// Maximum time that a rotated key stays valid with its successor.
pub const MAX_KEY_OVERLAP: Duration = Duration::from_hours(30 * 24);

row_type! {
    /// An API key as it is listed.
    pub struct ApiKey {
        pub id: KeyId,
        pub owner_id: PersonId,
        pub owner: String,
        /// The responsible person, if the owner is a service account.
        pub responsible_id: Option<PersonId>,
        pub name: String,
        pub prefix: String,
        pub scopes: Scopes,
        /// The organization that the key is limited to.
        pub organization_id: Option<OrganizationId>,
        pub organization: Option<String>,
        /// Allowed networks; any network if empty.
        pub networks: Networks,
        pub created_at: Timestamp,
        pub expires_at: Option<Timestamp>,
        /// Last use, to the minute.
        pub last_used_at: Option<Timestamp>,
        pub revoked_at: Option<Timestamp>,
        /// Prefix of the key that replaces it, if any.
        pub successor: Option<String>,
    }
}

impl ApiKey {
    pub fn works(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }

    /// Returns whether it is active and within [`KEY_EXPIRY_NOTICE`] of its expiry.
    pub fn ends_soon(&self, now: Timestamp) -> bool {
        self.works(now) && self.expires_at.is_some_and(|at| at <= now.after(KEY_EXPIRY_NOTICE))
    }
}

// `$2` is the actor's person, `$3` whether they can read everything. The responsible person sees a service account's keys.
macro_rules! columns {
    () => {
        "select k.id, k.owner_id, p.name as owner, p.responsible_id, k.name, k.prefix, k.scopes, k.organization_id,
            o.name as organization, k.networks, k.created_at, k.expires_at, k.last_used_at, k.revoked_at,
            (select s.prefix from api_key s where s.tenant_id = k.tenant_id and s.replaces = k.id) as successor
         from api_key k join person p on p.tenant_id = k.tenant_id and p.id = k.owner_id
         left join organization o on o.tenant_id = k.tenant_id and o.id = k.organization_id
         where k.tenant_id = $1 and (k.owner_id = $2 or p.responsible_id = $2 or $3)"
    };
}

impl Read {
    /// Returns the actor's own keys and those of their service accounts, newest first; all keys for actors who can read
    /// everything.
    pub async fn keys(&mut self) -> Result<Vec<ApiKey>> {
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        tenant_query!(self, ApiKey, fetch_all, concat!(columns!(), " order by k.id desc limit 500"), person, everything)
    }

    /// Returns the keys of one owner that the actor can see, newest first.
    pub async fn keys_of(&mut self, owner: PersonId) -> Result<Vec<ApiKey>> {
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        const SQL: &str = concat!(columns!(), " and k.owner_id = $4 order by k.id desc limit 100");
        tenant_query!(self, ApiKey, fetch_all, SQL, person, everything, owner)
    }

    /// Returns one key that the actor can see.
    pub async fn key(&mut self, id: KeyId) -> Result<ApiKey> {
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        tenant_query!(self, ApiKey, fetch_one, concat!(columns!(), " and k.id = $4"), person, everything, id)
    }
}

row_type! {
    pub struct Revocation {
        pub revoked_at: Option<Timestamp>,
    }
}

row_type! {
    pub struct Revoked {
        pub id: KeyId,
    }
}

row_type! {
    /// Current rights of a key's owner.
    pub struct KeyOwner {
        pub tenant_role: TenantRole,
        /// The responsible person, if the owner is a service account.
        pub responsible_id: Option<PersonId>,
    }
}

row_type! {
    pub struct RoleRow {
        pub role: Role,
    }
}

row_type! {
    /// Properties that a rotated key passes to its successor.
    pub struct InheritedSettings {
        pub name: String,
        pub scopes: Scopes,
        /// The organization that the key is limited to.
        pub organization_id: Option<OrganizationId>,
        pub networks: Networks,
        pub created_at: Timestamp,
        pub expires_at: Option<Timestamp>,
    }
}

/// A key to be stored.
struct NewKey {
    owner: PersonId,
    name: String,
    scopes: Scopes,
    organization: Option<OrganizationId>,
    networks: Networks,
    expires_at: Option<Timestamp>,
    replaces: Option<KeyId>,
}

impl Write {
    /// Stores a key's hash and its visible `prefix`. A key that exceeds its owner's current rights is refused, unless the
    /// console creates it in advance.
    pub async fn create_key(&mut self, proof: Allowed<CreateKey>, prefix: &str, token_hash: [u8; 32]) -> Result<KeyId> {
        let action = proof.action();
        if action.expires_at.is_some_and(|at| at <= self.now) {
            return Err(Invalid::new("expires_at", "must be in the future").into());
        }
        self.check_owner_rights(action.owner, action.responsible, &action.scopes, action.organization).await?;
        let new = NewKey {
            owner: action.owner,
            name: text::name("name", &action.name, 80)?,
            scopes: action.scopes.clone(),
            organization: action.organization,
            networks: action.networks.clone(),
            expires_at: action.expires_at,
            replaces: None,
        };
        let id = self.insert_key(new, prefix, token_hash).await?;
        let entry = self.entry(&proof)?.on("key", id.to_string()).with_detail("prefix", prefix.into());
        self.record(entry).await?;
        Ok(id)
    }

    /// Creates a successor of an active key with the same name, scopes, limits and lifetime. The old key stays valid for
    /// the overlap or until its own expiry, whichever comes first. A key has one successor.
    pub async fn rotate_key(&mut self, proof: Allowed<RotateKey>, prefix: &str, token_hash: [u8; 32]) -> Result<KeyId> {
        let &RotateKey { key, owner, responsible, overlap } = proof.action();
        if overlap > MAX_KEY_OVERLAP {
            return Err(Invalid::new("overlap", "must be at most 30 days").into());
        }
        let old = self.lock_active_key(key, owner).await?;
        self.check_owner_rights(owner, responsible, &old.scopes, old.organization_id).await?;
        let ends = self.now.after(overlap);
        let ends = old.expires_at.map_or(ends, |at| at.min(ends));
        const ENDS: &str =
            "update api_key set expires_at = $3, expiry_notice_at = null where tenant_id = $1 and id = $2";
        tenant_query!(self, execute, ENDS, key, ends)?;
        let new = NewKey {
            owner,
            name: old.name,
            scopes: old.scopes,
            organization: old.organization_id,
            networks: old.networks,
            expires_at: old.expires_at.map(|at| self.now.after(at.since(old.created_at))),
            replaces: Some(key),
        };
        let id = match self.insert_key(new, prefix, token_hash).await {
            Err(error) if error.is_duplicate() => {
                return Err(Error::Conflict(Conflict::KeyReplaced));
            }
            made => made?,
        };
        self.copy_usage_history(key, id).await?;
        let entry = self.entry(&proof)?.with_detail("successor", json!({ "key": id, "prefix": prefix }));
        self.record(entry.with_detail("old_ends_at", json!(ends))).await?;
        self.publish(Topic::Keys, key.0);
        Ok(id)
    }

    /// Revokes a key at once. A key that is already revoked is a conflict.
    pub async fn revoke_key(&mut self, proof: Allowed<RevokeKey>) -> Result<()> {
        let &RevokeKey { key, owner, responsible } = proof.action();
        self.check_responsible(owner, responsible).await?;
        let was = tenant_query!(
            self,
            Revocation,
            fetch_one,
            "update api_key set revoked_at = revoked_at where tenant_id = $1 and id = $2 and owner_id = $3
             returning revoked_at",
            key,
            owner
        )?;
        if was.revoked_at.is_some() {
            return Err(Error::Conflict(Conflict::KeyRevoked));
        }
        const SQL: &str = "update api_key set revoked_at = $3 where tenant_id = $1 and id = $2";
        tenant_query!(self, execute, SQL, key, self.now)?;
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.publish(Topic::Keys, key.0);
        Ok(())
    }

    /// Revokes all keys of a person and returns their number.
    pub async fn revoke_keys_of(&mut self, proof: Allowed<RevokeKeysOf>) -> Result<usize> {
        let &RevokeKeysOf { owner, responsible } = proof.action();
        self.check_responsible(owner, responsible).await?;
        let revoked = self.revoke_keys_of_owner(owner).await?;
        let entry = self.entry(&proof)?.with_detail("revoked", revoked.into());
        self.record(entry).await?;
        Ok(revoked)
    }

    /// Revokes all keys of an owner and returns their number.
    pub(crate) async fn revoke_keys_of_owner(&mut self, owner: PersonId) -> Result<usize> {
        let revoked = tenant_query!(
            self,
            Revoked,
            fetch_all,
            "update api_key set revoked_at = $3 where tenant_id = $1 and owner_id = $2 and revoked_at is null returning id",
            owner,
            self.now
        )?;
        for key in &revoked {
            self.publish(Topic::Keys, key.id.0);
        }
        Ok(revoked.len())
    }

    /// Locks an active key of this owner; an inactive one is a conflict.
    async fn lock_active_key(&mut self, key: KeyId, owner: PersonId) -> Result<InheritedSettings> {
        let found = tenant_query!(
            self,
            InheritedSettings,
            fetch_optional,
            "update api_key set revoked_at = revoked_at where tenant_id = $1 and id = $2 and owner_id = $3
                and revoked_at is null and (expires_at is null or expires_at > $4)
             returning name, scopes, organization_id, networks, created_at, expires_at",
            key,
            owner,
            self.now
        )?;
        if let Some(found) = found {
            return Ok(found);
        }
        const SQL: &str = "select count(*) as n from api_key where tenant_id = $1 and id = $2 and owner_id = $3";
        match tenant_query!(self, Number, fetch_one, SQL, key, owner)?.n {
            0 => Err(Error::NotFound),
            _ => Err(Error::Conflict(Conflict::KeyInactive)),
        }
    }

    async fn insert_key(&mut self, new: NewKey, prefix: &str, token_hash: [u8; 32]) -> Result<KeyId> {
        let id = KeyId(new_id());
        insert!(self, "api_key" {
            id: id,
            owner_id: new.owner,
            name: new.name,
            prefix: prefix.to_owned(),
            token_hash: token_hash,
            scopes: new.scopes,
            organization_id: new.organization,
            networks: new.networks,
            created_at: self.now,
            expires_at: new.expires_at,
            replaces: new.replaces,
            creator_id: self.actor.person(),
            expiry_notice_at: expiry::expiry_notice_time(self.now, new.expires_at),
        })?;
        self.publish(Topic::Keys, id.0);
        Ok(id)
    }

    /// Returns an error unless `owner` currently has the rights of the key (M-01); every use checks this again.
    async fn check_owner_rights(
        &mut self,
        owner: PersonId,
        responsible: Option<PersonId>,
        scopes: &Scopes,
        organization: Option<OrganizationId>,
    ) -> Result<()> {
        let found = self.check_responsible(owner, responsible).await?;
        const ROLES: &str = "select m.role from membership m
             join organization o on o.tenant_id = m.tenant_id and o.id = m.organization_id
             where m.tenant_id = $1 and m.person_id = $2 and ($3 is null or m.organization_id = $3)
                and o.archived_at is null";
        let roles = tenant_query!(self, RoleRow, fetch_all, ROLES, owner, organization)?;
        if organization.is_some() && roles.is_empty() {
            return Err(Invalid::new("organization", "the key's owner is not in it, or it is archived").into());
        }
        if found.responsible_id.is_some() && scopes.allow(Scope::ApprovalsDecide) {
            return Err(
                Invalid::new("scopes", "approvals:decide is for people: a service account decides nothing").into()
            );
        }
        if self.actor.principal == Principal::Console {
            return Ok(());
        }
        if let Some(responsible) = found.responsible_id
            && !self.can_be_responsible(responsible, owner).await?
            && !self.actor.is_admin()
        {
            return Err(Error::Conflict(Conflict::ServiceAccountExceedsResponsible));
        }
        // A key that is limited to one organization cannot read the whole tenant.
        let tenant_role = if organization.is_some() { TenantRole::Person } else { found.tenant_role };
        Ok(scopes.within(tenant_role, roles.iter().map(|held| held.role).max())?)
    }

    /// Returns an error unless `responsible`, as given to the policy, is the responsible person of `owner`.
    async fn check_responsible(&mut self, owner: PersonId, responsible: Option<PersonId>) -> Result<KeyOwner> {
        const SQL: &str = "select tenant_role, responsible_id from person where tenant_id = $1 and id = $2";
        let found = tenant_query!(self, KeyOwner, fetch_one, SQL, owner)?;
        match responsible {
            Some(_) if found.responsible_id != responsible => Err(Error::NotFound),
            _ => Ok(found),
        }
    }
}
