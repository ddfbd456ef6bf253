//! Rules of a tenant: signed versions, of which the last is in force. A version without a valid signature is never applied.
mod past_tasks;
mod proposal;
mod versions;

pub use past_tasks::{MAX_PAST_TASKS, PastTask};
pub use versions::{RuleNames, RulesVersionRow};

use crate::{
    Applied, Conflict, Error, Read, Result, Store, Topic, Write,
    db::{column::row_type, conn::tenant_query, insert::insert},
};
use domain::{
    Allowed, PersonId, TenantId, Timestamp,
    consent::{RulesVersion, Signed, Statement},
    policy::ChangeRules,
    rule::Rules,
};
use serde_json::json;

row_type! {
    /// The last version as stored.
    pub struct StoredRules {
        pub version: i64,
        pub body: String,
        pub changed_by: Option<PersonId>,
        pub changed_at: Timestamp,
        pub signature: Vec<u8>,
        /// Number of changes in the audit log.
        pub changes: i64,
    }
}

/// Rules with a verified signature.
#[derive(Clone, Debug)]
pub struct VersionedRules {
    /// Incremented by every change.
    pub version: i64,
    pub rules: Rules,
}

/// The last version, with the number of changes that the audit log contains.
const LAST: &str = "select version, body, changed_by, changed_at, signature, (select count(*) from audit a
        where a.tenant_id = $1 and a.action = 'rules.change' and a.outcome = 'done') as changes
    from rules where tenant_id = $1 order by version desc limit 1";

impl StoredRules {
    fn statement(&self, tenant: TenantId) -> Result<RulesVersion> {
        let rules: Rules = serde_json::from_str(&self.body).map_err(|_| Error::Corrupt("rules"))?;
        let Self { version, changed_by, changed_at: at, .. } = *self;
        Ok(RulesVersion { tenant, version, rules, changed_by, at })
    }

    /// Returns the rules if this deployment signed them and the audit log knows as many versions.
    fn verified(self, tenant: TenantId, store: &Store) -> Result<VersionedRules> {
        let (statement, version) = (self.statement(tenant)?, self.version);
        if !store.signer().verifies(&statement.signed_bytes(), &self.signature) {
            return Err(Error::Corrupt("rules are not signed by this deployment"));
        }
        // The rules of a new tenant are version 1.
        if self.changes + 1 != version {
            return Err(Error::Corrupt("rules are not the version that the audit log names"));
        }
        Ok(VersionedRules { version, rules: statement.rules })
    }
}

/// Returns the stored text of rules.
pub(crate) fn text(rules: &Rules) -> Result<String> {
    serde_json::to_string(rules).map_err(|_| Error::Corrupt("rules"))
}

impl Read {
    /// Returns the tenant's rules; every actor can read them.
    pub async fn rules(&mut self) -> Result<VersionedRules> {
        tenant_query!(self, StoredRules, fetch_one, LAST)?.verified(self.tenant, &self.store)
    }
}

impl Write {
    pub(crate) async fn rules(&mut self) -> Result<VersionedRules> {
        tenant_query!(self, StoredRules, fetch_one, LAST)?.verified(self.tenant, &self.store)
    }

    /// Signs the rules in force again if a key that was replaced signed them. Returns whether it did.
    pub(crate) async fn sign_rules_again(&mut self) -> Result<bool> {
        let stored = tenant_query!(self, StoredRules, fetch_one, LAST)?;
        let (statement, signer) = (stored.statement(self.tenant)?, self.store.signer());
        if !signer.verifies_retired(&statement.signed_bytes(), &stored.signature) {
            return Ok(false);
        }
        let signed = Signed::new(statement, signer);
        const SQL: &str = "update rules set signature = $3 where tenant_id = $1 and version = $2";
        tenant_query!(self, execute, SQL, stored.version, signed.signature.0.to_vec())?;
        Ok(true)
    }

    /// Adds a version of the rules if the actor saw the current one. With dual control, a second admin confirms rules that are not proven
    /// to be at least as strict.
    pub async fn change_rules(&mut self, proof: Allowed<ChangeRules>) -> Result<Applied> {
        let ChangeRules { rules, version: seen } = proof.action();
        let current = self.rules().await?;
        if current.version != *seen {
            return Err(Error::Conflict(Conflict::RulesChanged));
        }
        let is_looser = !rules.are_at_least_as_strict_as(&current.rules);
        if is_looser && self.proposal_awaits_confirmation(rules, *seen).await? {
            return Ok(Applied::AfterConfirmation);
        }
        // Before the new row: a confirmation locks its request first, too.
        let mut entries = self.withdraw_proposals().await?;
        let statement = RulesVersion {
            tenant: self.tenant,
            version: seen + 1,
            rules: rules.clone(),
            changed_by: self.maker().id,
            at: self.now,
        };
        let signed = Signed::new(statement, self.store.signer());
        let added = insert!(self, "rules" {
            version: signed.statement.version,
            body: text(rules)?,
            changed_by: signed.statement.changed_by,
            changed_at: self.now,
            signature: signed.signature.0.to_vec(),
        },
            "on conflict do nothing"
        )?;
        if added == 0 {
            return Err(Error::Conflict(Conflict::RulesChanged));
        }
        let entry = self.entry(&proof)?.with_detail("version", json!(signed.statement.version));
        entries.push(entry.with_detail("looser", json!(is_looser)));
        self.record_all(entries).await?;
        let tenant = self.tenant.0;
        self.publish(Topic::Rules, tenant);
        Ok(Applied::Now)
    }
}
