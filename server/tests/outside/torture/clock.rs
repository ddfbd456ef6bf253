//! Clock jumps of two hours in both directions.
use super::{FaultTest, scale::scaled};
use crate::{
    client::Credential,
    program::Program,
    timeouts::{DEFAULT_TIMEOUT, until_within},
};
use std::{fs, path::Path, time::Duration};
use tokio::time::sleep;

/// A fake clock for the server, and optionally its runner, that is controlled by a file (libfaketime).
struct Clock {
    file: std::path::PathBuf,
}

impl Clock {
    fn of(program: &mut Program, runner_too: bool) -> Self {
        let folder = program.data().parent().unwrap().to_owned();
        let clock = Self { file: folder.join("clock") };
        clock.moved_by("+0");
        let variables = [
            format!("LD_PRELOAD={}", library().display()),
            format!("FAKETIME_TIMESTAMP_FILE={}", clock.file.display()),
            "FAKETIME_NO_CACHE=1".to_owned(),
            // Only the wall clock jumps; the monotonic clock does not.
            "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
            "NO_FAKE_STAT=1".to_owned(),
        ];
        let mut launcher = vec!["env"];
        launcher.extend(variables.iter().map(String::as_str));
        program.set_launcher(&launcher);
        if runner_too {
            program.wrap_runner_command(&format!("exec env {} ", variables.join(" ")));
        }
        clock
    }

    fn moved_by(&self, span: &str) {
        let draft = self.file.with_extension("draft");
        fs::write(&draft, format!("{span}\n")).unwrap();
        fs::rename(draft, &self.file).unwrap();
    }
}

fn library() -> std::path::PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path());
    let mut found = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).filter(|file| Path::is_file(file));
    found.next().expect("libfaketime is needed: run cargo xtask test, which installs it")
}

/// Server and runner share a clock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_clock_jumps_lose_nothing() {
    let mut program = Program::sqlite();
    let clock = Clock::of(&mut program, true);
    jumps(&mut program, &clock).await;
}

/// Only the server's clock jumps, as if the runner were on another machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_different_clocks_of_server_and_runner_lose_nothing() {
    let mut program = Program::sqlite();
    let clock = Clock::of(&mut program, false);
    jumps(&mut program, &clock).await;
}

async fn jumps(program: &mut Program, clock: &Clock) {
    let test = FaultTest::begin(program).await;
    let browser = program.sign_in(&test.adam.email).await;
    for _ in 0..scaled(1, 5) {
        for span in ["+2h", "+0", "-2h", "+0"] {
            let before = test.load.acknowledged();
            clock.moved_by(span);
            sleep(Duration::from_millis(500)).await;
            program.get(Credential::Browser(&browser), "/tasks").await.is(200);
            until_within(DEFAULT_TIMEOUT, &format!("tasks are taken and done at {span}"), async || {
                (test.load.acknowledged() > before + 8).then_some(())
            })
            .await;
        }
    }
    test.end(program).await;
}
