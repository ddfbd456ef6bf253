//! Upgrades (D-13): the data of every released version work with the program of today. `server/tests/fixtures` has a folder for each
//! version, which `cargo xtask fixture` makes with the programs of that version.
mod archive;
mod checks;
mod contents;
mod deployment;
mod remote_runner;

use crate::program::Program;
use std::{env, fs, path::PathBuf};
use testkit::{Engine, Fixture};

/// Set by `cargo xtask fixture` to the folder for the data of this version.
const WRITE_TO: &str = "CASTELLAN_TEST_WRITE_FIXTURE";

/// Returns the folders of the released versions.
fn released_versions() -> Vec<PathBuf> {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let entries = fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path());
    let folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    assert!(!folders.is_empty(), "no version was released");
    folders
}

async fn upgrade_released_versions(engine: Engine) {
    for folder in released_versions() {
        println!("{}", folder.display());
        let mut program = Program::create(engine).await;
        let contents = archive::unpack(&program, &folder.join(archive::name(engine)));
        checks::upgrade(&mut program, &contents).await;
    }
}

/// Makes the data of this version, and upgrades them at once, so that the fixture of a new version is known to be usable.
async fn make_and_upgrade(engine: Engine) {
    let mut program = Program::create(engine).await;
    let contents = deployment::create(&mut program).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(archive::name(engine));
    archive::pack(&program, &contents, &file);
    drop(program);
    let mut program = Program::create(engine).await;
    let contents = archive::unpack(&program, &file);
    checks::upgrade(&mut program, &contents).await;
    if let Some(target) = env::var_os(WRITE_TO) {
        fs::copy(&file, PathBuf::from(target).join(archive::name(engine))).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_the_data_of_released_versions_are_upgraded_on_sqlite() {
    upgrade_released_versions(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_the_data_of_released_versions_are_upgraded_on_postgresql() {
    upgrade_released_versions(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_the_data_of_this_version_are_made_and_upgraded_on_sqlite() {
    make_and_upgrade(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_the_data_of_this_version_are_made_and_upgraded_on_postgresql() {
    make_and_upgrade(Engine::Postgres).await;
}
