//! API keys: shown once, kept as hashes (M-01).
use crate::{Error, Read, Result, Topic, Write, column::record, conn::scoped};
use domain::{
    Allowed, KeyId, PersonId, Timestamp,
    policy::{CreateKey, RevokeKey},
    scope::Scopes,
    text,
};
use uuid::Uuid;

record! {
    /// A key as it is listed.
    pub struct ApiKey {
        /// Its id.
        pub id: KeyId,
        /// Whose it is.
        pub owner_id: PersonId,
        /// Their name.
        pub owner: String,
        /// What people call it.
        pub name: String,
        /// The beginning of it, to recognise it by.
        pub prefix: String,
        /// What it may do.
        pub scopes: Scopes,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it stops working, if ever.
        pub expires_at: Option<Timestamp>,
        /// When it was last used, to a minute.
        pub last_used_at: Option<Timestamp>,
        /// When it was revoked, if it was.
        pub revoked_at: Option<Timestamp>,
    }
}

macro_rules! columns {
    () => {
        "select k.id, k.owner_id, p.name as owner, k.name, k.prefix, k.scopes, k.created_at, k.expires_at, k.last_used_at, k.revoked_at
         from api_key k join person p on p.tenant_id = k.tenant_id and p.id = k.owner_id where k.tenant_id = $1"
    };
}

impl Read {
    /// The actor's own keys, newest first; everybody's for those who read everything.
    pub async fn keys(&mut self) -> Result<Vec<ApiKey>> {
        let (person, everything) = (self.viewer(), self.actor.reads_everything());
        scoped!(
            self,
            ApiKey,
            fetch_all,
            concat!(columns!(), " and (k.owner_id = $2 or $3) order by k.id desc limit 500"),
            person,
            everything
        )
    }

    /// One key: one's own, or anybody's for those who read everything.
    pub async fn key(&mut self, id: KeyId) -> Result<ApiKey> {
        let (person, everything) = (self.viewer(), self.actor.reads_everything());
        scoped!(
            self,
            ApiKey,
            fetch_one,
            concat!(columns!(), " and k.id = $2 and (k.owner_id = $3 or $4)"),
            id,
            person,
            everything
        )
    }
}

record! {
    /// Whether something was revoked.
    pub struct Revocation {
        /// When, if it was.
        pub revoked_at: Option<Timestamp>,
    }
}

impl Write {
    /// Stores a key by its hash; `prefix` is what is shown of it from then on.
    pub async fn create_key(&mut self, proof: Allowed<CreateKey>, prefix: &str, token_hash: [u8; 32]) -> Result<KeyId> {
        let id = KeyId(Uuid::now_v7());
        let action = proof.action();
        if action.expires_at.is_some_and(|at| at <= self.now) {
            return Err(domain::Invalid::new("expires_at", "must be in the future").into());
        }
        let name = text::name("name", &action.name, 80)?;
        let made = scoped!(
            self,
            execute,
            "insert into api_key (tenant_id, id, owner_id, name, prefix, token_hash, scopes, created_at, expires_at)
             select p.tenant_id, $2, p.id, $4, $5, $6, $7, $8, $9 from person p where p.tenant_id = $1 and p.id = $3",
            id,
            action.owner,
            name,
            prefix.to_owned(),
            token_hash,
            action.scopes.clone(),
            self.now,
            action.expires_at
        )?;
        if made == 0 {
            return Err(Error::NotFound);
        }
        let entry = self.entry(&proof)?.on("key", id.to_string()).with_detail("prefix", prefix.into());
        self.record(entry).await?;
        self.tell(Topic::Keys, id.0);
        Ok(id)
    }

    /// Revokes a key at once. One that is revoked already is a conflict.
    pub async fn revoke_key(&mut self, proof: Allowed<RevokeKey>) -> Result<()> {
        let &RevokeKey { key, owner } = proof.action();
        let was = scoped!(
            self,
            Revocation,
            fetch_one,
            "update api_key set revoked_at = revoked_at where tenant_id = $1 and id = $2 and owner_id = $3
             returning revoked_at",
            key,
            owner
        )?;
        if was.revoked_at.is_some() {
            return Err(Error::Conflict("This key is revoked already."));
        }
        const SQL: &str = "update api_key set revoked_at = $3 where tenant_id = $1 and id = $2";
        scoped!(self, execute, SQL, key, self.now)?;
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.tell(Topic::Keys, key.0);
        Ok(())
    }
}
