//! Sandbox attacks from inside (S-10, traps E1 to E10): real bubblewrap, as root and as an ordinary user.
#![expect(clippy::unwrap_used, clippy::panic, clippy::as_conversions, reason = "tests")]

mod kernel;
mod life;
mod limits;
mod network;
mod posture;
mod users;
mod view;

use runner::sandbox::{Bubblewrap, Config, End, Executor, Job, Limits, Network, Outcome, Running, SCRIPT, Stream};
use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

const MIB: u64 = 1 << 20;

fn config() -> Config {
    Config { tasks: 8, runner: env!("CARGO_BIN_EXE_castellan-runner").into(), ..Config::default() }
}

async fn executor() -> Bubblewrap {
    let executor = Bubblewrap::new(&config()).await;
    executor.posture().fit.clone().unwrap();
    executor
}

/// Returns a job that runs `script` with bash, to be changed before it starts.
fn bash(script: &str) -> Job {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    Job {
        id: format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)),
        argv: vec!["/bin/bash".into(), SCRIPT.into()],
        script: script.into(),
        network: Network::Isolated,
        limits: Limits {
            wall: Duration::from_secs(20),
            memory_bytes: 512 * MIB,
            cpu_millis: 2000,
            processes: 64,
            disk_bytes: 32 * MIB,
        },
        environment: [("HOME", "/work"), ("PATH", "/usr/local/bin:/usr/bin:/bin"), ("LANG", "C.UTF-8")]
            .map(|(name, value)| (name.into(), value.into()))
            .to_vec(),
    }
}

/// Returns a job that runs `script` with Python.
fn python(script: &str) -> Job {
    Job { argv: vec!["/usr/bin/python3".into(), SCRIPT.into()], ..bash(script) }
}

/// The output of a job, and how it ended.
#[derive(Debug)]
struct JobResult {
    out: Vec<u8>,
    err: Vec<u8>,
    outcome: Outcome,
}

impl JobResult {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).trim().to_owned()
    }

    fn errors(&self) -> String {
        String::from_utf8_lossy(&self.err).trim().to_owned()
    }
}

async fn finish(mut running: Running) -> JobResult {
    let (mut out, mut err) = (vec![], vec![]);
    while let Some(chunk) = running.output.recv().await {
        match chunk.stream {
            Stream::Stdout => out.extend_from_slice(&chunk.bytes),
            Stream::Stderr => err.extend_from_slice(&chunk.bytes),
        }
    }
    JobResult { out, err, outcome: running.handle.wait().await }
}

async fn run(job: Job) -> JobResult {
    let executor = executor().await;
    finish(executor.start(job).await.unwrap()).await
}

/// Returns the output of a script that must succeed.
async fn output_of(job: Job) -> String {
    let ran = run(job).await;
    assert_eq!(ran.outcome.end, End::Exited(0), "{}\n{}", ran.text(), ran.errors());
    ran.text()
}

/// Returns the machine's processes whose command line contains `text`.
fn processes_with(text: &str) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|pid: &u32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        *pid != std::process::id() && String::from_utf8_lossy(&words).replace('\0', " ").contains(text)
    })
    .collect()
}

/// Returns a command that sleeps longer than any test, with a unique command line.
fn nap(seconds: u32, program: u32) -> String {
    format!("sleep {seconds}.{program:07}")
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..250 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

fn root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Returns a command that runs one test of this program with `PART` set.
fn play(part: &str, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["--exact", part, "--nocapture"]).env(PART, part);
    command
}

const PART: &str = "CASTELLAN_TEST_PART";

fn plays(part: &str) -> bool {
    std::env::var(PART).is_ok_and(|played| played == part)
}

/// Copies a program in another process: if this process wrote it, a test that forks meanwhile would keep it open for
/// writing.
fn install(from: &Path, to: &Path) {
    assert!(Command::new("cp").args([from, to]).status().unwrap().success());
}

/// An id that no account of the machine has.
const ORDINARY_USER: u32 = 64_321;

/// As root, every test of this program must also pass as an ordinary user without cgroups.
#[test]
fn the_sandbox_is_as_safe_for_an_ordinary_user() {
    if !root() {
        return assert_ne!(rustix::process::geteuid().as_raw(), 0);
    }
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let copy = folder.path().join("tests");
    install(&std::env::current_exe().unwrap(), &copy);
    for path in [folder.path(), &copy] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new(copy);
    std::os::unix::process::CommandExt::uid(&mut command, ORDINARY_USER);
    std::os::unix::process::CommandExt::gid(&mut command, ORDINARY_USER);
    let output = command.current_dir("/").env("TMPDIR", "/tmp").output().unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
