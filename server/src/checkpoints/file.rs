//! Checkpoint file: signed notes, of which each contains the hash of the one before it, so that none can be removed unnoticed.
use crate::{
    failure::Failure,
    keys::{CheckpointKeys, NoteSignature},
};
use domain::{
    Timestamp,
    audit::Hash,
    checkpoint::{Checkpoint, note_hash},
};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
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
        // What follows the last separator was interrupted, possibly within a character.
        let end = bytes.windows(SEPARATOR.len()).rposition(|window| window == SEPARATOR.as_bytes());
        let complete = end.map_or(&[][..], |at| &bytes[..at + SEPARATOR.len()]);
        let complete = std::str::from_utf8(complete).map_err(|_| FOREIGN)?;
        let mut notes = Self { length: u64::try_from(complete.len()).unwrap_or(0), ..Self::default() };
        let mut unverified: Option<(Checkpoint, NoteSignature)> = None;
        for note in complete.split_terminator(SEPARATOR) {
            let (checkpoint, signature) = keys.read(note).ok_or(FOREIGN)?;
            if checkpoint.previous != notes.last {
                notes.is_cut = true;
                // The signature of a note covers all notes before it, except where they do not follow each other.
                verify(unverified.take(), keys).ok_or(FOREIGN)?;
            }
            notes.last = Some(note_hash(note));
            unverified = Some((checkpoint.clone(), signature));
            notes.checkpoints.push(checkpoint);
        }
        verify(unverified, keys).ok_or(FOREIGN)?;
        Ok(notes)
    }
}

fn verify(note: Option<(Checkpoint, NoteSignature)>, keys: &CheckpointKeys) -> Option<()> {
    let Some((checkpoint, signature)) = note else { return Some(()) };
    keys.verifies(&checkpoint, &signature).then_some(())
}

/// The file to which this server appends.
#[derive(Debug)]
pub struct CheckpointFile {
    path: PathBuf,
    last: Option<Hash>,
    length: u64,
}

impl CheckpointFile {
    /// Continues a file whose notes were read.
    pub fn after(path: PathBuf, notes: &Notes) -> Self {
        Self { path, last: notes.last, length: notes.length }
    }

    /// Renames the file, so that it can be investigated and a new one begins.
    ///
    /// # Errors
    /// Fails if the file cannot be renamed.
    pub fn put_aside(&mut self, now: Timestamp) -> Result<(), Failure> {
        let aside = self.path.with_extension(format!("until-{}", now.seconds()));
        match fs::rename(&self.path, &aside) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Failure::new(format!("{}: {error}", self.path.display())));
            }
            _ => {}
        }
        (self.last, self.length) = (None, 0);
        Ok(())
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
        let path = self.path.clone();
        let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
        let file = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path).map_err(failed)?;
        // A command at the console can append at the same moment.
        flock(&file, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
        if file.metadata().map_err(failed)?.len() != self.length {
            self.catch_up(keys)?;
            // Otherwise the incomplete note of a crash or full disk would make later notes unreadable.
            file.set_len(self.length).map_err(failed)?;
        }
        checkpoint.previous = self.last;
        let note = checkpoint.note(&keys.public_key(), &keys.sign(checkpoint.text().as_bytes()));
        let text = format!("{note}{SEPARATOR}");
        let written = (&file).write_all(text.as_bytes()).and_then(|()| file.sync_data());
        if let Err(error) = written {
            let _ = file.set_len(self.length); // if this fails too, the next append truncates
            return Err(failed(error));
        }
        self.last = Some(note_hash(&note));
        self.length += u64::try_from(text.len()).unwrap_or(0);
        Ok((checkpoint, note))
    }

    /// Reads what another process appended.
    fn catch_up(&mut self, keys: &CheckpointKeys) -> Result<(), Failure> {
        let notes = Notes::read(&self.path, keys)?.unwrap_or_default();
        let is_continued = self.last.is_none_or(|last| {
            Some(last) == notes.last || notes.checkpoints.iter().any(|checkpoint| checkpoint.previous == Some(last))
        });
        if notes.is_cut || !is_continued {
            return Err(Failure::new(format!(
                "{} lost checkpoints that it had; stop the server and run: castellan audit verify",
                self.path.display()
            )));
        }
        (self.last, self.length) = (notes.last, notes.length);
        Ok(())
    }
}
