//! Log output to standard error, as text or JSON.

use crate::config::{Log, LogFormat};
use std::io::{IsTerminal, stderr};
use tracing_subscriber::{EnvFilter, fmt};

/// Error: log output is already set up, or its filter is invalid.
#[derive(Debug, thiserror::Error)]
#[error("logging cannot be set up: {0}")]
pub struct TelemetryError(String);

/// Sets up log output as configured in `[log]`, including panics. Call it once per process.
///
/// # Errors
/// Fails if log output is already set up or the filter is invalid.
pub fn start(log: &Log) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(log.level.as_str()).map_err(|error| TelemetryError(error.to_string()))?;
    let lines = fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        // Otherwise writing to a closed log would panic.
        .log_internal_errors(false)
        .with_ansi(stderr().is_terminal());
    match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().with_ansi(false).try_init(),
    }
    .map_err(|error| TelemetryError(error.to_string()))?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        // Log the location only, because the message may contain user data.
        tracing::error!(place, "panicked");
    }));
    Ok(())
}
