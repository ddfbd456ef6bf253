//! Dependency policy: licenses, banned crates, sources and known vulnerabilities.

use super::report::Report;
use crate::root::cargo;
use anyhow::Result;

/// Checks the dependencies against deny.toml.
///
/// The advisory database is on GitHub. Without access to it and without a local copy, the report says that advisories were
/// not checked.
///
/// # Errors
/// Fails if cargo-deny cannot be started; what it finds goes into the report.
pub fn check(report: &mut Report) -> Result<()> {
    // cargo-deny needs the crates of all targets; a build fetches only those of its own target (E23).
    report.check("Fetching crates", cargo(&["fetch", "--locked"]))?;
    report.check("Dependencies", cargo(&["deny", "--offline", "check", "licenses", "bans", "sources"]))?;
    let database = cargo(&["deny", "fetch", "db"]).output()?;
    if database.status.success() {
        report.check("Advisories", cargo(&["deny", "check", "--disable-fetch", "advisories"]))
    } else {
        report.note("Advisories were not checked: the RustSec database cannot be downloaded.");
        Ok(())
    }
}
