//! Shares of the write connections: transactions that wait for the locks of one tenant leave connections to the others.
use domain::TenantId;
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Number of write connections.
pub(crate) const MAX_WRITERS: u32 = 16;
/// Number of write connections that a tenant, or the work across tenants, can have at a time.
pub(crate) const SHARE: usize = 6;

/// The shares in use. Work across tenants has one, too, under the key `None`.
#[derive(Default)]
pub(crate) struct TenantShares(Mutex<HashMap<Option<TenantId>, Weak<Semaphore>>>);

impl TenantShares {
    /// Waits for a connection of the share, in the order of the calls.
    pub(crate) async fn acquire(&self, tenant: Option<TenantId>) -> Result<OwnedSemaphorePermit, sqlx::Error> {
        self.share(tenant).acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)
    }

    /// Returns a share, which lasts as long as somebody has or awaits a permit of it.
    fn share(&self, tenant: Option<TenantId>) -> Arc<Semaphore> {
        let mut shares = self.0.lock();
        if let Some(share) = shares.get(&tenant).and_then(Weak::upgrade) {
            return share;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(SHARE));
        shares.insert(tenant, Arc::downgrade(&share));
        share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use uuid::Uuid;

    #[tokio::test]
    async fn d_12_each_tenant_has_a_share_that_is_forgotten_when_unused() {
        let shares = TenantShares::default();
        let tenant = |n| Some(TenantId(Uuid::from_u128(n)));
        let acquire = async |tenant| shares.acquire(tenant).await.unwrap();
        let mut permits = vec![];
        for _ in 0..SHARE {
            permits.push(acquire(tenant(1)).await);
        }
        assert!(acquire(tenant(1)).now_or_never().is_none(), "the share is used up");
        assert!(acquire(tenant(2)).now_or_never().is_some() && acquire(None).now_or_never().is_some());
        permits.pop();
        assert!(acquire(tenant(1)).now_or_never().is_some());
        for n in 3..100 {
            drop(acquire(tenant(n)).await);
        }
        assert!(shares.0.lock().len() <= 2, "the one in use, and the last one");
    }
}
