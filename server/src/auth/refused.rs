//! What is written down of those who show something that does not open where they are.
use crate::{rates::Subject, state::App};
use domain::Actor;

/// Records that a key was shown at an address that it is not for: once a minute, for whoever lost it.
pub(super) async fn elsewhere(app: &App, actor: &Actor, prefix: &str) {
    let Some(key) = actor.key() else { return };
    if !app.rates.is_news(Subject::Key(key)) {
        return;
    }
    tracing::warn!(
        target: "security",
        event = "authentication_failure",
        timestamp = app.store.now().0,
        source_ip = actor.address.as_deref(),
        key_prefix = prefix,
        tenant = %actor.tenant,
        "a key was shown at an address that it is not for"
    );
    let noted = async {
        let mut write = app.store.write(actor).await?;
        write.note_refused_key(prefix, "the address is not among those that the key is for").await?;
        write.commit().await
    };
    if let Err(error) = noted.await {
        tracing::warn!(%error, "that a key was refused is not in the audit log");
    }
}
