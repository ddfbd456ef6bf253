//! Stream limit: the number of event streams that one person may have open.
use crate::{
    permits::{Permit, Permits},
    problem::Problem,
    problem_type::ProblemType,
};
use domain::{Actor, PersonId};
use uuid::Uuid;

/// Enough for many open pages.
const MAX_STREAMS_PER_PERSON: usize = 20;

/// Open streams, counted per person.
#[derive(Clone, Debug)]
pub(crate) struct Streams(Permits<PersonId>);

/// Permit of an open stream, released when dropped.
pub(crate) type StreamPermit = Permit<PersonId>;

impl Default for Streams {
    fn default() -> Self {
        Self(Permits::new(usize::MAX, MAX_STREAMS_PER_PERSON))
    }
}

impl Streams {
    /// Returns a permit for another stream.
    ///
    /// # Errors
    /// Fails with 429 if the person has too many open streams.
    pub(crate) fn acquire(&self, actor: &Actor) -> Result<StreamPermit, Problem> {
        let person = actor.person().unwrap_or(PersonId(Uuid::nil()));
        self.0.acquire(Some(person)).ok_or_else(|| {
            let detail =
                format!("You have {MAX_STREAMS_PER_PERSON} open streams. Close some of them, or some browser tabs.");
            Problem::new(ProblemType::TooManyStreams, detail)
        })
    }
}
