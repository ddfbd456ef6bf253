//! Due work of all tenants: expiries, notices and retention.
use super::System;
use crate::{
    Result,
    db::{column::row_type, conn::unscoped_query},
};
use domain::{Actor, TenantId, Timestamp};

row_type! {
    /// When the next thing is due.
    pub struct DueAt {
        /// Microseconds since the epoch.
        pub at: Option<Timestamp>,
    }
}

impl System<'_> {
    /// When the next approval, lease or invitation ends, or the next owner of a key is to be told, in whatever tenant.
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
        Ok([approvals.at, leases.at, invitations.at, keys.at].into_iter().flatten().min())
    }

    /// Does what is due in every tenant: expires approvals, gives tasks of silent runners back to the queue, takes away
    /// invitations that are too old, tells of keys that end soon. What cannot be done in one tenant holds up no other; the last
    /// such error is told.
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
        write.forget_invitations().await?;
        write.expire_approvals().await?;
        write.commit().await?;
        let mut write = self.0.write(&clock).await?;
        write.tell_of_ends().await?;
        write.commit().await?;
        // By itself: both take tasks first, and the log afterwards.
        let mut write = self.0.write(&clock).await?;
        write.release_expired_leases().await?;
        write.commit().await
    }

    /// Forgets up to so many rows of each kind that count for nothing any more, in every tenant; says whether there may be others.
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
