//! `castellan serve` as a separate process on free ports, with its own folder and database.
use crate::{
    client::client,
    ports::reserve_port,
    processes::descendants,
    timeouts::{DEFAULT_TIMEOUT, until},
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use testkit::{Database, Engine, Fixture, psql};
use tokio::time::{Instant, sleep};

/// Generates two tests per case, `name::sqlite` and `name::postgres`, each with its own server.
macro_rules! on_both {
    ($($cases:tt)*) => { testkit::on_both! { &mut crate::program::Program; $($cases)* } };
}
pub(crate) use on_both;

/// A deployment: its data and settings, and the server process while it runs.
pub struct Program {
    folder: TempDir,
    database: Option<Database>,
    variables: Vec<(&'static str, String)>,
    /// The prefix of every command, for example `nsenter`.
    prefix: Vec<String>,
    castellan: String,
    /// The prefix of the server command, for example `strace`.
    launcher: Vec<String>,
    child: Option<Child>,
    /// The data folder as seen from outside the server's mount namespace, if different.
    visible_data_override: Option<PathBuf>,
    pub client: reqwest::Client,
    /// Scheme, host and port; they change with every start unless the ports are fixed.
    pub origin: String,
}

impl Fixture for Program {
    async fn create(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::sqlite(),
            Engine::Postgres => Self::postgres(),
        }
    }

    /// Ends the server, as dropping the deployment does.
    async fn close(self) {}
}

impl Program {
    /// Returns a stopped deployment on SQLite.
    pub fn sqlite() -> Self {
        let runner = Path::new(env!("CARGO_BIN_EXE_castellan")).with_file_name("castellan-runner");
        assert!(
            runner.is_file(),
            "{} is missing: run cargo xtask test, or cargo build --package runner",
            runner.display()
        );
        let folder = tempfile::Builder::new().prefix("castellan-outside-").tempdir().unwrap();
        Self {
            folder,
            database: None,
            variables: vec![],
            castellan: env!("CARGO_BIN_EXE_castellan").to_owned(),
            prefix: vec![],
            launcher: vec![],
            child: None,
            visible_data_override: None,
            client: client(1),
            origin: String::new(),
        }
    }

    /// Returns a stopped deployment on a new PostgreSQL database.
    pub fn postgres() -> Self {
        let mut program = Self::sqlite();
        program.database = Some(Database::postgres());
        program
    }

    /// Returns a second node of a deployment, with a copy of the secrets and the same database.
    pub fn second_node(first: &Self) -> Self {
        let mut node = Self::sqlite();
        node.set("CASTELLAN_DATABASE_URL", first.database_url().expect("nodes share a PostgreSQL"));
        fs::create_dir(node.data()).unwrap();
        let copied = Command::new("cp").arg("-a").arg(first.data().join("secrets")).arg(node.data()).status().unwrap();
        assert!(copied.success());
        node
    }

    /// Sets an environment variable for all later commands.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.to_owned()));
    }

    /// Disables all rate limits.
    pub fn lift_rate_limits(&mut self) {
        for class in ["PAGES", "API_READS", "CHANGES", "SIGN_IN", "ENROLLMENT"] {
            self.set(Box::leak(format!("CASTELLAN_LIMITS_{class}").into_boxed_str()), "off");
        }
        self.set("CASTELLAN_QUOTAS_TASKS_PER_PERSON", "off");
        self.set("CASTELLAN_QUOTAS_TASKS_PER_TENANT", "off");
    }

    /// Writes the configuration file.
    pub fn configure(&self, toml: &str) {
        fs::write(self.folder.path().join("castellan.toml"), toml).unwrap();
    }

    /// Starts the server with this command prefix.
    pub fn set_launcher(&mut self, launcher: &[&str]) {
        self.launcher = launcher.iter().map(|word| (*word).to_owned()).collect();
    }

    /// Makes the server start its runner with this shell command prefix.
    pub fn wrap_runner_command(&mut self, line: &str) {
        let (server, folder) = (Path::new(env!("CARGO_BIN_EXE_castellan")), self.folder.path().join("programs"));
        let runner = server.with_file_name("castellan-runner");
        fs::create_dir_all(&folder).unwrap();
        // The server starts the runner that is in its own folder, so it is copied next to the script.
        fs::copy(server, folder.join("castellan")).unwrap();
        let script = format!("#!/bin/sh\n{line} {} \"$@\"\n", runner.display());
        fs::write(folder.join("castellan-runner"), script).unwrap();
        fs::set_permissions(folder.join("castellan-runner"), fs::Permissions::from_mode(0o755)).unwrap();
        self.castellan = folder.join("castellan").display().to_string();
    }

    /// Runs all later commands with this prefix, which must exec them.
    pub fn run_commands_within(&mut self, prefix: &[&str]) {
        self.prefix = prefix.iter().map(|word| (*word).to_owned()).collect();
    }

    /// Fixes the ports, so that the address stays the same after a restart.
    pub fn use_fixed_ports(&mut self) {
        let [pages, runners] = [(); 2].map(|()| format!("127.0.0.1:{}", reserve_port()));
        self.set("CASTELLAN_LISTEN", &pages);
        self.set("CASTELLAN_RUNNER_LISTEN", &runners);
        self.origin = format!("http://{pages}");
    }

    /// Returns the runner port; requires fixed ports.
    pub fn runner_port(&self) -> u16 {
        let (_, address) =
            self.variables.iter().find(|(name, _)| *name == "CASTELLAN_RUNNER_LISTEN").expect("one address");
        address.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    pub fn database_url(&self) -> Option<&str> {
        self.database.as_ref().map(|database| database.url.as_str())
    }

    /// Returns the data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Sets where the data folder is visible from outside the server's mount namespace.
    pub fn set_visible_data_dir(&mut self, path: PathBuf) {
        self.visible_data_override = Some(path);
    }

    /// Returns the data folder as seen from outside the server's mount namespace.
    pub fn visible_data_dir(&self) -> PathBuf {
        self.visible_data_override.clone().unwrap_or_else(|| self.data())
    }

    /// Returns a `castellan` command with only this deployment's environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_by(&[], arguments)
    }

    /// Returns a command for another program, with the prefix of this deployment's commands and an empty environment.
    pub fn other_command(&self, program: &Path) -> Command {
        let mut words = self.prefix.iter().map(AsRef::as_ref).chain([program.as_os_str()]);
        let mut command = Command::new(words.next().unwrap());
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.args(words).env_clear().env("PATH", path).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn command_by(&self, launcher: &[String], arguments: &[&str]) -> Command {
        let mut words = self.prefix.iter().chain(launcher).chain([&self.castellan]);
        let mut command = Command::new(words.next().unwrap());
        command
            .args(words)
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("CASTELLAN_LISTEN", "127.0.0.1:0")
            .env("CASTELLAN_RUNNER_LISTEN", "127.0.0.1:0")
            .env("CASTELLAN_DATA_DIR", self.data())
            // Second factors have their own tests.
            .env("CASTELLAN_AUTH_SECOND_FACTOR", "off")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        if let Some(database) = &self.database {
            command.env("CASTELLAN_DATABASE_URL", &database.url);
        }
        command.envs(self.variables.iter().cloned());
        command
    }

    /// Runs a command with `input` on its standard input.
    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        let piped = || Stdio::piped();
        let mut child =
            self.command(arguments).stdin(piped()).stdout(piped()).stderr(piped()).spawn().expect("castellan starts");
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let deadline = Instant::now() + DEFAULT_TIMEOUT; // the output fits into the pipe
        while child.try_wait().unwrap().is_none() {
            if Instant::now() > deadline {
                let _ = child.kill();
                panic!("castellan {} does not end", arguments.join(" "));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        child.wait_with_output().unwrap()
    }

    /// Runs a command that must succeed and returns its output.
    pub fn cli(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Verifies the audit log, which may not have been signed yet, and returns the output.
    pub fn verify_audit_log(&self) -> String {
        let output = self.run(&["audit", "verify"], "");
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(matches!(output.status.code(), Some(0 | 4)) && text.contains("events verified"), "{text}");
        text
    }

    /// Runs `castellan serve` with a configuration that it must refuse and returns its error output.
    pub async fn startup_error(&self) -> String {
        let errors = self.folder.path().join("refused");
        let mut command = self.command(&["serve"]);
        let mut child = command.stdout(Stdio::null()).stderr(File::create(&errors).unwrap()).spawn().unwrap();
        let status = ended(&mut child, DEFAULT_TIMEOUT).await.unwrap_or_else(|| {
            let _ = child.kill();
            panic!("the configuration was not refused")
        });
        assert!(!status.success(), "the configuration was not refused");
        fs::read_to_string(errors).unwrap()
    }

    /// Starts the server and waits for its address.
    pub async fn start(&mut self) {
        let is_up = self.try_start().await;
        assert!(is_up, "the server ended: {}", fs::read_to_string(self.log()).unwrap());
    }

    /// Starts the server and waits until it prints its address or exits; returns whether it runs.
    pub async fn try_start(&mut self) -> bool {
        let out = self.spawn();
        let where_it_is = until("the server prints its address, or ends", async || {
            let text = fs::read_to_string(&out).unwrap();
            let at = text.lines().find_map(|line| line.strip_prefix("Castellan is at ")).map(str::to_owned);
            (at.is_some() || !self.is_running()).then_some(at)
        })
        .await;
        match where_it_is {
            Some(origin) => self.origin = origin,
            None => self.reap(),
        }
        self.child.is_some()
    }

    /// Starts the server without waiting and returns the path of its output.
    pub fn spawn(&mut self) -> PathBuf {
        let mut command = self.command_by(&self.launcher, &["serve"]);
        let (out, log) = (self.folder.path().join("out"), File::options().append(true).create(true).open(self.log()));
        self.child = Some(command.stdout(File::create(&out).unwrap()).stderr(log.unwrap()).spawn().unwrap());
        out
    }

    /// Reaps a server process that has exited.
    pub fn reap(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.wait().unwrap();
        }
    }

    /// Returns everything that the server has logged since its first start.
    pub fn server_log(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub fn is_running(&self) -> bool {
        self.child.as_ref().is_some_and(|child| Path::new(&format!("/proc/{}/exe", child.id())).exists())
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the program runs").id()
    }

    /// Sends SIGKILL to the server and its descendants, because killing a launcher does not end the server.
    pub fn kill_all(&mut self) {
        let below = descendants(self.pid());
        for process in &below {
            let _ = kill_process(Pid::from_raw(process.pid.try_into().unwrap()).unwrap(), Signal::KILL); // it may have ended
        }
        self.kill();
    }

    /// Sends SIGKILL to the server.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("the program runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Sends SIGTERM; the server must exit successfully within `timeout`.
    pub async fn stop(&mut self, timeout: Duration) {
        let mut child = self.child.take().expect("the program runs");
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let status = ended(&mut child, timeout).await;
        if status.is_none() {
            child.kill().unwrap();
        }
        let status = status.expect("the program ends in time");
        assert!(status.success(), "{status}\n{}", fs::read_to_string(self.log()).unwrap_or_default());
    }

    /// Runs a statement in the deployment's PostgreSQL database.
    pub fn sql(&self, statement: &str) {
        psql(&self.database.as_ref().expect("PostgreSQL").url, statement);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let below = descendants(child.id());
            let _ = child.kill(); // it may have ended
            let _ = child.wait();
            // The runner exits on its own and writes into the folder until then.
            let deadline = Instant::now() + Duration::from_secs(5);
            while below.iter().any(|process| process.is_alive()) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        if std::thread::panicking() {
            eprintln!("--- the server's log\n{}---", fs::read_to_string(self.log()).unwrap_or_default());
        }
    }
}

async fn ended(child: &mut Child, timeout: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + timeout;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        sleep(Duration::from_millis(20)).await;
    }
    None
}
