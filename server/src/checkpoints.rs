//! Signed heads of the audit chains, in a file beside the database: they show a tail that was cut off.
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

/// How often heads are signed, where they moved.
const EVERY: Duration = Duration::from_mins(1);

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
        let console = Actor::console(tenant.id, app.store.now());
        let seq = app.store.read(&console).await?.audit_head().await?.seq;
        if seq == 0 || signed.get(&tenant.id) == Some(&seq) {
            continue;
        }
        let mut write = app.store.write(&console).await?;
        let head = write.lasting_audit_head().await?;
        write.commit().await?;
        let checkpoint = Checkpoint { tenant: tenant.id, size: head.seq, hash: head.hash };
        let key = &app.keys.checkpoints;
        let note = checkpoint.note(&key.public_key(), &key.sign(checkpoint.text().as_bytes()));
        append(&file(&app.config.data_dir), &note)?;
        signed.insert(tenant.id, head.seq);
    }
    Ok(())
}

/// Adds a note. What a full disk or a death left behind the last whole one is cut off first: a note that follows half a
/// note could not be read.
fn append(path: &Path, note: &str) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let length = file.metadata()?.len();
    let whole = whole(&mut file, length)?;
    if whole < length {
        file.set_len(whole)?;
    }
    let written = file.write_all(format!("{note}{END}").as_bytes()).and_then(|()| file.sync_data());
    if written.is_err() {
        let _ = file.set_len(whole); // where that fails as well, the next one does it
    }
    written
}

/// Where the last whole note ends: looked for in the end of the file, where half a note would be.
fn whole(file: &mut fs::File, length: u64) -> std::io::Result<u64> {
    const TAIL: u64 = 4_096;
    let from = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = vec![];
    file.take(TAIL).read_to_end(&mut tail)?;
    match tail.windows(END.len()).rposition(|window| window == END.as_bytes()) {
        Some(at) => Ok(from + u64::try_from(at + END.len()).unwrap_or(0)),
        None if from == 0 => Ok(0),
        None => Ok(length), // nothing that we wrote: reading it will say so
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_half_written_is_cut_off_before_the_next_note() {
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
