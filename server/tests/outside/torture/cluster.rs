//! PostgreSQL cluster for a single test that can be killed and restarted. Unlike the shared test cluster, it keeps
//! committed data after a crash.
use crate::{
    ports::reserve_port,
    processes::{Process, descendants},
    timeouts::until,
};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use testkit::psql;

/// A cluster with one database that is removed when dropped.
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    postmaster: Option<Child>,
}

impl Cluster {
    pub async fn start() -> Self {
        let programs = programs();
        let folder = stdout_of(unprivileged(Path::new("mktemp")).args(["-d", "/tmp/castellan-cluster-XXXXXXXX"]));
        let folder = PathBuf::from(folder.trim());
        let mut initdb = unprivileged(&programs.join("initdb"));
        let settings = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
        stdout_of(initdb.arg("--pgdata").arg(folder.join("data")).args(settings));
        let mut cluster = Self { programs, folder, port: reserve_port(), postmaster: None };
        cluster.start_again().await;
        psql(&cluster.superuser(), "create role castellan login");
        psql(&cluster.superuser(), "create database castellan owner castellan");
        cluster
    }

    /// Returns the database URL for the server.
    pub fn url(&self) -> String {
        format!("postgres://castellan@127.0.0.1:{}/castellan", self.port)
    }

    fn superuser(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts PostgreSQL, with retries until shared memory of a killed instance is released.
    pub async fn start_again(&mut self) {
        until("PostgreSQL takes connections", async || {
            let ended = self.postmaster.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some());
            if ended {
                let mut postgres = unprivileged(&self.programs.join("postgres"));
                let port = self.port.to_string();
                postgres.arg("-D").arg(self.folder.join("data")).args([
                    "-p",
                    &port,
                    "-c",
                    "listen_addresses=127.0.0.1",
                ]);
                // Only processes are killed, not the machine, so the operating system keeps their writes.
                postgres.args(["-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "full_page_writes=off"]);
                self.postmaster = Some(postgres.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
            }
            let mut ready = Command::new(self.programs.join("pg_isready"));
            ready.args(["--quiet", "--host=127.0.0.1", "--port", &self.port.to_string()]);
            ready.status().unwrap().success().then_some(())
        })
        .await;
    }

    /// Restarts PostgreSQL as a standby, which only reads.
    pub async fn restart_as_standby(&mut self) {
        self.kill();
        stdout_of(unprivileged(Path::new("touch")).arg(self.folder.join("data/standby.signal")));
        self.start_again().await;
    }

    fn pid(&self) -> u32 {
        self.postmaster.as_ref().expect("it runs").id()
    }

    /// Terminates all connections of the server.
    pub fn cut(&self) {
        psql(&self.superuser(), "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'castellan'");
    }

    /// Kills one backend process; PostgreSQL then closes all connections and recovers.
    pub fn kill_one(&self) {
        let serves = |process: &Process| process.command().contains("castellan castellan 127.0.0.1");
        if let Some(one) = descendants(self.pid()).into_iter().find(serves) {
            let _ = kill_process(Pid::from_raw(one.pid.try_into().unwrap()).unwrap(), Signal::KILL); // it may have ended
        }
    }

    /// Kills all processes of the cluster.
    pub fn kill(&mut self) {
        let below = descendants(self.pid());
        let mut postmaster = self.postmaster.take().expect("it runs");
        postmaster.kill().unwrap();
        postmaster.wait().unwrap();
        for process in below.into_iter().filter(|process| process.is_alive()) {
            let _ = kill_process(Pid::from_raw(process.pid.try_into().unwrap()).unwrap(), Signal::KILL);
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.postmaster.is_some() {
            self.kill();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Returns the folder of the newest PostgreSQL version, or the one in PATH.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<_> = versions.map(|path| path.join("bin")).filter(|bin| bin.join("initdb").is_file()).collect();
    found.sort();
    let in_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .find_map(|folder| folder.join("initdb").canonicalize().ok()?.parent().map(Path::to_owned))
    };
    found.pop().or_else(in_path).expect("PostgreSQL's initdb is needed: run cargo xtask test, which installs it")
}

/// PostgreSQL refuses to run as root.
fn unprivileged(program: &Path) -> Command {
    if !geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]).arg(program).current_dir("/");
    command
}

fn stdout_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
