//! Output that cannot be written: a closed pipe ends a command quietly, and a full disk is an error.
use super::failure;
use crate::{
    people::{ALL, start_with_member},
    program::Program,
    timeouts::{DEFAULT_TIMEOUT, until},
};
use std::{
    fs::File,
    io::pipe,
    path::Path,
    process::{Command, Output, Stdio},
};

/// What a shell reports for a program that SIGPIPE ended.
const CLOSED_PIPE: i32 = 141;

const COMMANDS: [&[&str]; 10] = [
    &["admin", "list-keys"],
    &["admin", "list-keys", "--json"],
    &["default-config"],
    &["audit", "verify"],
    &["audit", "verify", "--json"],
    &["doctor"],
    &["dev", "routes"],
    &["admin", "end-sessions"],
    &["--help"],
    &["--version"],
];

/// Returns a pipe that nobody reads.
fn closed_pipe() -> Stdio {
    pipe().unwrap().1.into()
}

fn full_disk() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

fn run(command: &mut Command, stdout: Stdio) -> Output {
    command.stdout(stdout).stderr(Stdio::piped()).output().unwrap()
}

fn runner(arguments: &[&str]) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_castellan")).with_file_name("castellan-runner"));
    command.args(arguments).env_remove("RUST_LOG");
    command
}

async fn signed_deployment() -> Program {
    let mut program = Program::sqlite();
    start_with_member(&mut program).await;
    program.stop(DEFAULT_TIMEOUT).await;
    program
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_bc48_a_closed_pipe_ends_a_command_quietly() {
    let program = signed_deployment().await;
    for arguments in COMMANDS.iter().filter(|arguments| **arguments != ["doctor"]) {
        let output = run(&mut program.command(arguments), closed_pipe());
        assert_eq!((output.status.code(), output.stderr.len()), (Some(CLOSED_PIPE), 0), "{arguments:?}: {output:?}");
    }
    for arguments in [["--check"], ["--help"]] {
        let output = run(&mut runner(&arguments), closed_pipe());
        assert_eq!((output.status.code(), output.stderr.len()), (Some(CLOSED_PIPE), 0), "{arguments:?}: {output:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_bc48_a_full_disk_is_reported() {
    let program = signed_deployment().await;
    for arguments in COMMANDS.iter().filter(|arguments| **arguments != ["doctor"]) {
        let text = failure(&run(&mut program.command(arguments), full_disk()));
        assert!(text.contains("cannot be written") && text.contains("No space left"), "{arguments:?}: {text}");
    }
    let text = failure(&run(&mut runner(&["--check"]), full_disk()));
    assert!(text.contains("No space left"), "{text}");
    // The verdict of these is more important than their output.
    std::fs::remove_file(program.data().join("checkpoints")).unwrap();
    assert_eq!(run(&mut program.command(&["audit", "verify"]), full_disk()).status.code(), Some(3));
    assert!(failure(&run(&mut program.command(&["doctor", "--config", "/nowhere"]), full_disk())).contains("/nowhere"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_x10_a_key_that_cannot_be_printed_is_not_created() {
    let program = signed_deployment().await;
    let create = ["admin", "create-key", "--user", "mia@acme.example", "--name", "unseen", "--scopes", ALL];
    for stdout in [full_disk(), closed_pipe()] {
        assert!(!run(&mut program.command(&create), stdout).status.success());
        assert!(!program.cli(&["admin", "list-keys"], "").contains("unseen"));
    }
    let key = program.cli(&create, "");
    assert!(key.starts_with("mk_") && program.cli(&["admin", "list-keys"], "").contains("unseen"), "{key}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_bc48_errors_are_no_panic_if_nobody_reads_them() {
    let program = signed_deployment().await;
    let status = program
        .command(&["admin", "freeze", "--tenant", "nobody"])
        .stdout(closed_pipe())
        .stderr(closed_pipe())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(runner(&["--slots", "many"]).stderr(closed_pipe()).status().unwrap().code(), Some(CLOSED_PIPE));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_bc48_a_server_works_without_a_reader_of_its_output() {
    let mut program = Program::sqlite();
    program.use_fixed_ports();
    let mut child = program.command(&["serve"]).stdout(closed_pipe()).stderr(closed_pipe()).spawn().unwrap();
    let ready = format!("{}/readyz", program.origin);
    until("the server is ready", async || {
        program.client.get(&ready).send().await.ok()?.status().is_success().then_some(())
    })
    .await;
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
}
