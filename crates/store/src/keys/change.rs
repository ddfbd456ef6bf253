//! Changes to an active API key: its name, allowed networks and expiry (M-01).
use super::expiry::expiry_notice_time;
use crate::{
    Conflict, Error, Result, Topic, Write,
    db::{column::Number, conn::tenant_query},
};
use domain::{
    Allowed, Invalid,
    policy::{ChangeKey, KeyExpiryChange},
    text,
};
use serde_json::json;

impl Write {
    /// Changes an active key. The change applies at once: each request reads the key again, and open streams are checked
    /// when the change is published. A key that is being rotated keeps its expiry.
    pub async fn change_key(&mut self, proof: Allowed<ChangeKey>) -> Result<()> {
        let ChangeKey { key, owner, responsible, name, networks, end } = proof.action();
        let (key, owner, name, networks) = (*key, *owner, text::name("name", name, 80)?, networks.clone());
        self.check_responsible(owner, *responsible).await?;
        let was = self.lock_active_key(key, owner).await?;
        let ends = match *end {
            KeyExpiryChange::Kept => was.expires_at,
            KeyExpiryChange::Never => None,
            KeyExpiryChange::At(at) if at > self.now => Some(at),
            KeyExpiryChange::At(_) => return Err(Invalid::new("days", "must be in the future").into()),
        };
        if ends != was.expires_at {
            const SUCCESSORS: &str = "select count(*) as n from api_key where tenant_id = $1 and replaces = $2";
            if tenant_query!(self, Number, fetch_one, SUCCESSORS, key)?.n > 0 {
                return Err(Error::Conflict(Conflict::KeyOverlapEnding));
            }
        }
        const SQL: &str = "update api_key set name = $3, networks = $4 where tenant_id = $1 and id = $2";
        tenant_query!(self, execute, SQL, key, name, networks)?;
        if ends != was.expires_at {
            const ENDS: &str =
                "update api_key set expires_at = $3, expiry_notice_at = $4 where tenant_id = $1 and id = $2";
            tenant_query!(self, execute, ENDS, key, ends, expiry_notice_time(self.now, ends))?;
        }
        let was = json!({ "name": was.name, "networks": was.networks, "expires_at": was.expires_at });
        let entry = self.entry(&proof)?.with_detail("was", was);
        self.record(entry.with_detail("expires_at", json!(ends))).await?;
        self.publish(Topic::Keys, key.0);
        Ok(())
    }
}
