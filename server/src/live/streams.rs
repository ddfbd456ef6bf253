//! Stream limit: the number of event streams that one person may have open.
use crate::{
    metrics::{OpenStream, StreamKind},
    permits::{Permit, Permits},
    problem::Problem,
    problem_type::ProblemType,
};
use domain::{Actor, PersonId};
use uuid::Uuid;

/// Enough for many open pages.
const MAX_STREAMS_PER_PERSON: usize = 20;

/// Open streams of one kind, counted per person.
#[derive(Clone, Debug)]
pub(crate) struct Streams {
    permits: Permits<PersonId>,
    kind: StreamKind,
}

/// Permit of an open stream, released when dropped.
#[derive(Debug)]
pub(crate) struct StreamPermit {
    _permit: Permit<PersonId>,
    _open: OpenStream,
}

impl Streams {
    pub(crate) fn of(kind: StreamKind) -> Self {
        Self { permits: Permits::new(usize::MAX, MAX_STREAMS_PER_PERSON), kind }
    }

    /// Returns a permit for another stream.
    ///
    /// # Errors
    /// Fails with 429 if the person has too many open streams.
    pub(crate) fn acquire(&self, actor: &Actor) -> Result<StreamPermit, Problem> {
        let person = actor.person().unwrap_or(PersonId(Uuid::nil()));
        let permit = self.permits.acquire(Some(person)).ok_or_else(|| {
            let detail =
                format!("You have {MAX_STREAMS_PER_PERSON} open streams. Close some of them, or some browser tabs.");
            Problem::new(ProblemType::TooManyStreams, detail)
        })?;
        Ok(StreamPermit { _permit: permit, _open: OpenStream::count(self.kind) })
    }
}
