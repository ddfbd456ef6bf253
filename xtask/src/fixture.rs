//! Fixture command: keeps data of this version for the upgrade tests of later versions, and the checksums of its migrations.

use crate::{
    binaries, prerequisites, released_migrations,
    root::{cargo, path},
    step,
    test::{Cluster, PRODUCT},
};
use anyhow::{Result, ensure};
use std::fs;

/// The tests that write data of this version, where the variable says so.
const WRITERS: &str = "test(/^(upgrade|formats)::.*_of_this_version_are_/)";

/// Writes `server/tests/fixtures/VERSION` and `migrations/released.txt`.
///
/// # Errors
/// Fails if this version has a fixture already and `replace` is not set, if a migration of an earlier version was changed, and if a
/// deployment cannot be made or upgraded.
pub fn fixture(replace: bool) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let folder = path("server/tests/fixtures").join(version);
    ensure!(
        replace || !folder.exists(),
        "{} exists. Set the version of the next release in Cargo.toml, or replace the data of a version that is not released yet with --replace",
        folder.display()
    );
    released_migrations::record(&released_migrations::folder(), version)?;
    prerequisites::wasm_target()?;
    prerequisites::bubblewrap()?;
    prerequisites::cargo_tool("cargo-nextest", "it runs the tests")?;
    prerequisites::torture_tools()?;
    binaries::build(false)?;
    let programs = prerequisites::postgres()?;
    let cluster = step::run_fn("Starting PostgreSQL", || Cluster::start(&programs, false))?;
    let draft = path("target/fixture");
    if draft.exists() {
        fs::remove_dir_all(&draft)?;
    }
    fs::create_dir_all(&draft)?;
    let mut nextest = cargo(&["nextest", "run", "--profile", "ci", "--color", "never", "-E", WRITERS]);
    nextest.args(PRODUCT).env("CASTELLAN_TEST_POSTGRES_URL", &cluster.url).env("CASTELLAN_TEST_WRITE_FIXTURE", &draft);
    step::run("Making and upgrading deployments", nextest)?;
    fs::create_dir_all(&folder)?;
    for name in ["postgres.tar.gz", "signed.json", "sqlite.tar.gz"] {
        fs::copy(draft.join(name), folder.join(name))?;
    }
    println!("{}", folder.display());
    Ok(())
}
