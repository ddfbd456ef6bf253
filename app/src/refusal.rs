//! Conversion of store errors to refusals. Internal details go to the log only.
use crate::outcome::{Kind, Refusal};
use domain::Denied;
use store::Error;

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::new(Kind::NotFound, t!("refused-not-found")),
            Error::Denied(denied) => denied.into(),
            Error::Invalid(invalid) => invalid.into(),
            Error::Conflict(conflict) => Self::new(Kind::Conflict, conflict.message()),
            Error::OpenTasks(n) => Self::new(Kind::Conflict, t!("refused-open-tasks", n = n)),
            Error::Busy => Self::new(Kind::Unavailable, t!("refused-busy")),
            Error::Full => {
                tracing::error!("the disk is full");
                Self::new(Kind::Unavailable, t!("refused-full"))
            }
            Error::Database(_) | Error::Unusable(_) | Error::Corrupt(_) => {
                tracing::error!(%error, "a page could not use the store");
                Self::new(Kind::Unavailable, t!("refused-unavailable"))
            }
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        let kind = if denied.stale { Kind::Stale } else { Kind::Forbidden };
        Self::new(kind, denied.reason)
    }
}
