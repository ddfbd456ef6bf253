//! What we depend on: licenses, banned crates, origins, and known weaknesses.

use anyhow::Result;

use super::report::Report;
use crate::root::cargo;

/// Checks the dependencies against deny.toml.
///
/// The database of known weaknesses lies on GitHub; where that cannot be reached and no copy is here, the report says so
/// and the rest is checked.
///
/// # Errors
/// When cargo-deny cannot be started; what it finds goes into the report.
pub fn check(report: &mut Report) -> Result<()> {
    // cargo-deny looks at the crates of every target, and a build fetches those of its own only (E23).
    report.check("Fetching crates", cargo(&["fetch", "--locked"]))?;
    report.check("Dependencies", cargo(&["deny", "--offline", "check", "licenses", "bans", "sources"]))?;
    let database = cargo(&["deny", "fetch", "db"]).output()?;
    if database.status.success() {
        report.check("Advisories", cargo(&["deny", "check", "--disable-fetch", "advisories"]))
    } else {
        report.note("Advisories were not checked: no copy of the RustSec database could be had.");
        Ok(())
    }
}
