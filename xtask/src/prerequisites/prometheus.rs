//! Prometheus' `promtool`, which checks the alert rules.

use super::{debian, is_root, program};
use crate::step;
use anyhow::Result;
use std::process::Command;

/// Installs promtool. Debian has it in the package of Prometheus and starts that as a service, on the port of the runners; the service
/// is stopped.
///
/// # Errors
/// Fails if it is missing and cannot be installed.
pub fn promtool() -> Result<()> {
    if program("promtool").is_some() {
        return Ok(());
    }
    debian::install("prometheus", "its promtool checks the alert rules")?;
    let mut disable = Command::new(if is_root() { "systemctl" } else { "sudo" });
    if !is_root() {
        disable.arg("systemctl");
    }
    disable.args(["disable", "--now", "prometheus"]);
    // A container has no systemd, and no service runs there.
    if std::path::Path::new("/run/systemd/system").exists() {
        step::run("Stopping the service of Prometheus", disable)?;
    }
    Ok(())
}
