//! Durability of a spool: data that must survive a power failure. Syncing happens without holding the spool, because
//! the main loop reads it in every iteration and a slow disk must not delay heartbeats.

use super::{RECEIPT, Spool};
use crate::folder::sync_parent;
use std::{fs::File, io, path::PathBuf};

/// The record that an attempt has started.
#[derive(Debug)]
pub struct StartSync {
    marker: Option<PathBuf>,
}

impl StartSync {
    /// Waits until the record is on disk; nothing of the attempt may run before.
    ///
    /// # Errors
    /// Fails if a disk operation fails.
    pub fn sync(&self) -> io::Result<()> {
        self.marker.as_deref().map_or(Ok(()), sync_parent)
    }
}

/// A receipt and its lines.
#[derive(Debug)]
pub struct EndSync {
    lines: File,
    folder: PathBuf,
}

impl EndSync {
    /// Waits until they are on disk.
    ///
    /// # Errors
    /// Fails if a disk operation fails, or the files have been deleted.
    pub fn sync(&self) -> io::Result<()> {
        self.lines.sync_data()?;
        let receipt = self.folder.join(RECEIPT);
        File::open(&receipt)?.sync_all()?;
        sync_parent(&receipt)?;
        sync_parent(&self.folder)
    }
}

impl Spool {
    /// Returns the record to sync before the attempt starts.
    pub fn beginning(&self) -> StartSync {
        StartSync { marker: self.marker.clone() }
    }

    /// Returns the files to sync when the attempt has ended.
    ///
    /// # Errors
    /// Fails if the process has too many open files.
    pub fn ending(&self) -> io::Result<EndSync> {
        Ok(EndSync { lines: self.file.try_clone()?, folder: self.folder.clone() })
    }
}
