//! Names of running jobs, each reserved while its job runs.

use parking_lot::Mutex;
use std::{collections::HashSet, sync::Arc};

#[derive(Clone, Debug, Default)]
pub(super) struct Names(Arc<Mutex<HashSet<String>>>);

impl Names {
    /// Reserves a name; `None` while a job of this name runs.
    pub fn claim(&self, name: &str) -> Option<NameReservation> {
        let new = self.0.lock().insert(name.to_owned());
        new.then(|| NameReservation { names: self.clone(), name: name.to_owned() })
    }
}

/// A name that is reserved until this is dropped.
#[derive(Debug)]
pub(super) struct NameReservation {
    names: Names,
    name: String,
}

impl Drop for NameReservation {
    fn drop(&mut self) {
        self.names.0.lock().remove(&self.name);
    }
}
