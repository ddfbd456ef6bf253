//! Log lines to standard error, for people or for machines.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{Log, LogFormat};

/// Log output is already set up, or its filter is unusable.
#[derive(Debug, thiserror::Error)]
#[error("logging cannot be set up: {0}")]
pub struct TelemetryError(String);

/// Starts logging as `[log]` says, panics included. Once per process.
///
/// # Errors
/// When it was started before.
pub fn start(log: &Log) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(log.level.as_str()).map_err(|error| TelemetryError(error.to_string()))?;
    let lines = fmt().with_env_filter(filter).with_writer(stderr).with_ansi(stderr().is_terminal());
    match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().with_ansi(false).try_init(),
    }
    .map_err(|error| TelemetryError(error.to_string()))?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        // The place and not the message: a message may carry what was being worked on.
        tracing::error!(place, "panicked");
    }));
    Ok(())
}
