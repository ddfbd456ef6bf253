//! What is due, in whatever tenant.
use super::System;
use crate::{Result, TaskFilter, column::record, conn::unscoped};
use domain::{Actor, TenantId, Timestamp};

record! {
    /// When the next thing is due.
    pub struct DueAt {
        /// Microseconds since the epoch.
        pub at: Option<Timestamp>,
    }
}

impl System<'_> {
    /// When the next approval, lease or invitation ends, in whatever tenant.
    pub async fn next_due(&self) -> Result<Option<Timestamp>> {
        let mut conn = self.read().await?;
        let approvals =
            unscoped!(conn, DueAt, fetch_one, "select min(expires_at) as at from approval where state = 'waiting'")?;
        let leases = unscoped!(
            conn,
            DueAt,
            fetch_one,
            "select min(lease_until) as at from task where state in ('assigned', 'running')"
        )?;
        let invitations = unscoped!(conn, DueAt, fetch_one, "select min(expires_at) as at from invitation")?;
        Ok([approvals.at, leases.at, invitations.at].into_iter().flatten().min())
    }

    /// Does what is due in every tenant: expires approvals, gives tasks of silent runners back to the queue, takes away
    /// invitations that are too old.
    pub async fn do_due(&self) -> Result<()> {
        for tenant in self.tenants().await? {
            let clock = Actor::clock(tenant.id, self.now());
            let mut write = self.0.write(&clock).await?;
            write.forget_invitations().await?;
            write.expire_approvals().await?;
            write.commit().await?;
            // By itself: both take tasks first, and the log afterwards.
            let mut write = self.0.write(&clock).await?;
            write.release_expired().await?;
            write.commit().await?;
        }
        Ok(())
    }

    /// Forgets up to so many rows of each kind that count for nothing any more, in every tenant; says whether there may be others.
    pub async fn forget_old(&self, most: u32) -> Result<bool> {
        let mut more = false;
        for tenant in self.tenants().await? {
            let mut write = self.0.write(&Actor::clock(tenant.id, self.now())).await?;
            more |= write.forget_old(most).await?;
            write.commit().await?;
        }
        Ok(more)
    }

    /// Tenants with something to run, for the dispatcher's start.
    pub async fn tenants_with_queue(&self) -> Result<Vec<TenantId>> {
        let mut busy = vec![];
        for tenant in self.tenants().await? {
            let filter = TaskFilter { states: vec![domain::task::TaskState::Queued], ..TaskFilter::default() };
            let mut read = self.0.read(&Actor::console(tenant.id, self.now())).await?;
            if !read.tasks(&filter, None, 1).await?.items.is_empty() {
                busy.push(tenant.id);
            }
        }
        Ok(busy)
    }
}
