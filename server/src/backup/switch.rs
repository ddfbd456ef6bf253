//! Switch to restored data: the moves of files are written down before the first one, so that an interrupted switch is noticed by every
//! start, and continued by the next restore.
use crate::{
    atomic_file::{self, sync_parent},
    failure::Failure,
};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

const PLAN: &str = "plan.json";

/// The moves of a switch.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Switch {
    /// Identifies the backup.
    pub(super) backup: String,
    /// Files that are kept under another name. Done if the new name exists.
    pub(super) keep: Vec<(PathBuf, PathBuf)>,
    /// Restored files that take their place. Done if the old name does not exist.
    pub(super) place: Vec<(PathBuf, PathBuf)>,
}

/// Returns the folder where a backup is unpacked and verified, in the data folder and so on the same file system.
pub(super) fn staging(data: &Path) -> PathBuf {
    data.join("restore")
}

impl Switch {
    /// Fails if a switch was interrupted: some of the files are those of the backup, and some are not.
    ///
    /// # Errors
    /// With what to do.
    pub(crate) fn assert_finished(data: &Path) -> Result<(), Failure> {
        match staging(data).join(PLAN).symlink_metadata() {
            Err(_) => Ok(()),
            Ok(_) => Err(Failure::new(format!(
                "a restore into {} was interrupted. Run it again, which continues it: castellan restore FILE --reason TEXT",
                data.display()
            ))),
        }
    }

    /// Returns the interrupted switch, if there is one.
    ///
    /// # Errors
    /// Fails if its plan cannot be read.
    pub(super) fn interrupted(data: &Path) -> Result<Option<Self>, Failure> {
        let path = staging(data).join(PLAN);
        match fs::read(&path) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::new(format!("{}: {error}", path.display()))),
        }
    }

    /// Writes the plan into the folder with the restored files. From then on, only [`Switch::finish`] makes the data folder usable.
    ///
    /// # Errors
    /// Fails if the plan cannot be written; then nothing was moved.
    pub(super) fn begin(&self, staging: &Path) -> Result<(), Failure> {
        let path = staging.join(PLAN);
        atomic_file::replace(&path, &serde_json::to_vec_pretty(self)?, 0o600)
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))
    }

    /// Returns where the former database is kept, if there was one.
    pub(super) fn former(&self, database: &Path) -> Option<PathBuf> {
        let name = database.file_name();
        self.keep.iter().find(|(from, _)| from.file_name() == name).map(|(_, to)| to.clone())
    }

    /// Makes all moves that are not made yet, and removes the plan.
    ///
    /// # Errors
    /// Fails if a file cannot be moved. It can be repeated.
    pub(super) fn finish(&self, data: &Path) -> Result<(), Failure> {
        for (from, to) in &self.keep {
            if to.symlink_metadata().is_err() {
                rename(from, to)?;
            }
        }
        for (from, to) in &self.place {
            rename(from, to)?;
        }
        let plan = staging(data).join(PLAN);
        let done = fs::remove_file(&plan).and_then(|()| sync_parent(&plan));
        done.map_err(|error| Failure::new(format!("{}: {error}", plan.display())))?;
        // Without the plan, the rest of the folder has no effect.
        drop(fs::remove_dir_all(staging(data)));
        Ok(())
    }
}

/// Renames a file durably, unless it was renamed before.
fn rename(from: &Path, to: &Path) -> Result<(), Failure> {
    let renamed = match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound && from.symlink_metadata().is_err() => Ok(()),
        Ok(()) => sync_parent(to),
        failed => failed,
    };
    renamed.map_err(|error: io::Error| {
        Failure::new(format!(
            "{} cannot be moved to {}: {error}. Correct this and run the restore again",
            from.display(),
            to.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Writes old data and a restored copy, and returns the switch between them.
    fn scene(data: &Path) -> Switch {
        let staging = staging(data);
        fs::create_dir_all(staging.join("secrets")).unwrap();
        for name in ["castellan.db", "castellan.db-wal", "checkpoints"] {
            fs::write(data.join(name), format!("old {name}")).unwrap();
        }
        for name in ["castellan.db", "checkpoints", "secrets/master.key"] {
            fs::write(staging.join(name), format!("new {name}")).unwrap();
        }
        let keep = |from: &str, to: &str| (data.join(from), data.join(to));
        let place = |name: &str| (staging.join(name), data.join(name));
        Switch {
            backup: "id".into(),
            keep: vec![
                keep("castellan.db", "castellan.db.before-restore-1"),
                keep("castellan.db-wal", "castellan.db.before-restore-1-wal"),
                keep("checkpoints", "checkpoints.before-restore-1"),
            ],
            place: ["castellan.db", "checkpoints", "secrets"].map(place).into(),
        }
    }

    fn files(data: &Path) -> BTreeMap<String, String> {
        let entries = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        entries.map(|path| (name(&path), fs::read_to_string(&path).unwrap_or_default())).collect()
    }

    #[test]
    fn d_13_an_interrupted_switch_is_noticed_and_continued_wherever_it_ended() {
        let whole = tempfile::tempdir().unwrap();
        let switch = scene(whole.path());
        switch.begin(&staging(whole.path())).unwrap();
        switch.finish(whole.path()).unwrap();
        let expected = files(whole.path());
        assert_eq!(expected["castellan.db"], "new castellan.db");
        assert_eq!(expected["castellan.db.before-restore-1-wal"], "old castellan.db-wal");
        assert_eq!(expected.len(), 6, "{expected:?}");
        assert!(Switch::assert_finished(whole.path()).is_ok());
        for done in 0..=6 {
            let folder = tempfile::tempdir().unwrap();
            let data = folder.path();
            let switch = scene(data);
            switch.begin(&staging(data)).unwrap();
            for (from, to) in switch.keep.iter().chain(&switch.place).take(done) {
                fs::rename(from, to).unwrap();
            }
            let refused = Switch::assert_finished(data).unwrap_err().to_string();
            assert!(refused.contains("was interrupted") && refused.contains("castellan restore"), "{refused}");
            let found = Switch::interrupted(data).unwrap().unwrap();
            assert_eq!(found, switch);
            found.finish(data).unwrap();
            assert_eq!(files(data), expected, "after {done} moves");
            assert!(Switch::interrupted(data).unwrap().is_none() && Switch::assert_finished(data).is_ok());
        }
    }

    #[test]
    fn d_13_a_switch_that_fails_can_be_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let switch = scene(folder.path());
        switch.begin(&staging(folder.path())).unwrap();
        fs::create_dir_all(folder.path().join("secrets/other")).unwrap();
        assert!(switch.finish(folder.path()).unwrap_err().to_string().contains("secrets"));
        assert!(Switch::assert_finished(folder.path()).is_err());
        fs::remove_dir(folder.path().join("secrets/other")).unwrap();
        switch.finish(folder.path()).unwrap();
        assert!(Switch::assert_finished(folder.path()).is_ok());
    }
}
