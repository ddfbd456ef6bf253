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
    /// Waits until the disk has it; before that nothing of the attempt may run.
    ///
    /// # Errors
    /// When the disk is broken.
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
    /// Waits until the disk has them.
    ///
    /// # Errors
    /// When the disk is broken, or they were removed meanwhile.
    pub fn sync(&self) -> io::Result<()> {
        self.lines.sync_data()?;
        let receipt = self.folder.join(RECEIPT);
        File::open(&receipt)?.sync_all()?;
        sync_parent(&receipt)?;
        sync_parent(&self.folder)
    }
}

impl Spool {
    /// What is synced before the attempt starts.
    pub fn beginning(&self) -> StartSync {
        StartSync { marker: self.marker.clone() }
    }

    /// What is synced when the attempt has ended.
    ///
    /// # Errors
    /// When this process has too many files open.
    pub fn ending(&self) -> io::Result<EndSync> {
        Ok(EndSync { lines: self.file.try_clone()?, folder: self.folder.clone() })
    }
}
