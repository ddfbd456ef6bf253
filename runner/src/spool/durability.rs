//! Durability of a spool: data that must survive a power failure. Syncing happens without holding the spool, because
//! the main loop reads it in every iteration and a slow disk must not delay heartbeats.

use std::{fs::File, io, path::PathBuf};

use super::{RECEIPT, Spool};
use crate::folder::sync_parent;

/// The record that an attempt has started.
#[derive(Debug)]
pub struct Beginning {
    marker: Option<PathBuf>,
}

impl Beginning {
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
pub struct Ending {
    lines: File,
    folder: PathBuf,
}

impl Ending {
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
    pub fn beginning(&self) -> Beginning {
        Beginning { marker: self.marker.clone() }
    }

    /// What is synced when the attempt has ended.
    ///
    /// # Errors
    /// When this process has too many files open.
    pub fn ending(&self) -> io::Result<Ending> {
        Ok(Ending { lines: self.file.try_clone()?, folder: self.folder.clone() })
    }
}
