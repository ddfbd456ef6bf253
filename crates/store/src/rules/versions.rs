//! Versions of the rules: their list, each one with its signature verified, and the names of what they refer to.
use super::{StoredRules, VersionedRules};
use crate::{
    Error, Read, Result,
    db::{
        column::row_type,
        conn::tenant_query,
        filter::{Arg, Statement},
    },
};
use domain::{OrganizationId, PersonId, Timestamp, consent::Statement as _, rule::Rules};
use std::collections::HashMap;
use uuid::Uuid;

row_type! {
    /// A version of the rules.
    pub struct RulesVersionRow {
        pub version: i64,
        /// `None` for the rules of a new tenant and for the console.
        pub author: Option<String>,
        pub changed_at: Timestamp,
    }
}

row_type! {
    pub struct NameRow {
        pub id: Uuid,
        pub name: String,
    }
}

/// The names of the organizations, people and service accounts in rules, as far as the actor sees them.
#[derive(Clone, Debug, Default)]
pub struct RuleNames {
    pub organizations: HashMap<OrganizationId, String>,
    pub submitters: HashMap<PersonId, String>,
}

const ORGANIZATIONS: &str = "select id, name from organization where tenant_id = $1 and id in (";
const SUBMITTERS: &str = "select id, name from person where tenant_id = $1 and id in (";

impl Read {
    /// Returns versions of the rules below `before`, newest first; every actor can read them.
    pub async fn rules_versions(&mut self, before: Option<i64>, limit: u32) -> Result<Vec<RulesVersionRow>> {
        const SQL: &str = "select r.version, p.name as author, r.changed_at from rules r
             left join person p on p.tenant_id = r.tenant_id and p.id = r.changed_by
             where r.tenant_id = $1 and r.version < $2 order by r.version desc limit $3";
        tenant_query!(self, RulesVersionRow, fetch_all, SQL, before.unwrap_or(i64::MAX), limit)
    }

    /// Returns a version of the rules that this deployment signed, with its present key or one that it replaced.
    pub async fn rules_version(&mut self, version: i64) -> Result<VersionedRules> {
        const SQL: &str = "select version, body, changed_by, changed_at, signature, version - 1 as changes
             from rules where tenant_id = $1 and version = $2";
        let stored = tenant_query!(self, StoredRules, fetch_one, SQL, version)?;
        let (statement, signer) = (stored.statement(self.tenant)?, self.store.signer());
        let bytes = statement.signed_bytes();
        match signer.verifies(&bytes, &stored.signature) || signer.verifies_retired(&bytes, &stored.signature) {
            true => Ok(VersionedRules { version, rules: statement.rules }),
            false => Err(Error::Corrupt("rules are not signed by this deployment")),
        }
    }

    /// Returns the names in these rules: all of them for actors who can read everything, otherwise their own and those of their
    /// organizations.
    pub async fn rule_names(&mut self, rules: &[&Rules]) -> Result<RuleNames> {
        let (mut organizations, mut submitters) = (vec![], vec![]);
        for rules in rules {
            let (of, by) = rules.named();
            organizations.extend(of);
            submitters.extend(by);
        }
        let everything = self.actor.can_read_everything();
        organizations.retain(|id| everything || self.actor.role_in(*id).is_some());
        submitters.retain(|id| everything || self.actor.person() == Some(*id));
        let of = self.names(ORGANIZATIONS, organizations.into_iter().map(|id| id.0)).await?;
        let by = self.names(SUBMITTERS, submitters.into_iter().map(|id| id.0)).await?;
        Ok(RuleNames {
            organizations: of.into_iter().map(|row| (OrganizationId(row.id), row.name)).collect(),
            submitters: by.into_iter().map(|row| (PersonId(row.id), row.name)).collect(),
        })
    }

    async fn names(&mut self, head: &'static str, ids: impl Iterator<Item = Uuid>) -> Result<Vec<NameRow>> {
        let mut sql = Statement::new(head, vec![Arg::Uuid(self.tenant.0)]);
        let mut separator = "?";
        for id in ids {
            sql.push(separator, Arg::Uuid(id));
            separator = ", ?";
        }
        if separator == "?" {
            return Ok(vec![]);
        }
        sql.push_text(")");
        sql.fetch::<NameRow>(&mut self.conn).await
    }
}
