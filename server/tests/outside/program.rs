//! `castellan serve` as a process of its own, on free ports, with a folder and a database of its own.
use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{
    client::client,
    database::{Database, psql},
    timeouts::{DEFAULT_TIMEOUT, until},
    ports::reserve_port,
    processes::descendants,
};

/// Writes each story as two tests, `name::sqlite` and `name::postgres`, each with a program of its own.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($program:ident) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn story($program: &mut crate::program::Program) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                story(&mut crate::program::Program::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                story(&mut crate::program::Program::postgres()).await;
            }
        }
    )*};
}
pub(crate) use on_both;

/// A deployment: what it keeps, and the process that serves it, while there is one.
pub struct Program {
    folder: TempDir,
    database: Option<Database>,
    variables: Vec<(&'static str, String)>,
    /// What every command is started by, where it is not started directly.
    until_within: Vec<String>,
    castellan: String,
    /// What the server is started by besides.
    launcher: Vec<String>,
    child: Option<Child>,
    /// Where the folder is found that the deployment has its data in, if not under its name.
    visible_data_override: Option<PathBuf>,
    /// Sends requests to it.
    pub client: reqwest::Client,
    /// Scheme, host and port; another one after every start.
    pub origin: String,
}

impl Program {
    /// A deployment on SQLite that does not run yet.
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
            until_within: vec![],
            launcher: vec![],
            child: None,
            visible_data_override: None,
            client: client(1),
            origin: String::new(),
        }
    }

    /// The same on a fresh PostgreSQL database.
    pub fn postgres() -> Self {
        let mut program = Self::sqlite();
        program.database = Some(Database::create());
        program
    }

    /// A second node of a deployment: in a folder of its own with a copy of the secrets, on the same database.
    pub fn second_node(first: &Self) -> Self {
        let mut node = Self::sqlite();
        node.set("CASTELLAN_DATABASE_URL", first.database_url().expect("nodes share a PostgreSQL"));
        fs::create_dir(node.data()).unwrap();
        let copied = Command::new("cp").arg("-a").arg(first.data().join("secrets")).arg(node.data()).status().unwrap();
        assert!(copied.success());
        node
    }

    /// Sets a variable for every command from now on; one that was set before gets the new value.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.to_owned()));
    }

    /// From now on nobody is told that they ask too often.
    pub fn lift_rate_limits(&mut self) {
        for class in ["PAGES", "API_READS", "CHANGES", "SIGN_IN", "ENROLLMENT"] {
            self.set(Box::leak(format!("CASTELLAN_LIMITS_{class}").into_boxed_str()), "off");
        }
    }

    /// Writes the configuration file that every command finds where it is started.
    pub fn configure(&self, toml: &str) {
        fs::write(self.folder.path().join("castellan.toml"), toml).unwrap();
    }

    /// From now on the server is started by this command, which gets `castellan serve` as its last words.
    pub fn set_launcher(&mut self, launcher: &[&str]) {
        self.launcher = launcher.iter().map(|word| (*word).to_owned()).collect();
    }

    /// From now on the server finds a runner beside itself that is started by this line of a shell.
    pub fn wrap_runner_command(&mut self, line: &str) {
        let (server, second_node) = (Path::new(env!("CARGO_BIN_EXE_castellan")), self.folder.path().join("programs"));
        let runner = server.with_file_name("castellan-runner");
        fs::create_dir_all(&second_node).unwrap();
        // The same file under another name, so that what is beside it is found.
        fs::copy(server, second_node.join("castellan")).unwrap();
        let script = format!("#!/bin/sh\n{line} {} \"$@\"\n", runner.display());
        fs::write(second_node.join("castellan-runner"), script).unwrap();
        fs::set_permissions(second_node.join("castellan-runner"), fs::Permissions::from_mode(0o755)).unwrap();
        self.castellan = second_node.join("castellan").display().to_string();
    }

    /// From now on every command is started by this one, which becomes it.
    pub fn run_commands_within(&mut self, until_within: &[&str]) {
        self.until_within = until_within.iter().map(|word| (*word).to_owned()).collect();
    }

    /// From now on it listens where it can be found again after a start.
    pub fn use_fixed_ports(&mut self) {
        let [pages, runners] = [(); 2].map(|()| format!("127.0.0.1:{}", reserve_port()));
        self.set("CASTELLAN_LISTEN", &pages);
        self.set("CASTELLAN_RUNNER_LISTEN", &runners);
        self.origin = format!("http://{pages}");
    }

    /// The port of the runners, once it has one address.
    pub fn runner_port(&self) -> u16 {
        let (_, address) =
            self.variables.iter().find(|(name, _)| *name == "CASTELLAN_RUNNER_LISTEN").expect("one address");
        address.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// The deployment's database, as the server is told of it.
    pub fn database_url(&self) -> Option<&str> {
        self.database.as_ref().map(|database| database.url.as_str())
    }

    /// The folder with everything that the deployment keeps.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// From now on what the deployment keeps is found there, when it is looked at from outside.
    pub fn set_visible_data_dir(&mut self, path: PathBuf) {
        self.visible_data_override = Some(path);
    }

    /// The folder with everything that the deployment keeps, as others see it.
    pub fn visible_data_dir(&self) -> PathBuf {
        self.visible_data_override.clone().unwrap_or_else(|| self.data())
    }

    /// `castellan` with this deployment's settings and nothing else around it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_by(&[], arguments)
    }

    fn command_by(&self, launcher: &[String], arguments: &[&str]) -> Command {
        let mut words = self.until_within.iter().chain(launcher).chain([&self.castellan]);
        let mut command = Command::new(words.next().unwrap());
        command
            .args(words)
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("CASTELLAN_LISTEN", "127.0.0.1:0")
            .env("CASTELLAN_RUNNER_LISTEN", "127.0.0.1:0")
            .env("CASTELLAN_DATA_DIR", self.data())
            // Second factors have stories of their own.
            .env("CASTELLAN_AUTH_SECOND_FACTOR", "off")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        if let Some(database) = &self.database {
            command.env("CASTELLAN_DATABASE_URL", &database.url);
        }
        command.envs(self.variables.iter().cloned());
        command
    }

    /// Runs a command to its end, with `input` on its standard input.
    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        let piped = || Stdio::piped();
        let mut child =
            self.command(arguments).stdin(piped()).stdout(piped()).stderr(piped()).spawn().expect("castellan starts");
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let deadline = Instant::now() + DEFAULT_TIMEOUT; // what it prints fits into the pipe
        while child.try_wait().unwrap().is_none() {
            if Instant::now() > deadline {
                let _ = child.kill();
                panic!("castellan {} does not end", arguments.join(" "));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        child.wait_with_output().unwrap()
    }

    /// The same for a command that must go well; what it printed.
    pub fn cli(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// `castellan serve` with a configuration that must be refused; what it says.
    pub async fn startup_error(&self) -> String {
        let errors = self.folder.path().join("refused");
        let mut command = self.command(&["serve"]);
        let mut child = command.stdout(Stdio::null()).stderr(File::create(&errors).unwrap()).spawn().unwrap();
        let status = ended(&mut child, DEFAULT_TIMEOUT).await.unwrap_or_else(|| {
            let _ = child.kill();
            panic!("it was not refused")
        });
        assert!(!status.success(), "it was not refused");
        fs::read_to_string(errors).unwrap()
    }

    /// Starts it, and waits until it says where it is.
    pub async fn start(&mut self) {
        let is_up = self.try_start().await;
        assert!(is_up, "the server ended: {}", fs::read_to_string(self.log()).unwrap());
    }

    /// Starts it, and waits until it says where it is or has ended; says whether it runs.
    pub async fn try_start(&mut self) -> bool {
        let out = self.spawn();
        let where_it_is = until("the server says where it is, or ends", async || {
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

    /// Starts it and waits for nothing; where its output goes.
    pub fn spawn(&mut self) -> PathBuf {
        let mut command = self.command_by(&self.launcher, &["serve"]);
        let (out, log) = (self.folder.path().join("out"), File::options().append(true).create(true).open(self.log()));
        self.child = Some(command.stdout(File::create(&out).unwrap()).stderr(log.unwrap()).spawn().unwrap());
        out
    }

    /// What is left of a server that ended by itself is taken away.
    pub fn reap(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.wait().unwrap();
        }
    }

    /// What it wrote to its log since it was first started.
    pub fn server_log(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub fn is_running(&self) -> bool {
        self.child.as_ref().is_some_and(|child| Path::new(&format!("/proc/{}/exe", child.id())).exists())
    }

    /// The number of the server's process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// SIGKILL for it and for all that it was started by: a launcher's end is not that of what it launched.
    pub fn kill_all(&mut self) {
        let below = descendants(self.pid());
        for process in &below {
            let _ = kill_process(Pid::from_raw(process.pid.try_into().unwrap()).unwrap(), Signal::KILL); // it may have ended
        }
        self.kill();
    }

    /// SIGKILL: it has no time for anything.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM: it must end well, and within `patience`.
    pub async fn stop(&mut self, timeout: Duration) {
        let mut child = self.child.take().expect("it runs");
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let status = ended(&mut child, timeout).await;
        if status.is_none() {
            child.kill().unwrap();
        }
        assert!(status.expect("it ends in time").success());
    }

    /// The deployment's PostgreSQL database does this.
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
            // Its runner goes by itself, and writes into the folder until then.
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
