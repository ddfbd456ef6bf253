//! Audit records of failed and throttled sign-in attempts.
use crate::Auth;
use domain::{Actor, PersonId, TenantId, security::SecurityEvent};
use std::net::IpAddr;
use store::{Store, Write};

/// Records a failed sign-in: in the audit log of each tenant with an account that has the address, in the server's log if there is
/// none. Both are written in the background, so that the response time does not reveal which it is.
pub(crate) async fn failed_sign_in(auth: &Auth, address: IpAddr, accounts: Vec<(TenantId, PersonId, &'static str)>) {
    let (store, log) = (auth.store.clone(), auth.log.anonymous);
    auth.background.room().await.write("a refused sign-in", async move {
        if accounts.is_empty() {
            let (event, reason) =
                (SecurityEvent::AuthenticationFailure, "no account that can sign in has this address");
            log(event, address, "POST /actions/login/sign-in", reason);
        }
        let mut written = Ok(());
        for (tenant, person, reason) in accounts {
            let record = async |write: &mut Write| write.note_refused_sign_in(person, reason).await;
            written = written.and(in_tenant(&store, tenant, address, record).await);
        }
        written
    });
}

/// Records a throttled attempt to sign in or to confirm one's identity, once a minute for an account, or for a network where
/// there is no account. Written in the background for the same reason as above.
pub(crate) async fn throttled(auth: &Auth, address: IpAddr, accounts: &[(TenantId, PersonId)]) {
    let (store, room, log) = (auth.store.clone(), auth.background.room().await, auth.log.anonymous);
    let is_due = |person| (auth.log.is_throttle_due)(person, address);
    let unknown = accounts.is_empty() && is_due(None);
    let due: Vec<_> = accounts.iter().copied().filter(|(_, person)| is_due(Some(*person))).collect();
    room.write("a throttled attempt", async move {
        if unknown {
            log(SecurityEvent::RateLimitExceeded, address, "POST /actions/login", "too many failed attempts");
        }
        let mut written = Ok(());
        for (tenant, person) in due {
            let record = async |write: &mut Write| write.note_throttled(person).await;
            written = written.and(in_tenant(&store, tenant, address, record).await);
        }
        written
    });
}

/// Commits a record of a client without a session in one tenant. A failure does not keep the other tenants from getting theirs.
async fn in_tenant(
    store: &Store,
    tenant: TenantId,
    address: IpAddr,
    record: impl AsyncFnOnce(&mut Write) -> store::Result<()>,
) -> store::Result<()> {
    let anonymous = Actor { address: Some(address.to_string()), ..Actor::clock(tenant, store.now()) };
    let mut write = store.write(&anonymous).await?;
    record(&mut write).await?;
    write.commit().await
}
