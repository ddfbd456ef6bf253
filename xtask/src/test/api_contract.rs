//! Contract tests of the HTTP API: Schemathesis compares a running server with its OpenAPI document.

use super::{counts, report::Report};
use crate::{
    prerequisites,
    root::{command, path},
    step,
};
use anyhow::{Context, Result, bail, ensure};
use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// Folder of the server and of Schemathesis.
const FOLDER: &str = "target/schemathesis/server";
const PASSWORD: &str = "violet tractor cloud 91";

/// Starts a server with a seeded database, and sends it the requests that Schemathesis derives from its document: the same ones in
/// every run.
///
/// # Errors
/// Fails if the server cannot be started or the tests cannot be counted; failures of tests go into the report.
pub fn check(report: &mut Report) -> Result<()> {
    let program = prerequisites::schemathesis()?;
    let server = step::run_fn("Starting a server with seeded tasks", Server::start)?;
    let mut schemathesis = command(&program.to_string_lossy());
    schemathesis
        // Its cache of earlier failures would change what it sends; the folder is new in every run.
        .current_dir(path(FOLDER))
        .arg("--config-file")
        .arg(path("server/tests/schemathesis/schemathesis.toml"))
        .args(["run", "--checks", "all", "--header"])
        .arg(format!("Authorization: Bearer {}", server.key))
        .arg(format!("{}/api/v1/openapi.json", server.origin));
    let count =
        |outcome: &step::Outcome| counts::schemathesis(&outcome.output).context("Schemathesis printed no counts");
    report.suite("Contract tests of the API", schemathesis, count).map(drop)
}

/// A server that ends with this value.
struct Server {
    process: Child,
    origin: String,
    /// Key with all scopes, of an admin who approves.
    key: String,
}

impl Server {
    fn start() -> Result<Self> {
        let folder = path(FOLDER);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("password"), PASSWORD)?;
        run(&["admin", "create-tenant", "--name", "acme"])?;
        let user = ["admin", "create-user", "--email", "ada@acme.example", "--role", "admin", "--password-stdin"];
        run(&user)?;
        let scopes = "tasks:*,approvals:*,audit:read";
        let key = run(&["admin", "create-key", "--user", "ada@acme.example", "--name", "tests", "--scopes", scopes])?;
        run(&["dev", "seed", "--tasks", "400"])?;
        let output = folder.join("out");
        let process = castellan(&["serve"])
            .stdout(File::create(&output)?)
            .stderr(File::create(folder.join("log"))?)
            .spawn()
            .context("castellan serve does not start")?;
        let mut server = Self { process, origin: String::new(), key };
        server.origin = server.address(output)?;
        Ok(server)
    }

    /// Waits for the address that the server prints.
    fn address(&mut self, output: PathBuf) -> Result<String> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline && self.process.try_wait()?.is_none() {
            let text = fs::read_to_string(&output)?;
            if let Some(address) = text.lines().find_map(|line| line.strip_prefix("Castellan is at ")) {
                return Ok(address.to_owned());
            }
            sleep(Duration::from_millis(50));
        }
        bail!("the server did not start; target/schemathesis/server/log says why")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended; an error cannot be handled here.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Runs a console command and returns its output.
fn run(arguments: &[&str]) -> Result<String> {
    let password = File::open(path(FOLDER).join("password"))?;
    let output = castellan(arguments).stdin(password).output()?;
    ensure!(output.status.success(), "castellan {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Returns a command of the deployment: on free ports, with its own folder, and without rate limits.
fn castellan(arguments: &[&str]) -> Command {
    let mut castellan = command(&path("target/debug/castellan").to_string_lossy());
    castellan
        .args(arguments)
        .current_dir(path(FOLDER))
        .env("CASTELLAN_DATA_DIR", "data")
        .env("CASTELLAN_LISTEN", "127.0.0.1:0")
        .env("CASTELLAN_RUNNER_LISTEN", "127.0.0.1:0")
        .stdin(Stdio::null());
    for limit in ["LIMITS_API_READS", "LIMITS_CHANGES", "QUOTAS_TASKS_PER_PERSON", "QUOTAS_TASKS_PER_TENANT"] {
        castellan.env(format!("CASTELLAN_{limit}"), "off");
    }
    castellan
}
