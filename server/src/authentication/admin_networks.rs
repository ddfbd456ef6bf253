//! Network restrictions of admins and API keys: the records of uses from networks that are not allowed.
use crate::{
    http::ClientAddress,
    rates::{ReportKind, Subject},
    state::App,
};
use domain::{Actor, Networks, role::TenantRole};

/// Records the use of a key from a network that it does not allow, once a minute: the key may be stolen.
pub(super) async fn record_key_refusal(app: &App, actor: &Actor, prefix: &str) {
    let Some(key) = actor.key() else { return };
    if !app.rates.is_report_due(ReportKind::Elsewhere, Subject::Key(key)) {
        return;
    }
    let noted = async {
        let mut write = app.store.write(actor).await?;
        write.note_refused_key(prefix, "the address is not among those that the key is for").await?;
        write.commit().await
    };
    if let Err(error) = noted.await {
        tracing::warn!(%error, "the refusal of an API key could not be audited");
    }
}

/// The actor, without the rights of an admin or auditor if the configuration does not allow those from this network (M-14). The
/// console is exempt, because it runs on the machine. A restriction is recorded once a minute.
pub(super) async fn restrict(app: &App, actor: Actor, client: Option<ClientAddress>) -> Actor {
    let allow = &app.config.admin.allow;
    if allow.is_empty() || actor.tenant_role < TenantRole::Auditor {
        return actor;
    }
    if Networks::from(allow.clone()).admit(client.map(|client| client.0)) {
        return actor;
    }
    // Counted for each person and key, because several may share an address.
    let subject = match (actor.key(), actor.person()) {
        (Some(key), _) => Some(Subject::Key(key)),
        (None, person) => person.map(Subject::Person),
    };
    if subject.is_some_and(|subject| app.rates.is_report_due(ReportKind::AdminBlocked, subject)) {
        let noted = async {
            let mut write = app.store.write(&actor).await?;
            write.note_admin_blocked().await?;
            write.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, "an attempt from outside the admin networks could not be audited");
        }
    }
    Actor { admin_blocked: true, ..actor }
}
