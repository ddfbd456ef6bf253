//! Sandbox configuration of one machine.

use std::path::PathBuf;

/// Machine-specific configuration.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub bubblewrap: Option<PathBuf>,
    /// The program `castellan-runner`, whose mode [`init`](super::init) is process 1 of each sandbox.
    pub runner: PathBuf,
    /// The account of tasks, if the runner is root.
    pub user: Option<String>,
    /// The maximum number of concurrent tasks, among which limits of the runner's account are divided.
    pub tasks: u32,
    /// The data folder of the runner, if it has one.
    pub folder: Option<PathBuf>,
}
