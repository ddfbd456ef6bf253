//! Signed heads of the audit chains, in a file beside the database: they show a tail that was cut off.
use crate::{failure::Failure, keys::SigningKey, state::App};
use domain::{Actor, TenantId, checkpoint::Checkpoint};
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// How often heads are signed, where they moved.
const EVERY: Duration = Duration::from_secs(60);

/// Separates one note from the next; no note has such a line.
const END: &str = "--\n";

/// The file, unless another is named. Keep copies of it on another machine.
pub fn file(data: &Path) -> PathBuf {
    data.join("checkpoints")
}

/// Signs the heads that moved, every minute and at the end.
pub async fn keep(app: App, stop: CancellationToken) {
    let mut signed = BTreeMap::new();
    loop {
        let ending = tokio::time::timeout(EVERY, stop.cancelled()).await.is_ok();
        if let Err(failure) = sign(&app, &mut signed).await {
            tracing::error!(%failure, "the audit log's checkpoints cannot be written");
        }
        if ending {
            return;
        }
    }
}

async fn sign(app: &App, signed: &mut BTreeMap<TenantId, i64>) -> Result<(), Failure> {
    for tenant in app.store.system().tenants().await? {
        let head = app.store.read(&Actor::console(tenant.id, app.store.now())).await?.audit_head().await?;
        if head.seq == 0 || signed.get(&tenant.id) == Some(&head.seq) {
            continue;
        }
        let checkpoint = Checkpoint { tenant: tenant.id, size: head.seq, hash: head.hash };
        let key = &app.keys.checkpoints;
        let note = checkpoint.note(&key.public_key(), &key.sign(checkpoint.text().as_bytes()));
        let mut file = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(file(&app.config.data_dir))?;
        file.write_all(format!("{note}{END}").as_bytes())?;
        file.sync_data()?;
        signed.insert(tenant.id, head.seq);
    }
    Ok(())
}

/// The checkpoints of a file, by tenant; none where there is no file. One that this deployment did not sign is an error.
///
/// # Errors
/// When the file cannot be read, or holds something else.
pub fn read(file: &Path, key: &SigningKey) -> Result<BTreeMap<TenantId, Vec<Checkpoint>>, Failure> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        text => text.map_err(|error| Failure::new(format!("{}: {error}", file.display())))?,
    };
    let mut kept = BTreeMap::<_, Vec<_>>::new();
    // What stands after the last separator was cut off while it was written.
    let whole = text.rsplit_once(END).map_or("", |(whole, _)| whole);
    for note in whole.split(END).filter(|note| !note.is_empty()) {
        let (checkpoint, signature) = Checkpoint::read(note, &key.public_key())?;
        if !key.verifies(checkpoint.text().as_bytes(), &signature) {
            return Err(Failure::new(format!("{}: a checkpoint was not signed by this deployment", file.display())));
        }
        kept.entry(checkpoint.tenant).or_default().push(checkpoint);
    }
    Ok(kept)
}
