//! How many streams one person may have open at once.
use crate::problem::Problem;
use domain::{Actor, PersonId};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// Enough for many open pages; a program that opens more has lost count.
const MOST: usize = 20;

/// The open streams, by person.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<PersonId, usize>>>);

/// A stream's place among them, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    streams: Streams,
    person: PersonId,
}

impl Streams {
    /// Takes a place, or says that there are too many.
    pub(crate) fn enter(&self, actor: &Actor) -> Result<Place, Problem> {
        let person = actor.person().unwrap_or(PersonId(Uuid::nil()));
        let mut open = self.open();
        let count = open.entry(person).or_default();
        if *count >= MOST {
            return Err(Problem::too_many(format!(
                "{MOST} streams are open already. Close some of them, or some pages."
            )));
        }
        *count += 1;
        Ok(Place { streams: self.clone(), person })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<PersonId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.open();
        if let Some(count) = open.get_mut(&self.person) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.person);
            }
        }
    }
}
