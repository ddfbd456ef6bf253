//! Due work of all tenants: expiries, notices and retention.
use super::System;
use crate::{
    Result,
    db::{column::row_type, conn::unscoped_query},
};
use domain::{Actor, TenantId, Timestamp};

row_type! {
    /// When the next work is due.
    pub struct DueAt {
        pub at: Option<Timestamp>,
    }
}

impl System<'_> {
    /// Returns when the next approval request, request for confirmation, lease or invitation expires or the next expiry notice is due, in any tenant.
    pub async fn next_due(&self) -> Result<Option<Timestamp>> {
        let mut conn = self.read().await?;
        let approvals = unscoped_query!(
            conn,
            DueAt,
            fetch_one,
            "select min(expires_at) as at from approval where state = 'waiting'"
        )?;
        let leases = unscoped_query!(
            conn,
            DueAt,
            fetch_one,
            "select min(lease_until) as at from task where state in ('assigned', 'running')"
        )?;
        let invitations = unscoped_query!(conn, DueAt, fetch_one, "select min(expires_at) as at from invitation")?;
        let keys = unscoped_query!(
            conn,
            DueAt,
            fetch_one,
            "select min(expiry_notice_at) as at from api_key where expiry_notice_at is not null"
        )?;
        let confirmations = unscoped_query!(
            conn,
            DueAt,
            fetch_one,
            "select min(expires_at) as at from confirmation where state = 'waiting'"
        )?;
        Ok([approvals.at, leases.at, invitations.at, keys.at, confirmations.at].into_iter().flatten().min())
    }

    /// Runs due work in every tenant: expires approval requests, requests for confirmation and leases, deletes expired invitations and notifies owners
    /// of keys that expire soon. A failure in one tenant does not stop the others; the last error is returned.
    pub async fn run_due_work(&self) -> Result<()> {
        let mut all = Ok(());
        for tenant in self.tenants().await? {
            all = self.do_due_in(tenant.id).await.and(all);
        }
        all
    }

    async fn do_due_in(&self, tenant: TenantId) -> Result<()> {
        let clock = Actor::clock(tenant, self.now());
        let mut write = self.0.write(&clock).await?;
        write.delete_expired_invitations().await?;
        write.expire_approvals().await?;
        write.commit().await?;
        // In a transaction of its own: requests for confirmation are locked before the audit log.
        let mut write = self.0.write(&clock).await?;
        write.expire_confirmations().await?;
        write.commit().await?;
        let mut write = self.0.write(&clock).await?;
        write.send_expiry_notices().await?;
        write.commit().await?;
        // In a transaction of its own: both lock tasks first and the audit log afterwards.
        let mut write = self.0.write(&clock).await?;
        write.release_expired_leases().await?;
        write.commit().await
    }

    /// Deletes up to `most` expired rows of each kind in every tenant. Returns whether there may be more.
    pub async fn delete_expired_history(&self, most: u32) -> Result<bool> {
        let mut more = false;
        for tenant in self.tenants().await? {
            let mut write = self.0.write(&Actor::clock(tenant.id, self.now())).await?;
            more |= write.delete_expired_history(most).await?;
            write.commit().await?;
        }
        Ok(more)
    }
}
