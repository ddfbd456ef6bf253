//! Runner that is enrolled besides the local ones, as on another machine.
use super::{archive::runner_folder, contents::RUNNER};
use crate::program::Program;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A running runner and the file of its log.
pub struct RemoteRunner(Child, PathBuf);

impl RemoteRunner {
    /// Enrolls a runner with a token and starts it.
    pub fn enroll(program: &Program, token: &str) -> Self {
        let file = program.data().with_file_name("enrollment-token");
        fs::write(&file, token).unwrap();
        let log = log(program);
        let mut command = command(program, &log);
        command.args(["--name", RUNNER, "--server", &program.origin, "--enrollment-token-file"]).arg(file);
        Self(command.spawn().unwrap(), log)
    }

    /// Starts the runner with its identity.
    pub fn start(program: &Program) -> Self {
        let log = log(program);
        Self(command(program, &log).spawn().unwrap(), log)
    }

    /// Stops it with SIGTERM.
    pub fn stop(mut self) {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
        let status = self.0.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for RemoteRunner {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it may have ended
        let _ = self.0.wait();
        if std::thread::panicking() {
            eprintln!("--- the runner's log\n{}---", fs::read_to_string(&self.1).unwrap_or_default());
        }
    }
}

fn log(program: &Program) -> PathBuf {
    program.data().with_file_name("runner.log")
}

fn command(program: &Program, log: &Path) -> Command {
    let runner = Path::new(env!("CARGO_BIN_EXE_castellan")).with_file_name("castellan-runner");
    let log = File::options().append(true).create(true).open(log).unwrap();
    let mut command = program.other_command(&runner);
    command.arg("--data-dir").arg(runner_folder(program)).stdout(Stdio::null()).stderr(log);
    command.arg("--runner-endpoint").arg(format!("127.0.0.1:{}", program.runner_port()));
    command
}
