//! Completion of a rotation of the grant key at the next start: what can still start is signed again with the new key.
use crate::{failure::Failure, keys::SecretsDir, state::App};
use domain::{Actor, policy::RotateGrantKey};

/// Signs the rules and the open tasks of every tenant again if the key file says that this is not done yet. The file decides,
/// because a row that says so could be set back by somebody who has the old key and write access to the database.
///
/// # Errors
/// Fails if the database or the key file cannot be written; the next start continues.
pub async fn finish(app: &App) -> Result<(), Failure> {
    let keys = &app.keys.grants;
    if !keys.is_unfinished() {
        return Ok(());
    }
    for tenant in app.store.system().tenants().await? {
        let console = Actor::console(tenant.id, app.store.now());
        let proof = app.store.authorize(&console, RotateGrantKey { key: keys.public_key() }).await?;
        let mut write = app.store.write(&console).await?;
        let signed = write.sign_again(proof).await?;
        write.commit().await?;
        if let Some(statements) = signed {
            tracing::info!(tenant = %tenant.id, statements, "signed again with the new grant key");
        }
    }
    keys.finish(&SecretsDir::open_or_create(&app.config.secrets_dir())?)?;
    Ok(())
}
