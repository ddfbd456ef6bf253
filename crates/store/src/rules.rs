//! Rules of a tenant: one document with a version.
use crate::{
    Conflict, Error, Read, Result, Topic, Write,
    db::{column::row_type, conn::tenant_query},
};
use domain::{Allowed, policy::ChangeRules, rule::Rules};

row_type! {
    /// A tenant's rules as stored.
    pub struct VersionedRules {
        /// Incremented by every change.
        pub version: i64,
        pub body: String,
    }
}

impl VersionedRules {
    /// Returns the parsed rules.
    pub fn rules(&self) -> Result<Rules> {
        serde_json::from_str(&self.body).map_err(|_| Error::Corrupt("rules"))
    }
}

impl Read {
    /// Returns the tenant's rules; every actor can read them.
    pub async fn rules(&mut self) -> Result<VersionedRules> {
        tenant_query!(self, VersionedRules, fetch_one, "select version, body from rules where tenant_id = $1")
    }
}

impl Write {
    pub(crate) async fn rules(&mut self) -> Result<Rules> {
        tenant_query!(self, VersionedRules, fetch_one, "select version, body from rules where tenant_id = $1")?.rules()
    }

    /// Replaces the rules if the actor saw the current version.
    pub async fn change_rules(&mut self, proof: Allowed<ChangeRules>) -> Result<()> {
        let ChangeRules { rules, version } = proof.action();
        let body = serde_json::to_string(rules).map_err(|_| Error::Corrupt("rules"))?;
        let changed = tenant_query!(
            self,
            execute,
            "update rules set body = $2, version = version + 1 where tenant_id = $1 and version = $3",
            body,
            *version
        )?;
        if changed == 0 {
            return Err(Error::Conflict(Conflict::RulesChanged));
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        let tenant = self.tenant.0;
        self.publish(Topic::Rules, tenant);
        Ok(())
    }
}
