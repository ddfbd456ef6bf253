//! First start: check of the master key, creation of tenants, and the setup link.
use super::System;
use crate::{
    Error, Event, Result, Topic, Write,
    db::{
        column::{Number, row_type},
        conn::{Conn, unscoped_query},
        events,
        id::new_id,
        random::random,
    },
    tenant_key,
};
use domain::{
    Actor, Invalid, TenantId, Timestamp,
    anomalies::ANOMALY_RETENTION_DAYS,
    audit::GENESIS,
    consent::{RulesVersion, Signed},
    rule::Rules,
    text,
};

row_type! {
    pub struct Tenant {
        pub id: TenantId,
        pub name: String,
        pub created_at: Timestamp,
    }
}

row_type! {
    /// An encrypted value.
    pub struct Sealed {
        /// Nonce and ciphertext.
        pub sealed: Vec<u8>,
    }
}

impl System<'_> {
    /// Checks that the master key opens the value that it sealed at the first start (M-06). The row belongs to no tenant.
    pub(crate) async fn check_key(&self) -> Result<()> {
        const PLACE: &str = "system/key_check/sealed/1/1";
        let mut conn = self.write().await?;
        // If several nodes start on a new database, the first insert wins.
        let sql = "insert into key_check (id, sealed) values (1, $1) on conflict (id) do nothing";
        unscoped_query!(conn, execute, sql, self.0.key().seal(PLACE, b"castellan")?)?;
        let check = unscoped_query!(conn, Sealed, fetch_one, "select sealed from key_check where id = 1")?;
        conn.commit().await?;
        match self.0.key().open(PLACE, &check.sealed) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::Unusable(
                "the master key is not the one that this database was made with. Put back data/secrets/master.key, or set \
                 CASTELLAN_ENCRYPTION_KEY to the right key; nothing was changed."
                    .into(),
            )),
        }
    }

    /// Returns whether this is the deployment's key with number `id`, from 2; number 1 is the master key (D-12). The first
    /// node that asks sets it. The stored value is encrypted, so that write access to the database is not enough to choose
    /// a key.
    pub async fn knows_key(&self, id: i64, fingerprint: &[u8]) -> Result<bool> {
        let place = format!("system/key_check/sealed/{id}/1");
        let mut conn = self.write().await?;
        let sql = "insert into key_check (id, sealed) values ($1, $2) on conflict (id) do nothing";
        unscoped_query!(conn, execute, sql, id, self.0.key().seal(&place, fingerprint)?)?;
        let known = unscoped_query!(conn, Sealed, fetch_one, "select sealed from key_check where id = $1", id)?;
        conn.commit().await?;
        Ok(self.0.key().open(&place, &known.sealed).is_ok_and(|known| *known == *fingerprint))
    }

    /// Returns whether the deployment has a key with this number.
    pub async fn has_key(&self, id: i64) -> Result<bool> {
        let mut conn = self.read().await?;
        Ok(unscoped_query!(conn, Number, fetch_one, "select count(*) as n from key_check where id = $1", id)?.n > 0)
    }

    /// Replaces the deployment's key with this number if it was `old`; returns whether it did (D-12).
    pub async fn replace_key(&self, id: i64, old: &[u8], new: &[u8]) -> Result<bool> {
        if !self.knows_key(id, old).await? {
            return Ok(false);
        }
        self.set_key(id, new).await?;
        Ok(true)
    }

    /// Sets the deployment's key with this number unconditionally, for the console.
    pub async fn set_key(&self, id: i64, fingerprint: &[u8]) -> Result<()> {
        let place = format!("system/key_check/sealed/{id}/1");
        let mut conn = self.write().await?;
        let sql = "insert into key_check (id, sealed) values ($1, $2) on conflict (id) do update set sealed = $2";
        unscoped_query!(conn, execute, sql, id, self.0.key().seal(&place, fingerprint)?)?;
        conn.commit().await
    }

    /// Returns all tenants, oldest first, for the console and to start their local runners.
    pub async fn tenants(&self) -> Result<Vec<Tenant>> {
        let mut conn = self.read().await?;
        unscoped_query!(conn, Tenant, fetch_all, "select id, name, created_at from tenant order by id limit 10000")
    }

    /// Creates a tenant with its audit chain, data key and default rules.
    pub async fn create_tenant(&self, name: &str) -> Result<TenantId> {
        let (mut conn, id) = (self.write().await?, TenantId(new_id()));
        self.insert_tenant(&mut conn, id, name).await?;
        self.commit_tenant(conn, id).await
    }

    /// Returns whether there are no people yet; the first person completes the setup.
    pub async fn is_empty(&self) -> Result<bool> {
        let mut conn = self.read().await?;
        let people =
            unscoped_query!(conn, Number, fetch_one, "select count(*) as n from (select 1 from person limit 1) one")?;
        Ok(people.n == 0)
    }

    /// Replaces the setup link; there is at most one.
    pub async fn create_setup_link(&self, token_hash: [u8; 32], expires_at: Timestamp) -> Result<()> {
        let mut conn = self.write().await?;
        unscoped_query!(conn, execute, "delete from setup_link where expires_at <> 0")?;
        unscoped_query!(
            conn,
            execute,
            "insert into setup_link (token_hash, expires_at) values ($1, $2)",
            token_hash,
            expires_at
        )?;
        conn.commit().await
    }

    /// Returns whether a setup token is valid now.
    pub async fn is_setup_link_valid(&self, token_hash: [u8; 32]) -> Result<bool> {
        let (mut conn, now) = (self.read().await?, self.now());
        let sql = "select count(*) as n from setup_link where token_hash = $1 and expires_at > $2";
        let found = unscoped_query!(conn, Number, fetch_one, sql, token_hash, now)?;
        Ok(found.n > 0)
    }

    /// Consumes the setup link and creates the first tenant. Returns a transaction with that tenant's console as its actor,
    /// in which the caller creates the rest: of two concurrent setups one fails, and an interrupted setup can be repeated.
    pub async fn complete_setup(&self, token_hash: [u8; 32], tenant: &str, address: Option<String>) -> Result<Write> {
        let (mut conn, id, now) = (self.write().await?, TenantId(new_id()), self.now());
        let sql = "delete from setup_link where token_hash = $1 and expires_at > $2";
        if unscoped_query!(conn, execute, sql, token_hash, now)? == 0 {
            return Err(Error::NotFound);
        }
        self.insert_tenant(&mut conn, id, tenant).await?;
        let mut write = self.0.writing(conn, &Actor { address, ..Actor::console(id, now) });
        write.publish(Topic::People, id.0);
        Ok(write)
    }

    async fn commit_tenant(&self, conn: Conn, id: TenantId) -> Result<TenantId> {
        let event = Event { tenant: id, topic: Topic::People, id: id.0 };
        events::commit(conn, vec![event]).await?;
        Ok(id)
    }

    async fn insert_tenant(&self, conn: &mut Conn, id: TenantId, name: &str) -> Result<()> {
        let name = text::name("tenant", name, 80)?;
        let wrapped = self.0.key().seal(&tenant_key::place(id, 1), &random::<32>()?)?;
        let now = self.now();
        let rules = RulesVersion { tenant: id, version: 1, rules: Rules::default(), changed_by: None, at: now };
        let rules = Signed::new(rules, self.0.signer());
        let sql = "insert into tenant (id, name, created_at) values ($1, $2, $3)";
        match unscoped_query!(*conn, execute, sql, id, name, now) {
            Err(error) if error.is_duplicate() => {
                return Err(Invalid::new("tenant", "has the name of an existing one; choose another name").into());
            }
            inserted => inserted?,
        };
        unscoped_query!(
            *conn,
            execute,
            "insert into tenant_key (tenant_id, version, wrapped) values ($1, 1, $2)",
            id,
            wrapped
        )?;
        unscoped_query!(*conn, execute, "insert into factor_policy (tenant_id, everybody) values ($1, false)", id)?;
        unscoped_query!(
            *conn,
            execute,
            "insert into approval_policy (tenant_id, self_approval, dual_control) values ($1, false, true)",
            id
        )?;
        unscoped_query!(
            *conn,
            execute,
            "insert into retention_policy (tenant_id, anomalies_days, due_at, output_until, results_until, deleted)
             values ($1, $2, 0, 0, 0, '{}')",
            id,
            ANOMALY_RETENTION_DAYS
        )?;
        unscoped_query!(
            *conn,
            execute,
            "insert into rules (tenant_id, version, body, changed_at, signature) values ($1, 1, $2, $3, $4)",
            id,
            crate::rules::text(&rules.statement.rules)?,
            now,
            rules.signature.0.to_vec()
        )?;
        unscoped_query!(
            *conn,
            execute,
            "insert into audit_head (tenant_id, seq, hash) values ($1, 0, $2)",
            id,
            GENESIS
        )?;
        Ok(())
    }
}
