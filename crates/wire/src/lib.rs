//! Runner protocol types, generated from `proto/` without any logic.

/// Protocol version 1, see `proto/castellan/runner/v1/runner.proto`.
#[expect(clippy::all, clippy::allow_attributes, clippy::as_conversions, reason = "generated code")]
pub mod v1 {
    tonic::include_proto!("castellan.runner.v1");
}

/// The maximum size of a message in bytes, in both directions.
pub const MAX_MESSAGE: usize = 1 << 20;
