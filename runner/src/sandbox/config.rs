//! Sandbox configuration of one machine.

use std::path::PathBuf;

/// Machine-specific configuration.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub bubblewrap: Option<PathBuf>,
    pub user: Option<String>,
}
