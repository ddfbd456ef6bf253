//! Proposals: rules that a second admin confirms before they apply (D-05).
use crate::{
    Confirmation, Error, Read, Result, Write,
    confirmations::ConfirmationKey,
    db::{column::row_type, conn::tenant_query, insert::insert},
};
use domain::{
    ConfirmationId,
    audit::Entry,
    confirmation::{LIFETIME, ProtectedChange},
    request::InputDigest,
    rule::Rules,
};

row_type! {
    pub struct ProposalRow {
        pub body: String,
    }
}

const BODY: &str = "select body from rules_proposal where tenant_id = $1 and digest = $2";

impl ProposalRow {
    /// Returns the rules if they are those that the digest names.
    fn rules(&self, digest: InputDigest) -> Result<Rules> {
        match InputDigest::of(self.body.as_bytes()) == digest {
            true => serde_json::from_str(&self.body).map_err(|_| Error::Corrupt("proposed rules")),
            false => Err(Error::Corrupt("proposed rules are not those of the request")),
        }
    }
}

impl Read {
    /// Returns a waiting request to loosen the rules that the actor sees, with the version that it replaces and its rules.
    pub async fn rules_proposal(&mut self, id: ConfirmationId) -> Result<(Confirmation, i64, Rules)> {
        let request = self.confirmation(id).await?;
        let ProtectedChange::LoosenRules { version, digest } = request.change else { return Err(Error::NotFound) };
        let rules = tenant_query!(self, ProposalRow, fetch_one, BODY, digest.0.to_vec())?.rules(digest)?;
        Ok((request, version, rules))
    }
}

impl Write {
    /// Returns whether the rules wait for confirmation, and then keeps them.
    pub(super) async fn proposal_awaits_confirmation(&mut self, rules: &Rules, version: i64) -> Result<bool> {
        let body = super::text(rules)?;
        let digest = InputDigest::of(body.as_bytes());
        let (managers, maker) = (self.managers().await?, self.maker());
        if !self.awaits_confirmation(ProtectedChange::LoosenRules { version, digest }, &maker, &managers).await? {
            return Ok(false);
        }
        const OLD: &str = "delete from rules_proposal where tenant_id = $1 and (created_at < $2 or digest = $3)";
        tenant_query!(self, execute, OLD, self.now.before(LIFETIME), digest.0.to_vec())?;
        insert!(self, "rules_proposal" { digest: digest.0.to_vec(), body: body, created_at: self.now })?;
        Ok(true)
    }

    pub(crate) async fn proposed_rules(&mut self, digest: InputDigest) -> Result<Rules> {
        tenant_query!(self, ProposalRow, fetch_one, BODY, digest.0.to_vec())?.rules(digest)
    }

    /// Withdraws the proposals that wait for confirmation, because they are about rules that are replaced.
    pub(super) async fn withdraw_proposals(&mut self) -> Result<Vec<Entry>> {
        const SQL: &str = r#"select id from confirmation where tenant_id = $1 and state = 'waiting'
            and change like '{"change":"loosen_rules"%' order by id limit 1000"#;
        let open = tenant_query!(self, ConfirmationKey, fetch_all, SQL)?;
        self.withdraw_all(open).await
    }
}
