//! Due work of all tenants: expiries, notices and retention.
use super::System;
use crate::{
    Result,
    db::{column::row_type, conn::unscoped_query},
    placement::can_take,
    retention,
    silence::watched,
};
use domain::{Actor, TenantId, Timestamp, account::AccountNotice, anomalies::RUNNER_SILENCE, task::Tool};

row_type! {
    /// When the next work is due.
    pub struct DueAt {
        pub at: Option<Timestamp>,
    }
}

impl System<'_> {
    /// Returns when approvers are reminded of the next approval request, when the next approval request, request for confirmation, lease, invitation or queued task expires, the next expiry notice is
    /// due, or a runner has been silent for too long, in any tenant.
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
        let reminders = unscoped_query!(
            conn,
            DueAt,
            fetch_one,
            "select min(reminder_at) as at from approval where reminder_at is not null"
        )?;
        drop(conn);
        let (runners, tasks) = (self.next_silent_runner().await?, self.next_queue_expiry().await?);
        let due = [approvals.at, leases.at, invitations.at, keys.at, confirmations.at, reminders.at, runners, tasks];
        Ok(due.into_iter().flatten().min())
    }

    /// Returns when the next runner will have been silent for too long. Its silence begins no earlier than this node could record
    /// heartbeats.
    async fn next_silent_runner(&self) -> Result<Option<Timestamp>> {
        const SQL: &str = concat!("select min(last_seen_at) as at from runner where ", watched!());
        let mut conn = self.read().await?;
        let oldest = unscoped_query!(conn, DueAt, fetch_one, SQL)?.at;
        Ok(oldest.map(|seen| seen.max(self.0.watching_since()).after(RUNNER_SILENCE)))
    }

    /// Returns when the next queued task expires that no connected runner can take.
    async fn next_queue_expiry(&self) -> Result<Option<Timestamp>> {
        const SQL: &str = concat!(
            "select min(case when oldest.seen_at > oldest.queued_at then oldest.seen_at else oldest.queued_at end) as at from (
                select (select min(t.queued_at) from task t where t.tenant_id = tenant.id and t.tool = $1 and t.state = 'queued') as queued_at,
                    coalesce((select max(r.last_seen_at) from runner r where r.tenant_id = tenant.id and ",
            can_take!("r.capabilities", "$1"),
            "), 0) as seen_at
                from tenant where not exists (select 1 from runner r
                    where r.tenant_id = tenant.id and r.revoked_at is null and r.connected and ",
            can_take!("r.capabilities", "$1"),
            ")) oldest"
        );
        let Some(expiry) = self.0.queue_expiry() else { return Ok(None) };
        let (mut conn, mut next) = (self.read().await?, None);
        for tool in Tool::ALL {
            let since = unscoped_query!(conn, DueAt, fetch_one, SQL, *tool)?.at;
            next = next.into_iter().chain(since.map(|since| since.max(self.0.watching_since()).after(expiry))).min();
        }
        Ok(next)
    }

    /// Runs due work in every tenant: expires approval requests and reminds their approvers, expires requests for confirmation, leases and queued tasks, deletes expired
    /// invitations, notifies owners of keys that expire soon, and reports silent runners. A failure in one tenant does not stop the others; the last error is returned.
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
        write.remind_approvers().await?;
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
        write.commit().await?;
        let mut write = self.0.write(&clock).await?;
        write.report_silent_runners().await?;
        write.commit().await?;
        let mut write = self.0.write(&clock).await?;
        write.expire_queued_tasks().await?;
        write.commit().await
    }

    /// Notifies the admins of every tenant that a scheduled backup failed. A failure in one tenant does not stop the others; the last error
    /// is returned.
    pub async fn notify_failed_backup(&self) -> Result<()> {
        let mut all = Ok(());
        for tenant in self.tenants().await? {
            let notified = async {
                let mut write = self.0.write(&Actor::clock(tenant.id, self.now())).await?;
                write.notify_admins(AccountNotice::BackupFailed, "").await?;
                write.commit().await
            };
            all = notified.await.and(all);
        }
        all
    }

    /// Lets no tenant's retention run begin before a day from now.
    pub async fn postpone_retention(&self) -> Result<()> {
        let (mut conn, due_at) = (self.write().await?, self.now().after(retention::INTERVAL));
        unscoped_query!(conn, execute, "update retention_policy set due_at = $1", due_at)?;
        conn.commit().await
    }

    /// Continues the retention runs that are due: deletes up to `most` expired rows of each kind in every tenant. Returns whether there may be
    /// more. A failure in one tenant is logged and does not stop the others.
    pub async fn delete_expired_history(&self, most: u32) -> Result<bool> {
        let mut more = false;
        for tenant in self.tenants().await? {
            let deleted = async {
                let mut write = self.0.write(&Actor::clock(tenant.id, self.now())).await?;
                let more = write.delete_expired_history(most).await?;
                write.commit().await.map(|()| more)
            };
            match deleted.await {
                Ok(has_more) => more |= has_more,
                Err(error) => {
                    tracing::warn!(%error, tenant = %tenant.id, "expired data could not be deleted; retrying in an hour")
                }
            }
        }
        Ok(more)
    }
}
