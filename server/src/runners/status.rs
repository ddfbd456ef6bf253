//! gRPC statuses for runners.

use tonic::Status;

/// Status for runners that are revoked, unknown or have an outdated certificate.
pub(super) fn unknown_runner() -> Status {
    Status::permission_denied("this runner is revoked or its certificate was replaced")
}

/// Logs a store error and returns a status without details.
pub(super) fn internal_error(error: &store::Error) -> Status {
    tracing::error!(%error, "a runner request failed");
    Status::unavailable("the server is temporarily unavailable")
}

/// Converts a store error to a gRPC status.
pub(super) fn status_of(error: &store::Error) -> Status {
    match error {
        store::Error::NotFound => unknown_runner(),
        // The runner's state differs from the database: it reconnects and reconciles.
        store::Error::Conflict(conflict) => Status::aborted(app::refusal::conflict_text(*conflict)),
        store::Error::Invalid(invalid) => Status::invalid_argument(invalid.to_string()),
        error => internal_error(error),
    }
}
