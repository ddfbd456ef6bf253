//! `castellan serve` as a process of its own, on free ports, with a folder and a database of its own.
use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{
    ask::client,
    database::{Database, psql},
    patience::{PATIENCE, until},
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
    child: Option<Child>,
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
        Self { folder, database: None, variables: vec![], child: None, client: client(1), origin: String::new() }
    }

    /// The same on a fresh PostgreSQL database.
    pub fn postgres() -> Self {
        let mut program = Self::sqlite();
        program.database = Some(Database::create());
        program
    }

    /// Sets a variable for every command from now on; one that was set before gets the new value.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.to_owned()));
    }

    /// The folder with everything that the deployment keeps.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// `castellan` with this deployment's settings and nothing else around it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_castellan"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("CASTELLAN_LISTEN", "127.0.0.1:0")
            .env("CASTELLAN_RUNNER_LISTEN", "127.0.0.1:0")
            .env("CASTELLAN_DATA_DIR", self.data())
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
        let deadline = Instant::now() + PATIENCE; // what it prints fits into the pipe
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
    pub fn say(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// `castellan serve` with a configuration that must be refused; what it says.
    pub async fn refused(&self) -> String {
        let errors = self.folder.path().join("refused");
        let mut command = self.command(&["serve"]);
        let mut child = command.stdout(Stdio::null()).stderr(File::create(&errors).unwrap()).spawn().unwrap();
        let status = ended(&mut child, PATIENCE).await.unwrap_or_else(|| {
            let _ = child.kill();
            panic!("it was not refused")
        });
        assert!(!status.success(), "it was not refused");
        fs::read_to_string(errors).unwrap()
    }

    /// Starts it, and waits until it says where it is.
    pub async fn start(&mut self) {
        let (out, log) = (self.folder.path().join("out"), File::options().append(true).create(true).open(self.log()));
        let mut command = self.command(&["serve"]);
        self.child = Some(command.stdout(File::create(&out).unwrap()).stderr(log.unwrap()).spawn().unwrap());
        self.origin = until("the server says where it is", async || {
            let text = fs::read_to_string(&out).unwrap();
            assert!(self.is_running(), "the server ended: {}", fs::read_to_string(self.log()).unwrap());
            Some(text.lines().find_map(|line| line.strip_prefix("Castellan is at "))?.to_owned())
        })
        .await;
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn is_running(&self) -> bool {
        self.child.as_ref().is_some_and(|child| Path::new(&format!("/proc/{}/exe", child.id())).exists())
    }

    /// The number of the server's process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// SIGKILL: it has no time for anything.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM: it must end well, and within `patience`.
    pub async fn stop(&mut self, patience: Duration) {
        let mut child = self.child.take().expect("it runs");
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let status = ended(&mut child, patience).await;
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
            while below.iter().any(|process| process.is_there()) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        if std::thread::panicking() {
            eprintln!("--- the server's log\n{}---", fs::read_to_string(self.log()).unwrap_or_default());
        }
    }
}

async fn ended(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        sleep(Duration::from_millis(20)).await;
    }
    None
}
