//! Process hardening: no core dumps, private files, no secret in the environment (A-12, E1).

use rustix::{
    fs::Mode,
    process::{Resource, Rlimit, setrlimit, umask},
};

/// The server's encryption key, which a runner never needs; the environment is readable in `/proc`.
const SERVERS_KEY: &str = "CASTELLAN_ENCRYPTION_KEY";

/// An error of process hardening.
#[derive(Debug, thiserror::Error)]
pub enum HardenError {
    #[error(
        "{SERVERS_KEY} is in the environment of this runner, which must not have it; start the runner without this variable"
    )]
    Environment,
    #[error("core dumps cannot be disabled: {0}")]
    CoreDumps(#[from] rustix::io::Errno),
}

/// Hardens this process. Call it first in `main`.
///
/// # Errors
/// Fails if the server's key is in the environment, or a system call fails.
pub fn harden() -> Result<(), HardenError> {
    if std::env::var_os(SERVERS_KEY).is_some() {
        return Err(HardenError::Environment);
    }
    umask(Mode::from_raw_mode(0o077));
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(())
}
