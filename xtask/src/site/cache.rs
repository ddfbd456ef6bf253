//! Build cache of the site in target/site-cache.

use crate::root::path;
use anyhow::Result;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

pub struct Cache {
    folder: PathBuf,
    used: BTreeSet<String>,
}

impl Cache {
    /// # Errors
    /// Fails if its folder cannot be created.
    pub fn open() -> Result<Self> {
        let folder = path("target/site-cache");
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder, used: BTreeSet::new() })
    }

    /// Returns the file or folder of this name, and creates it with `make` when it is missing.
    ///
    /// The name must contain everything that the content depends on.
    ///
    /// # Errors
    /// Fails like `make`, or if a file cannot be written.
    pub fn entry(&mut self, name: String, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let place = self.folder.join(&name);
        if !place.exists() {
            // Renamed when it is complete, so that an interrupted build leaves no partial entry.
            let unfinished = self.folder.join(format!("{name}.unfinished"));
            remove(&unfinished)?;
            make(&unfinished)?;
            std::fs::rename(&unfinished, &place)?;
        }
        self.used.insert(name);
        Ok(place)
    }

    /// Removes the entries that were not used since the cache was opened.
    ///
    /// # Errors
    /// Fails if an entry cannot be removed.
    pub fn prune(&self) -> Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            if !self.used.contains(&*entry.file_name().to_string_lossy()) {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }
}

fn remove(place: &Path) -> Result<()> {
    if place.is_dir() {
        std::fs::remove_dir_all(place)?;
    } else if place.exists() {
        std::fs::remove_file(place)?;
    }
    Ok(())
}
