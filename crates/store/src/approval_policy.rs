//! A tenant's approval settings (D-04).
use crate::{
    Read, Result, Topic, Write,
    db::{column::row_type, conn::tenant_query},
};
use domain::{Allowed, account::AccountNotice, policy::SetSelfApproval};

row_type! {
    /// How a tenant treats approvers.
    pub struct ApprovalPolicy {
        /// Whether approvers can decide their own requests.
        pub self_approval: bool,
    }
}

const POLICY: &str = "select self_approval from approval_policy where tenant_id = $1";

impl Read {
    /// Returns the tenant's approval settings; every actor can read them.
    pub async fn approval_policy(&mut self) -> Result<ApprovalPolicy> {
        tenant_query!(self, ApprovalPolicy, fetch_one, POLICY)
    }
}

impl Write {
    pub(crate) async fn approval_policy(&mut self) -> Result<ApprovalPolicy> {
        tenant_query!(self, ApprovalPolicy, fetch_one, POLICY)
    }

    /// Sets whether approvers can decide their own requests. Tasks that were submitted before it was allowed keep the former rule.
    pub async fn set_self_approval(&mut self, proof: Allowed<SetSelfApproval>) -> Result<()> {
        const SQL: &str = "update approval_policy set self_approval = $2 where tenant_id = $1";
        tenant_query!(self, execute, SQL, proof.action().allowed)?;
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        let (managers, by, tenant) = (self.managers().await?, self.actor_as_maker(), self.tenant.0);
        self.announce(AccountNotice::ApprovalPolicyChanged, None, &by, &managers).await?;
        self.publish(Topic::Approvals, tenant);
        Ok(())
    }
}
