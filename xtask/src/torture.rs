//! Torture command: runs the fault-injection tests at full length.

use crate::{
    binaries, prerequisites,
    root::cargo,
    step,
    test::{Cluster, PRODUCT},
};
use anyhow::{Result, bail};

/// Runs the fault-injection tests of server/tests/outside one after the other, at full length or as short as in the test suite,
/// and shows their output.
///
/// # Errors
/// Fails if a prerequisite cannot be installed, or a test fails.
pub fn torture(short: bool, seed: Option<u64>, filter: Option<&str>) -> Result<()> {
    prerequisites::wasm_target()?;
    prerequisites::bubblewrap()?;
    prerequisites::cargo_tool("cargo-nextest", "it runs the tests")?;
    prerequisites::torture_tools()?;
    binaries::build(false)?;
    let programs = prerequisites::postgres()?;
    let cluster = step::run_fn("Starting PostgreSQL", || Cluster::start(&programs, false))?;
    let mut nextest =
        cargo(&["nextest", "run", "--profile", "torture", "--no-capture", "-E", &filter_expression(filter)]);
    nextest
        .args(PRODUCT)
        .env("CASTELLAN_TEST_POSTGRES_URL", &cluster.url)
        .env("CASTELLAN_TEST_TORTURE", if short { "short" } else { "full" });
    if let Some(seed) = seed {
        nextest.env("CASTELLAN_TEST_SEED", seed.to_string());
    }
    // Not a step, because steps hide their output: this takes an hour.
    if !nextest.status()?.success() {
        bail!(
            "data was lost, a task ran twice, or a process was left behind; the output above names the seed that repeats the run"
        );
    }
    println!("No data was lost, no task ran twice, and no process was left behind.");
    Ok(())
}

/// Returns the filter expression for nextest.
fn filter_expression(filter: Option<&str>) -> String {
    let all = "binary(outside) & test(/^(torture|abuse|nodes::crashes)::/)";
    filter.map_or_else(|| all.to_owned(), |filter| format!("{all} & test({filter})"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_filter_selects_among_the_torture_tests() {
        let all = super::filter_expression(None);
        assert!(all.contains("torture") && all.contains("abuse"), "{all}");
        assert_eq!(super::filter_expression(Some("kills")), format!("{all} & test(kills)"));
    }
}
