//! Audit records of failed and throttled sign-in attempts.
use crate::Auth;
use domain::{Actor, PersonId, TenantId, security::SecurityEvent};
use std::net::IpAddr;

/// Records a failed sign-in: in the tenant's audit log for a known address, in the server's log for an unknown one. Both are
/// written in the background, so that the response time does not reveal which it is.
pub(crate) async fn failed_sign_in(
    auth: &Auth,
    address: IpAddr,
    account: Option<(TenantId, PersonId)>,
    reason: &'static str,
) {
    let (store, log) = (auth.store.clone(), auth.log.anonymous);
    auth.background.room().await.write("a refused sign-in", async move {
        let Some((tenant, person)) = account else {
            let (event, reason) =
                (SecurityEvent::AuthenticationFailure, "no account that can sign in has this address");
            log(event, address, "POST /actions/login/sign-in", reason);
            return Ok(());
        };
        let anonymous = Actor { address: Some(address.to_string()), ..Actor::clock(tenant, store.now()) };
        let mut write = store.write(&anonymous).await?;
        write.note_refused_sign_in(person, reason).await?;
        write.commit().await
    });
}

/// Records a throttled attempt to sign in or to confirm one's identity, once a minute for an account, or for a network where
/// the account is unknown. Written in the background for the same reason as above.
pub(crate) async fn throttled(auth: &Auth, address: IpAddr, account: Option<(TenantId, PersonId)>) {
    let (store, room, log) = (auth.store.clone(), auth.background.room().await, auth.log.anonymous);
    if !(auth.log.is_throttle_due)(account.map(|(_, person)| person), address) {
        return;
    }
    room.write("a throttled attempt", async move {
        let Some((tenant, person)) = account else {
            log(SecurityEvent::RateLimitExceeded, address, "POST /actions/login", "too many failed attempts");
            return Ok(());
        };
        let anonymous = Actor { address: Some(address.to_string()), ..Actor::clock(tenant, store.now()) };
        let mut write = store.write(&anonymous).await?;
        write.note_throttled(person).await?;
        write.commit().await
    });
}
