//! Change notifications from the command line to the server on the same data directory: empty datagrams on a Unix socket.
//! Only SQLite needs them; PostgreSQL notifies all nodes itself.
use crate::state::App;
use std::{os::unix::fs::PermissionsExt, path::PathBuf};
use tokio::net::UnixDatagram;

fn socket_path(app: &App) -> PathBuf {
    app.config.data_dir.join("console.sock")
}

/// Notifies the server on this data directory, if one is running, that data changed.
pub async fn notify_server(app: &App) {
    if let Ok(from) = UnixDatagram::unbound()
        && let Err(error) = from.send_to(&[], socket_path(app)).await
    {
        tracing::debug!(%error, "no server on this data directory received the notification");
    }
}

/// Receives notifications until the server stops. File permissions of the data directory control who can send them.
pub async fn listen(app: App) {
    if !app.store.is_embedded() {
        return;
    }
    let path = socket_path(&app);
    // A killed server leaves its socket behind; the lock on the database rules out another running server.
    drop(std::fs::remove_file(&path));
    let socket = match UnixDatagram::bind(&path) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::warn!(%error, "cannot open the notification socket; changes by `castellan admin` take effect within a minute");
            return;
        }
    };
    if let Err(error) = std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)) {
        tracing::warn!(%error, "cannot restrict the notification socket to this user; other users can only trigger a refresh");
    }
    while let Some(Ok(_)) = app.stop.run_until_cancelled(socket.recv(&mut [0; 1])).await {
        app.store.publish_missed_events();
    }
    drop(std::fs::remove_file(&path));
}
