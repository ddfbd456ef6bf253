//! Kills, cuts, fills and holds up everything while it works, at length: for people who wait.

use anyhow::{Result, bail};

use crate::binaries;
use crate::need;
use crate::root::cargo;
use crate::step;
use crate::test::{Cluster, PRODUCT};

/// Runs the tests in server/tests/outside that kill, flood and cut off, as short as among the other tests or in full, one after the other, and
/// shows what they say.
///
/// # Errors
/// When something is missing and cannot be installed, or anything was lost.
pub fn torture(short: bool, seed: Option<u64>, filter: Option<&str>) -> Result<()> {
    need::wasm_target()?;
    need::bubblewrap()?;
    need::cargo_tool("cargo-nextest", "it runs the tests")?;
    need::torture()?;
    binaries::build(false)?;
    let programs = need::postgres()?;
    let cluster = step::work("Starting PostgreSQL", || Cluster::start(&programs, false))?;
    let mut nextest = cargo(&["nextest", "run", "--profile", "torture", "--no-capture", "-E", &which(filter)]);
    nextest
        .args(PRODUCT)
        .env("CASTELLAN_TEST_POSTGRES_URL", &cluster.url)
        .env("CASTELLAN_TEST_TORTURE", if short { "short" } else { "full" });
    if let Some(seed) = seed {
        nextest.env("CASTELLAN_TEST_SEED", seed.to_string());
    }
    // Not a step: it takes an hour, and whoever waits for it reads along.
    if !nextest.status()?.success() {
        bail!("something was lost, ran twice or was left behind; what is above says which seed to repeat it with");
    }
    println!("Nothing was lost, nothing ran twice, nothing was left behind.");
    Ok(())
}

/// Which tests, in nextest's words.
fn which(filter: Option<&str>) -> String {
    let all = "binary(outside) & test(/^(torture|abuse|nodes::crashes)::/)";
    filter.map_or_else(|| all.to_owned(), |filter| format!("{all} & test({filter})"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_filter_narrows_what_is_run() {
        let all = super::which(None);
        assert!(all.contains("torture") && all.contains("abuse"), "{all}");
        assert_eq!(super::which(Some("kills")), format!("{all} & test(kills)"));
    }
}
