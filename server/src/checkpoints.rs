//! Signed checkpoints of the audit hash chains, in a file next to the database. They reveal a truncated log.
use crate::{failure::Failure, keys::SigningKey, state::App};
use domain::{Actor, TenantId, checkpoint::Checkpoint};
use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Interval of checkpoints for changed chains.
const CHECKPOINT_INTERVAL: Duration = Duration::from_mins(1);

/// Separator after each note; notes contain no such line.
const SEPARATOR: &str = "--\n";

/// Returns the default path of the file. Keep copies of it on another machine.
pub fn file(data: &Path) -> PathBuf {
    data.join("checkpoints")
}

/// Signs changed chain heads every minute and at shutdown.
pub async fn run(app: App, stop: CancellationToken) {
    let mut signed = BTreeMap::new();
    loop {
        let ending = tokio::time::timeout(CHECKPOINT_INTERVAL, stop.cancelled()).await.is_ok();
        if let Err(failure) = sign(&app, &mut signed).await {
            tracing::error!(%failure, "audit log checkpoints cannot be written");
        }
        if ending {
            return;
        }
    }
}

async fn sign(app: &App, signed: &mut BTreeMap<TenantId, i64>) -> Result<(), Failure> {
    for tenant in app.store.system().tenants().await? {
        let console = Actor::console(tenant.id, app.store.now());
        let seq = app.store.read(&console).await?.audit_head().await?.seq;
        if seq == 0 || signed.get(&tenant.id) == Some(&seq) {
            continue;
        }
        let mut write = app.store.write(&console).await?;
        let head = write.durable_audit_head().await?;
        write.commit().await?;
        let checkpoint = Checkpoint { tenant: tenant.id, size: head.seq, hash: head.hash };
        let key = &app.keys.checkpoints;
        let note = checkpoint.note(&key.public_key(), &key.sign(checkpoint.text().as_bytes()));
        append(&file(&app.config.data_dir), &note)?;
        signed.insert(tenant.id, head.seq);
    }
    Ok(())
}

/// Appends a note. First truncates an incomplete note that a crash or full disk left behind, which would make later notes
/// unreadable.
fn append(path: &Path, note: &str) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let length = file.metadata()?.len();
    let complete = complete_length(&mut file, length)?;
    if complete < length {
        file.set_len(complete)?;
    }
    let written = file.write_all(format!("{note}{SEPARATOR}").as_bytes()).and_then(|()| file.sync_data());
    if written.is_err() {
        let _ = file.set_len(complete); // if this fails too, the next append truncates
    }
    written
}

/// Returns where the last complete note ends. Only the tail of the file can contain an incomplete note.
fn complete_length(file: &mut fs::File, length: u64) -> std::io::Result<u64> {
    const TAIL: u64 = 4_096;
    let from = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = vec![];
    file.take(TAIL).read_to_end(&mut tail)?;
    match tail.windows(SEPARATOR.len()).rposition(|window| window == SEPARATOR.as_bytes()) {
        Some(at) => Ok(from + u64::try_from(at + SEPARATOR.len()).unwrap_or(0)),
        None if from == 0 => Ok(0),
        None => Ok(length), // not written by us; reading it will report that
    }
}

/// Reads the checkpoints of a file by tenant; returns none if the file does not exist.
///
/// # Errors
/// Fails if the file cannot be read or a checkpoint was not signed by this deployment.
pub fn read(file: &Path, key: &SigningKey) -> Result<BTreeMap<TenantId, Vec<Checkpoint>>, Failure> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        text => text.map_err(|error| Failure::new(format!("{}: {error}", file.display())))?,
    };
    let mut checkpoints = BTreeMap::<_, Vec<_>>::new();
    // Text after the last separator is an incomplete note.
    let complete = text.rsplit_once(SEPARATOR).map_or("", |(complete, _)| complete);
    for note in complete.split(SEPARATOR).filter(|note| !note.is_empty()) {
        let (checkpoint, signature) = Checkpoint::read(note, &key.public_key())?;
        if !key.verifies(checkpoint.text().as_bytes(), &signature) {
            return Err(Failure::new(format!("{}: a checkpoint was not signed by this deployment", file.display())));
        }
        checkpoints.entry(checkpoint.tenant).or_default().push(checkpoint);
    }
    Ok(checkpoints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incomplete_note_is_truncated_before_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        for _ in 0..40 {
            append(&path, &format!("{}\u{2014}\n", "a".repeat(200))).unwrap();
        }
        let whole = fs::read_to_string(&path).unwrap();
        for torn in ["b", "-", "--", "bbb\n\u{2014}"] {
            fs::write(&path, format!("{whole}{torn}")).unwrap();
            append(&path, "c\n").unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{whole}c\n--\n"), "{torn:?}");
        }
        fs::write(&path, "only half").unwrap();
        append(&path, "c\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "c\n--\n");
    }
}
