//! The runner protocol, generated from `proto/`. No logic.

/// Version 1: see `proto/castellan/runner/v1/runner.proto`.
#[allow(clippy::all, clippy::as_conversions, missing_debug_implementations, reason = "generated code")]
pub mod v1 {
    tonic::include_proto!("castellan.runner.v1");
}

/// The largest message either side sends or takes, in bytes.
pub const MAX_MESSAGE: usize = 1 << 20;
