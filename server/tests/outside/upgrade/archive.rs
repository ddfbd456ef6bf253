//! Archives of deployments: the data folder, the runner's folder, a copy of the checkpoints, the contents, and on PostgreSQL a dump.
use super::contents::Contents;
use crate::program::Program;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use testkit::Engine;

const CONTENTS: &str = "contents.json";
const DUMP: &str = "database.sql";

/// Returns the file name of an archive.
pub const fn name(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "sqlite.tar.gz",
        Engine::Postgres => "postgres.tar.gz",
    }
}

/// Returns the folder of the runner that is enrolled besides the local ones.
pub fn runner_folder(program: &Program) -> PathBuf {
    program.data().with_file_name("runner")
}

/// Returns the path of a copy of the checkpoints, as an operator keeps it.
pub fn checkpoint_copy(program: &Program) -> PathBuf {
    program.data().with_file_name("checkpoints")
}

/// Writes a stopped deployment to an archive.
pub fn pack(program: &Program, contents: &Contents, file: &Path) {
    let folder = program.data().parent().unwrap().to_owned();
    fs::write(folder.join(CONTENTS), serde_json::to_string_pretty(contents).unwrap()).unwrap();
    let mut tar = Command::new("tar");
    tar.args(["--create", "--gzip", "--owner=0", "--group=0", "--exclude=*.lock", "--file"]).arg(file);
    tar.arg("--directory").arg(&folder).args(["data", "runner", "checkpoints", CONTENTS]);
    if let Some(url) = program.database_url() {
        fs::write(folder.join(DUMP), dump(url)).unwrap();
        tar.arg(DUMP);
    }
    run(&mut tar);
}

/// Restores an archive into a new deployment.
pub fn unpack(program: &Program, file: &Path) -> Contents {
    let folder = program.data().parent().unwrap().to_owned();
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--gzip", "--no-same-owner", "--file"]).arg(file).arg("--directory").arg(&folder);
    run(&mut tar);
    if let Some(url) = program.database_url() {
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--single-transaction"]);
        run(as_system(&mut psql).arg("--file").arg(folder.join(DUMP)).arg(url));
    }
    serde_json::from_slice(&fs::read(folder.join(CONTENTS)).unwrap()).unwrap()
}

/// Returns the SQL statements that make a database of this content.
fn dump(url: &str) -> String {
    let mut dump = Command::new("pg_dump");
    let arguments = ["--enable-row-security", "--no-owner", "--no-privileges", "--no-comments", url];
    let text = run(as_system(&mut dump).args(arguments));
    // Other versions of psql do not know these commands.
    let is_statement = |line: &&str| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict");
    text.split_inclusive('\n').filter(is_statement).collect()
}

/// Lets a tool of PostgreSQL see all tenants.
fn as_system(tool: &mut Command) -> &mut Command {
    tool.env("PGOPTIONS", "-c castellan.system=on")
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
