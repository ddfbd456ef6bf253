//! Server under test: the real program with its own data folder, used through the command line and HTTP.
use crate::http::{Answer, Connection, Request};
use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The password of every account; not guessable, as the policy demands.
const PASSWORD: &str = "violet tractor cloud 91";

/// The timeout for stopping.
const STOP_TIMEOUT: Duration = Duration::from_mins(1);

/// A deployment and its server process, if it is running.
#[derive(Debug)]
pub struct Program {
    binaries: PathBuf,
    folder: TempDir,
    database: Option<String>,
    serving: Option<Child>,
    pub host: String,
}

/// A person with an account and an API key.
#[derive(Clone, Debug)]
pub struct Person {
    pub email: String,
    pub key: String,
}

impl Person {
    /// Returns the value of the `Authorization` header for this person's API key.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.key)
    }
}

impl Program {
    /// Returns a deployment with one tenant and no people.
    ///
    /// # Errors
    /// Fails if the folder or the tenant cannot be created.
    pub fn new(binaries: &Path, data: &Path, database: Option<String>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("castellan-").tempdir_in(data)?;
        let program = Self { binaries: binaries.to_owned(), folder, database, serving: None, host: String::new() };
        program.run(&["admin", "create-tenant", "--name", "bench"])?;
        Ok(program)
    }

    /// Creates a person with a password and an API key with all scopes.
    ///
    /// # Errors
    /// Fails if a command fails.
    pub fn person(&self, name: &str, role: &str) -> Result<Person> {
        let email = format!("{name}@bench.example");
        self.run(&["admin", "create-user", "--email", &email, "--role", role, "--password-stdin"])?;
        let scopes = "tasks:*,approvals:*,audit:read";
        let key = self.run(&["admin", "create-key", "--user", &email, "--name", "bench", "--scopes", scopes])?;
        Ok(Person { email, key })
    }

    /// Runs a command of `castellan` with the password on its standard input, and returns what it printed.
    ///
    /// # Errors
    /// Fails if the command fails, with its error output.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if let Some(mut input) = child.stdin.take() {
            drop(input.write_all(PASSWORD.as_bytes())); // some commands do not read it
        }
        let output = child.wait_with_output()?;
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "castellan {}: {words}", arguments.join(" "));
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.binaries.join("castellan"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("CASTELLAN_LISTEN", "127.0.0.1:0")
            .env("CASTELLAN_RUNNER_LISTEN", "127.0.0.1:0")
            .env("CASTELLAN_DATA_DIR", self.folder.path().join("data"))
            // The benchmark measures capacity, not the limits of one person.
            .envs(
                ["PAGES", "API_READS", "CHANGES", "SIGN_IN"].map(|class| (format!("CASTELLAN_LIMITS_{class}"), "off")),
            )
            .envs(
                ["TASKS_PER_PERSON", "TASKS_PER_TENANT", "STORED_MIB_PER_PERSON", "STORED_MIB_PER_TENANT"]
                    .map(|quota| (format!("CASTELLAN_QUOTAS_{quota}"), "off")),
            )
            .env("CASTELLAN_AUTH_SECOND_FACTOR", "off")
            .current_dir(self.folder.path());
        if let Some(url) = &self.database {
            command.env("CASTELLAN_DATABASE_URL", url);
        }
        command
    }

    /// Starts the server with a local runner, and returns once it has printed its address.
    ///
    /// # Errors
    /// Fails if the server exits before.
    pub fn start(&mut self) -> Result<()> {
        self.serve(&["serve"])
    }

    /// Starts the server without a runner, so that tasks stay queued.
    ///
    /// # Errors
    /// Fails if the server exits before.
    pub fn start_alone(&mut self) -> Result<()> {
        self.serve(&["serve", "--no-local-runner"])
    }

    fn serve(&mut self, arguments: &[&str]) -> Result<()> {
        let log = File::options().append(true).create(true).open(self.log())?;
        let mut child = self.command(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("a child without output")?).lines();
        self.serving = Some(child);
        let place =
            lines.by_ref().find_map(|line| Some(line.ok()?.strip_prefix("Castellan is at http://")?.to_owned()));
        self.host = place.with_context(|| format!("castellan did not start: {}", self.log_tail()))?;
        std::thread::spawn(move || lines.for_each(drop)); // a full pipe would stop it
        Ok(())
    }

    /// Waits until the local runner is connected.
    ///
    /// # Errors
    /// Fails if no runner connects within a minute.
    pub fn runner(&self, person: &Person) -> Result<()> {
        let bearer = person.bearer();
        let ask = Request::get(&self.host, "/api/v1/runners", &[("authorization", &bearer)]);
        let begin = Instant::now();
        while begin.elapsed() < STOP_TIMEOUT {
            let text = Connection::open(&self.host)?.send(&ask)?.is(200)?.text();
            if text.contains("\"connected\":true") {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("no runner has connected: {}", self.log_tail())
    }

    /// Signs a person in and returns their session cookie.
    ///
    /// # Errors
    /// Fails if the server rejects the sign-in.
    pub fn sign_in(&self, person: &Person) -> Result<String> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let body = form.append_pair("_page", "/sign-in").append_pair("email", &person.email);
        let body = body.append_pair("password", PASSWORD).finish();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "text/html"),
            ("sec-fetch-site", "same-origin"),
        ];
        let request = Request::post(&self.host, "/actions/login/sign-in", &headers, &body);
        let answer = Connection::open(&self.host)?.send(&request)?.is(303)?;
        cookie(&answer).context("the sign-in response has no cookie")
    }

    /// Returns the process id of the server.
    ///
    /// # Errors
    /// Fails if the server is not running.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.serving.as_ref().context("the server is not running")?.id())
    }

    /// Stops the server gracefully.
    ///
    /// # Errors
    /// Fails if it does not stop in time.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut child) = self.serving.take() else { return Ok(()) };
        kill_process(Pid::from_child(&child), Signal::TERM)?;
        let begin = Instant::now();
        while child.try_wait()?.is_none() {
            if begin.elapsed() > STOP_TIMEOUT {
                child.kill()?;
                bail!("castellan did not stop in time");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Returns the last lines of the log.
    fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<_> = text.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("{error:#}");
        }
    }
}

fn cookie(answer: &Answer) -> Option<String> {
    let lines = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
    let pair =
        |(_, line): &(String, String)| line.split(';').next().filter(|pair| !pair.ends_with('=')).map(str::to_owned);
    lines.rev().find_map(pair)
}
