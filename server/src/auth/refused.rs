//! What is written down of those who show something that does not open where they are.
use crate::{
    anonymous_log,
    http::ClientAddress,
    rates::{News, Subject},
    state::App,
};
use domain::{Actor, Networks, PersonId, TenantId, role::TenantRole, security::SecurityEvent};
use std::net::IpAddr;

/// Records that a password opened nothing. Of an address that somebody has it stands in their tenant's audit log, of one that
/// nobody has it is a line of the log: both are written when the answer is on its way, so that its time tells nothing.
pub(super) async fn wrong_sign_in(app: &App, address: IpAddr, of: Option<(TenantId, PersonId)>, why: &'static str) {
    let store = app.store.clone();
    app.background.room().await.write("a refused sign-in", async move {
        let Some((tenant, person)) = of else {
            let (event, reason) = (SecurityEvent::AuthenticationFailure, "nobody who may sign in has this address");
            anonymous_log::refused(event, Some(address), None, "POST /actions/login/sign-in", reason);
            return Ok(());
        };
        let nobody = Actor { address: Some(address.to_string()), ..Actor::clock(tenant, store.now()) };
        let mut write = store.write(&nobody).await?;
        write.note_refused_sign_in(person, why).await?;
        write.commit().await
    });
}

/// Records that an attempt to sign in, or to prove who one is, was not even looked at after too many wrong ones: once a minute for
/// one account, and for one network where there is none. As above, the time of the answer tells nothing.
pub(super) async fn held_up(app: &App, address: IpAddr, who: Option<(TenantId, PersonId)>) {
    let (store, room) = (app.store.clone(), app.background.room().await);
    let subject = who.map_or_else(|| Subject::of(address), |(_, person)| Subject::Person(person));
    if !app.rates.is_news(News::HeldUp, subject) {
        return;
    }
    room.write("that attempts are held up", async move {
        let Some((tenant, person)) = who else {
            let (event, reason) = (SecurityEvent::RateLimitExceeded, "too many wrong attempts");
            anonymous_log::refused(event, Some(address), None, "POST /actions/login", reason);
            return Ok(());
        };
        let nobody = Actor { address: Some(address.to_string()), ..Actor::clock(tenant, store.now()) };
        let mut write = store.write(&nobody).await?;
        write.note_held_up(person).await?;
        write.commit().await
    });
}

/// Records that a key was shown at an address that it is not for: once a minute, for whoever lost it.
pub(super) async fn elsewhere(app: &App, actor: &Actor, prefix: &str) {
    let Some(key) = actor.key() else { return };
    if !app.rates.is_news(News::Elsewhere, Subject::Key(key)) {
        return;
    }
    let noted = async {
        let mut write = app.store.write(actor).await?;
        write.note_refused_key(prefix, "the address is not among those that the key is for").await?;
        write.commit().await
    };
    if let Err(error) = noted.await {
        tracing::warn!(%error, "that a key was refused is not in the audit log");
    }
}

/// The actor, without what an admin or auditor may where the configuration does not let them come from here (M-14). The
/// console is not asked: it is on the machine. That somebody was held off is recorded, once a minute.
pub(super) async fn admin_blocked(app: &App, actor: Actor, client: Option<ClientAddress>) -> Actor {
    let allow = &app.config.admin.allow;
    if allow.is_empty() || actor.tenant_role < TenantRole::Auditor {
        return actor;
    }
    if Networks::from(allow.clone()).admit(client.map(|client| client.0)) {
        return actor;
    }
    // Each for themselves: several share an address, and one is not hidden by another.
    let subject = match (actor.key(), actor.person()) {
        (Some(key), _) => Some(Subject::Key(key)),
        (None, person) => person.map(Subject::Person),
    };
    if subject.is_some_and(|subject| app.rates.is_news(News::HeldOff, subject)) {
        let noted = async {
            let mut write = app.store.write(&actor).await?;
            write.note_admin_blocked().await?;
            write.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, "that an admin was held off is not in the audit log");
        }
    }
    Actor { admin_blocked: true, ..actor }
}
