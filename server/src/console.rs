//! How the console tells the server on the same data folder that it changed something: a datagram without content. Only with
//! SQLite, whose changes nobody else hears of; PostgreSQL tells all nodes itself.
use crate::state::App;
use std::{os::unix::fs::PermissionsExt, path::PathBuf};
use tokio::net::UnixDatagram;

fn socket(app: &App) -> PathBuf {
    app.config.data_dir.join("console.sock")
}

/// Tells a server on this data folder to look again, if there is one.
pub async fn tell(app: &App) {
    if let Ok(from) = UnixDatagram::unbound()
        && let Err(error) = from.send_to(&[], socket(app)).await
    {
        tracing::debug!(%error, "no server on this data folder was told");
    }
}

/// Passes on what the console says, until the server stops. Who may write to the data folder is the console.
pub async fn listen(app: App) {
    if !app.store.is_embedded() {
        return;
    }
    let path = socket(&app);
    // Left behind by a server that was killed: the lock on the database says that there is no other.
    drop(std::fs::remove_file(&path));
    let heard = match UnixDatagram::bind(&path) {
        Ok(heard) => heard,
        Err(error) => {
            tracing::warn!(%error, "what the console changes counts within a minute, not at once");
            return;
        }
    };
    if let Err(error) = std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)) {
        tracing::warn!(%error, "the console's socket stays open to others of this machine, who can do nothing by it");
    }
    while let Some(Ok(_)) = app.stop.run_until_cancelled(heard.recv(&mut [0; 1])).await {
        app.store.look_again();
    }
    drop(std::fs::remove_file(&path));
}
