//! A tenant's approval settings (D-04).
use crate::{
    Applied, Read, Result, Topic, Write,
    db::{column::row_type, conn::tenant_query},
};
use domain::{
    Action, Allowed,
    account::AccountNotice,
    confirmation::ProtectedChange,
    policy::{SetDualControl, SetSelfApproval},
};

row_type! {
    /// How a tenant treats approvers.
    pub struct ApprovalPolicy {
        /// Whether approvers can decide their own requests.
        pub self_approval: bool,
        /// Whether a second admin or owner confirms new approvers and access to their accounts, once there are two.
        pub dual_control: bool,
    }
}

const POLICY: &str = "select self_approval, dual_control from approval_policy where tenant_id = $1";

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
    pub async fn set_self_approval(&mut self, proof: Allowed<SetSelfApproval>) -> Result<Applied> {
        const SQL: &str = "update approval_policy set self_approval = $2 where tenant_id = $1";
        let allowed = proof.action().allowed;
        if allowed && self.setting_awaits_confirmation(ProtectedChange::AllowSelfApproval).await? {
            return Ok(Applied::AfterConfirmation);
        }
        tenant_query!(self, execute, SQL, allowed)?;
        self.record_policy(&proof).await
    }

    /// Sets whether a second admin or owner confirms new approvers and access to their accounts.
    pub async fn set_dual_control(&mut self, proof: Allowed<SetDualControl>) -> Result<Applied> {
        const SQL: &str = "update approval_policy set dual_control = $2 where tenant_id = $1";
        let enabled = proof.action().enabled;
        if !enabled && self.setting_awaits_confirmation(ProtectedChange::DisableDualControl).await? {
            return Ok(Applied::AfterConfirmation);
        }
        tenant_query!(self, execute, SQL, enabled)?;
        self.record_policy(&proof).await
    }

    async fn setting_awaits_confirmation(&mut self, change: ProtectedChange) -> Result<bool> {
        let (managers, maker) = (self.managers().await?, self.maker());
        self.awaits_confirmation(change, &maker, &managers).await
    }

    async fn record_policy<A: Action>(&mut self, proof: &Allowed<A>) -> Result<Applied> {
        let entry = self.entry(proof)?;
        self.record(entry).await?;
        let (managers, by, tenant) = (self.managers().await?, self.maker(), self.tenant.0);
        self.announce(AccountNotice::ApprovalPolicyChanged, None, &by, managers.ids()).await?;
        self.publish(Topic::Approvals, tenant);
        Ok(Applied::Now)
    }
}
