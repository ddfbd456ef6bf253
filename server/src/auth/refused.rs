//! What is written down of those who show something that does not open where they are.
use crate::{door::ClientAddress, rates::Subject, state::App};
use domain::{Actor, Networks, role::TenantRole};

/// Records that a key was shown at an address that it is not for: once a minute, for whoever lost it.
pub(super) async fn elsewhere(app: &App, actor: &Actor, prefix: &str) {
    let Some(key) = actor.key() else { return };
    if !app.rates.is_news(Subject::Key(key)) {
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
pub(super) async fn held_off(app: &App, actor: Actor, client: Option<ClientAddress>) -> Actor {
    let allow = &app.config.admin.allow;
    if allow.is_empty() || actor.tenant_role < TenantRole::Auditor {
        return actor;
    }
    if Networks::from(allow.clone()).admit(client.map(|client| client.0)) {
        return actor;
    }
    let subject = client.map(|client| Subject::of(client.0));
    if subject.is_some_and(|subject| app.rates.is_news(subject)) {
        let noted = async {
            let mut write = app.store.write(&actor).await?;
            write.note_held_off().await?;
            write.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, "that an admin was held off is not in the audit log");
        }
    }
    Actor { held_off: true, ..actor }
}
