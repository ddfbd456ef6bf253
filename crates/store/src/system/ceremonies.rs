//! Passkey ceremonies in progress: they belong to no tenant, because signing in names none.
use super::System;
use crate::{
    Result,
    db::{column::row_type, conn::unscoped_query},
};
use domain::{PersonId, TenantId};
use std::time::Duration;

/// Time that a browser has to respond.
const LIFETIME: Duration = Duration::from_mins(5);

row_type! {
    /// A ceremony in progress.
    pub struct Ceremony {
        /// The challenge state, as JSON.
        pub state: String,
    }
}

row_type! {
    pub struct PasskeyHolder {
        pub tenant_id: TenantId,
        pub person_id: PersonId,
    }
}

impl System<'_> {
    /// Stores a challenge for five minutes and deletes expired ones.
    pub async fn create_ceremony(&self, token_hash: [u8; 32], state: &str) -> Result<()> {
        let (mut conn, now) = (self.write().await?, self.now());
        unscoped_query!(conn, execute, "delete from ceremony where expires_at <= $1", now)?;
        unscoped_query!(
            conn,
            execute,
            "insert into ceremony (token_hash, state, expires_at) values ($1, $2, $3)",
            token_hash,
            state.to_owned(),
            now.after(LIFETIME)
        )?;
        conn.commit().await
    }

    /// Returns and deletes a challenge, so that it verifies one response only.
    pub async fn take_ceremony(&self, token_hash: [u8; 32]) -> Result<Option<String>> {
        let (mut conn, now) = (self.write().await?, self.now());
        let sql = "delete from ceremony where token_hash = $1 and expires_at > $2 returning state";
        let taken = unscoped_query!(conn, Ceremony, fetch_optional, sql, token_hash, now)?;
        conn.commit().await?;
        Ok(taken.map(|ceremony| ceremony.state))
    }

    /// Returns the holder of a passkey: a person who signs in with one names no tenant.
    pub async fn passkey_holder(&self, credential_id: &[u8]) -> Result<Option<PasskeyHolder>> {
        let mut conn = self.read().await?;
        let sql = "select tenant_id, person_id from passkey where credential_id = $1";
        unscoped_query!(conn, PasskeyHolder, fetch_optional, sql, credential_id.to_vec())
    }
}
