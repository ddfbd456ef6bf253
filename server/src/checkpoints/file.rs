//! Checkpoint file: signed notes, of which each contains the hash of the one before it, so that none can be removed unnoticed. A
//! compaction thins out old notes and signs what it kept.
use crate::{
    atomic_file,
    failure::Failure,
    keys::{CheckpointKeys, NoteSignature},
};
use domain::{
    Timestamp,
    audit::Hash,
    checkpoint::{Checkpoint, note_hash},
    compaction::{Compaction, retained},
};
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Separator after each note; notes contain no such line.
const SEPARATOR: &str = "--\n";

/// Returns the default path of the file. Keep copies of it on another machine.
pub fn path(data: &Path) -> PathBuf {
    data.join("checkpoints")
}

/// The notes of a file, all signed by this deployment.
#[derive(Debug, Default)]
pub struct Notes {
    /// In the order of the file.
    pub checkpoints: Vec<Checkpoint>,
    /// Whether notes before or between these are missing.
    pub is_cut: bool,
    /// The hash of the last note.
    pub last: Option<Hash>,
    /// Length of the complete notes in bytes; what follows was interrupted while it was written.
    pub length: u64,
    /// Number of notes that the last compaction kept; 0 without one.
    pub compacted: usize,
}

impl Notes {
    /// Reads a file; `None` if it does not exist.
    ///
    /// # Errors
    /// Fails if the file cannot be read or contains anything else than signed checkpoints of this deployment.
    pub fn read(file: &Path, keys: &CheckpointKeys) -> Result<Option<Self>, Failure> {
        match fs::read(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::new(format!("{}: {error}", file.display()))),
            Ok(bytes) => {
                Self::parse(&bytes, keys).map(Some).map_err(|why| Failure::new(format!("{}: {why}", file.display())))
            }
        }
    }

    fn parse(bytes: &[u8], keys: &CheckpointKeys) -> Result<Self, &'static str> {
        const FOREIGN: &str = "contains something else than signed checkpoints of this deployment";
        let complete = std::str::from_utf8(complete(bytes)).map_err(|_| FOREIGN)?;
        let mut notes = Self { length: u64::try_from(complete.len()).unwrap_or(0), ..Self::default() };
        let mut texts = complete.split_terminator(SEPARATOR).peekable();
        if let Some(note) = texts.next_if(|note| Compaction::is_claimed_by(note)) {
            let compaction = keys.read_compaction(note).ok_or(FOREIGN)?;
            match digest(texts.clone().take(compaction.kept)) == compaction.digest {
                true => notes.compacted = compaction.kept,
                false => notes.is_cut = true,
            }
        }
        let mut unverified: Option<(Checkpoint, NoteSignature)> = None;
        for note in texts {
            let (checkpoint, signature) = keys.read(note).ok_or(FOREIGN)?;
            // The signature of the compaction covers the notes that it kept, which need not follow each other.
            let is_kept = notes.checkpoints.len() < notes.compacted;
            if checkpoint.previous != notes.last && !is_kept {
                notes.is_cut = true;
                // The signature of a note covers all notes before it, except where they do not follow each other.
                verify(unverified.take(), keys).ok_or(FOREIGN)?;
            }
            notes.last = Some(note_hash(note));
            unverified = (!is_kept).then(|| (checkpoint.clone(), signature));
            notes.checkpoints.push(checkpoint);
        }
        verify(unverified, keys).ok_or(FOREIGN)?;
        Ok(notes)
    }
}

/// Returns the complete notes: what follows the last separator was interrupted, possibly within a character.
fn complete(bytes: &[u8]) -> &[u8] {
    let end = bytes.windows(SEPARATOR.len()).rposition(|window| window == SEPARATOR.as_bytes());
    end.and_then(|at| bytes.get(..at + SEPARATOR.len())).unwrap_or_default()
}

/// Returns the beginning of the file until the last of `notes`, without the checkpoints that were signed afterwards. The
/// acknowledgments of vanished tenants, which follow an acknowledged log and are in no database, belong to it.
///
/// # Errors
/// Fails if the file cannot be read or does not contain all of `notes`.
pub fn notes_until(file: &Path, notes: &[String], keys: &CheckpointKeys) -> Result<Vec<u8>, Failure> {
    let mut bytes = fs::read(file).or_else(|error| match error.kind() {
        ErrorKind::NotFound => Ok(vec![]), // nothing was signed yet
        _ => Err(failed(file)(error)),
    })?;
    let mut end = 0;
    for note in notes {
        let text = format!("{note}{SEPARATOR}").into_bytes();
        let at = bytes.windows(text.len()).rposition(|window| window == text);
        let at =
            at.ok_or_else(|| Failure::new(format!("{} was changed in the meantime; try again", file.display())))?;
        end = end.max(at + text.len());
    }
    let rest = std::str::from_utf8(complete(&bytes)).ok().and_then(|text| text.get(end..)).unwrap_or_default();
    let is_of_vanished = |note: &&str| keys.read(note).is_some_and(|(checkpoint, _)| checkpoint.size == 0);
    end +=
        rest.split_terminator(SEPARATOR).take_while(is_of_vanished).map(|it| it.len() + SEPARATOR.len()).sum::<usize>();
    bytes.truncate(end);
    Ok(bytes)
}

/// Fails if a part of a file cannot be read by itself: it was compacted since.
pub fn require_complete(bytes: &[u8], keys: &CheckpointKeys) -> Result<(), Failure> {
    let notes = Notes::parse(bytes, keys).map_err(Failure::new)?;
    match notes.is_cut {
        true => Err(Failure::new("the checkpoint file was compacted in the meantime; try again")),
        false => Ok(()),
    }
}

/// Returns the digest of notes as they are in a file.
fn digest<'a>(notes: impl Iterator<Item = &'a str>) -> Hash {
    let hash = notes.fold(Sha256::new(), |hash, note| hash.chain_update(note).chain_update(SEPARATOR));
    hash.finalize().into()
}

fn verify(note: Option<(Checkpoint, NoteSignature)>, keys: &CheckpointKeys) -> Option<()> {
    let Some((checkpoint, signature)) = note else { return Some(()) };
    keys.verifies_note(&checkpoint, &signature).then_some(())
}

/// The file to which this server appends.
#[derive(Debug)]
pub struct CheckpointFile {
    path: PathBuf,
    /// The new file, until it is complete and replaces the one at `path`.
    draft: Option<PathBuf>,
    last: Option<Hash>,
    length: u64,
    /// Number of notes since the last compaction.
    new: usize,
    /// The number of the file in its file system, which changes when another process replaces it; `None` before it was locked.
    inode: Option<u64>,
}

/// A compaction that was planned and not made yet.
#[derive(Debug)]
pub struct CompactionPlan {
    /// The complete notes of the file when it was read.
    bytes: Vec<u8>,
    checkpoints: Vec<Checkpoint>,
    stay: Vec<bool>,
}

impl CompactionPlan {
    /// Returns all checkpoints, and whether each stays.
    pub fn checkpoints(&self) -> impl Iterator<Item = (&Checkpoint, bool)> {
        self.checkpoints.iter().zip(self.stay.iter().copied())
    }
}

impl CheckpointFile {
    /// Continues a file whose notes were read.
    pub fn after(path: PathBuf, notes: &Notes) -> Self {
        let new = notes.checkpoints.len() - notes.compacted.min(notes.checkpoints.len());
        Self { path, draft: None, last: notes.last, length: notes.length, new, inode: None }
    }

    /// Begins a new file, which replaces this one when it is complete: until then, a crash leaves this one as it is.
    ///
    /// # Errors
    /// Fails if what an interrupted attempt left cannot be removed.
    pub fn begin_new_file(&mut self) -> Result<(), Failure> {
        let draft = self.path.with_extension("new");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&draft)(error)),
            _ => {}
        }
        *self = Self { draft: Some(draft), ..Self::after(self.path.clone(), &Notes::default()) };
        Ok(())
    }

    /// Replaces the file by the new one, if one was begun. The former file stays under another name, so that it can be investigated.
    ///
    /// # Errors
    /// Fails if a file cannot be linked, renamed or synced.
    pub fn publish(&mut self, now: Timestamp) -> Result<(), Failure> {
        let Some(draft) = self.draft.take() else { return Ok(()) };
        let aside = self.path.with_extension(format!("until-{}", now.seconds()));
        let names = (1..).map(|number| aside.with_extension(format!("until-{}-{number}", now.seconds())));
        for aside in [aside.clone()].into_iter().chain(names) {
            match fs::hard_link(&self.path, &aside) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&aside)(error)),
                _ => break,
            }
        }
        let published = match fs::rename(&draft, &self.path) {
            // No tenant has a log.
            Err(error) if error.kind() == ErrorKind::NotFound => match fs::remove_file(&self.path) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                removed => removed,
            },
            renamed => renamed,
        };
        published.and_then(|()| atomic_file::sync_parent(&self.path)).map_err(failed(&self.path))
    }

    /// Signs a checkpoint and appends it; returns it with its note.
    ///
    /// # Errors
    /// Fails if the file cannot be written, or lost notes that it had.
    pub fn append(
        &mut self,
        mut checkpoint: Checkpoint,
        keys: &CheckpointKeys,
    ) -> Result<(Checkpoint, String), Failure> {
        let file = self.lock(keys)?;
        let path = self.current().to_owned();
        checkpoint.previous = self.last;
        let note = keys.note(&checkpoint);
        let text = format!("{note}{SEPARATOR}");
        let is_first = self.length == 0;
        let written = (&file).write_all(text.as_bytes()).and_then(|()| file.sync_data());
        let written = written.and_then(|()| if is_first { atomic_file::sync_parent(&path) } else { Ok(()) });
        if let Err(error) = written {
            let _ = file.set_len(self.length); // if this fails too, the next append truncates
            return Err(failed(&path)(error));
        }
        self.last = Some(note_hash(&note));
        self.length += u64::try_from(text.len()).unwrap_or(0);
        self.new += 1;
        Ok((checkpoint, note))
    }

    /// Returns the number of notes since the last compaction.
    pub const fn new_notes(&self) -> usize {
        self.new
    }

    /// Plans which notes stay: the last `recent` and a few of those before. `None` if the checkpoints of a log contradict each other.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or lost notes.
    pub fn plan_compaction(&self, keys: &CheckpointKeys, recent: usize) -> Result<Option<CompactionPlan>, Failure> {
        let bytes = complete(&fs::read(&self.path).map_err(failed(&self.path))?).to_vec();
        let notes =
            Notes::parse(&bytes, keys).map_err(|why| Failure::new(format!("{}: {why}", self.path.display())))?;
        if notes.is_cut {
            return Err(self.lost());
        }
        let stay = retained(&notes.checkpoints, recent);
        Ok(stay.map(|stay| CompactionPlan { bytes, checkpoints: notes.checkpoints, stay }))
    }

    /// Replaces the file by one with the notes that stay, and those that were appended after the plan was made.
    ///
    /// # Errors
    /// Fails if the file is not the one of the plan any more, or cannot be written.
    pub fn compact(&mut self, plan: &CompactionPlan, keys: &CheckpointKeys) -> Result<(), Failure> {
        let _file = self.lock(keys)?;
        let bytes = fs::read(&self.path).map_err(failed(&self.path))?;
        let text = |bytes| std::str::from_utf8(bytes).map_err(|_| self.lost());
        let appended = text(bytes.strip_prefix(plan.bytes.as_slice()).ok_or_else(|| self.lost())?)?;
        let before = text(&plan.bytes)?.split_terminator(SEPARATOR).filter(|note| !Compaction::is_claimed_by(note));
        let kept: Vec<_> = before.zip(&plan.stay).filter_map(|(note, stays)| stays.then_some(note)).collect();
        let compaction = Compaction { kept: kept.len(), digest: digest(kept.iter().copied()) };
        let signature = keys.sign(compaction.text().as_bytes());
        let mut content = format!("{}{SEPARATOR}", compaction.note(&keys.public_key(), &signature));
        for note in &kept {
            content.push_str(note);
            content.push_str(SEPARATOR);
        }
        content.push_str(appended);
        atomic_file::replace(&self.path, content.as_bytes(), 0o600).map_err(failed(&self.path))?;
        self.length = u64::try_from(content.len()).unwrap_or(0);
        self.new = appended.split_terminator(SEPARATOR).count();
        self.inode = None;
        Ok(())
    }

    /// Returns the path of the file that is written.
    fn current(&self) -> &Path {
        self.draft.as_deref().unwrap_or(&self.path)
    }

    fn lost(&self) -> Failure {
        Failure::new(format!(
            "{} lost checkpoints that it had; stop the server and run: castellan audit verify",
            self.current().display()
        ))
    }

    /// Opens and locks the file, because a command at the console can write at the same moment, and reads what another process
    /// appended.
    fn lock(&mut self, keys: &CheckpointKeys) -> Result<File, Failure> {
        let path = self.current().to_owned();
        let (file, found) = loop {
            let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
            let file = opened.map_err(failed(&path))?;
            flock(&file, FlockOperation::LockExclusive).map_err(|error| failed(&path)(error.into()))?;
            let found = file.metadata().map_err(failed(&path))?;
            // Another process can have replaced the file meanwhile; what is written to the old one would be lost.
            if fs::metadata(&path).is_ok_and(|present| present.ino() == found.ino()) {
                break (file, found);
            }
        };
        if found.len() != self.length || self.inode != Some(found.ino()) {
            self.catch_up(keys)?;
            // Otherwise the incomplete note of a crash or full disk would make later notes unreadable.
            file.set_len(self.length).map_err(failed(&path))?;
        }
        self.inode = Some(found.ino());
        Ok(file)
    }

    /// Reads what another process appended.
    fn catch_up(&mut self, keys: &CheckpointKeys) -> Result<(), Failure> {
        let notes = Notes::read(self.current(), keys)?.unwrap_or_default();
        let is_continued = self.last.is_none_or(|last| {
            Some(last) == notes.last || notes.checkpoints.iter().any(|checkpoint| checkpoint.previous == Some(last))
        });
        if notes.is_cut || !is_continued {
            return Err(self.lost());
        }
        *self = Self { draft: self.draft.take(), ..Self::after(self.path.clone(), &notes) };
        Ok(())
    }
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> Failure {
    move |error| Failure::new(format!("{}: {error}", path.display()))
}
