//! User guide: every console command in it is run against the real program, so that none is misspelled or outdated.
use crate::{
    people::{PASSWORD, console_role, start_with_member},
    program::Program,
    timeouts::DEFAULT_TIMEOUT,
};
use std::{fs, path::Path};
use testkit::{ADAM, Database, MIA, OLGA};

/// The shell commands of the guide that begin with `castellan `, in the order of the documents.
fn commands() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut documents: Vec<_> = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    documents.push(root.join("README.md"));
    documents.sort();
    let mut commands = vec![];
    for document in documents.iter().filter(|document| document.extension().is_some_and(|it| it == "md")) {
        let text = fs::read_to_string(document).unwrap();
        for block in text.split("```sh\n").skip(1) {
            let block = block.split("```").next().unwrap();
            commands.extend(block.lines().filter(|line| line.starts_with("castellan ")).map(str::to_owned));
        }
    }
    commands
}

/// Splits a command into its arguments; the guide quotes with double quotes only.
fn arguments(command: &str) -> Vec<String> {
    let parts = command.split('"').enumerate();
    let words = parts.flat_map(|(number, part)| match number % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.skip(1).collect()
}

/// Starts and stops the server, which signs the audit log.
async fn sign(program: &mut Program) {
    program.start().await;
    program.stop(DEFAULT_TIMEOUT).await;
}

/// Puts back a copy of the database that is older than the last checkpoint.
async fn restore_backup(program: &mut Program) {
    let names = ["castellan.db", "castellan.db-wal"];
    let backup = tempfile::tempdir().unwrap();
    for name in names {
        let _ = fs::copy(program.data().join(name), backup.path().join(name)); // the second file need not exist
    }
    program.cli(&["admin", "freeze"], "");
    program.cli(&["admin", "unfreeze"], "");
    sign(program).await;
    for name in names {
        let _ = fs::remove_file(program.data().join(name));
        let _ = fs::copy(backup.path().join(name), program.data().join(name));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_of_the_guide_runs() {
    let (mut program, target) = (Program::sqlite(), Database::postgres());
    program.tenant("example");
    for (email, role) in [("you@example.org", ADAM), ("ada@example.org", ADAM), ("owner@example.org", OLGA)] {
        program.cli(
            &["admin", "create-user", "--email", email, "--role", console_role(role), "--password-stdin"],
            PASSWORD,
        );
    }
    program.cli(
        &["admin", "create-user", "--email", "leaves@example.org", "--role", console_role(MIA), "--password-stdin"],
        PASSWORD,
    );
    sign(&mut program).await;
    let checkpoints = program.data().join("checkpoints");
    fs::write(program.data().with_file_name("passphrase.txt"), "tidal copper lantern voyage").unwrap();
    let commands = commands();
    assert!(commands.len() >= 15, "{commands:?}");
    for command in commands.iter().filter(|command| *command != "castellan serve") {
        let member = if command.contains("remove-member") { "leaves@example.org" } else { "you@example.org" };
        let replaced = command
            .replace("you@example.org", member)
            .replace("sqlite:data/castellan.db", &format!("sqlite:{}", program.data().join("castellan.db").display()))
            .replace("postgres://castellan@db.example/castellan", &target.url)
            .replace(" OLD", " example")
            .replace(" NEW", " Renamed")
            .replace(" NAME", " Renamed")
            .replace(" FILE", &format!(" {}", checkpoints.display()));
        match command {
            restore if restore.starts_with("castellan restore --") => restore_backup(&mut program).await,
            lost if lost.starts_with("castellan audit acknowledge ") => fs::remove_file(&checkpoints).unwrap(),
            _ => {}
        }
        let arguments = arguments(&replaced);
        let output = program.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), "");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The example that verifies a receipt works as it is in the guide, and does not accept another receipt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_14_the_receipt_example_of_the_guide_verifies_a_receipt() {
    let mut program = Program::sqlite();
    let mia = start_with_member(&mut program).await;
    let task = program.submit(&mia.key, "echo hi").await;
    program.until_succeeded(&mia.key, &task).await;
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md")).unwrap();
    let example =
        guide.split("```sh\n").find(|block| block.contains("openssl dgst")).unwrap().split("```").next().unwrap();
    let example =
        example.replace("http://127.0.0.1:9876", &program.origin).replace("/tasks/ID", &format!("/tasks/{task}"));
    let folder = tempfile::tempdir().unwrap();
    let run = |script: &str| {
        let mut shell = std::process::Command::new("sh");
        let output = shell.args(["-ec", script]).env("KEY", &mia.key).current_dir(folder.path()).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (success, text) = run(&example);
    assert!(success && text.contains("Verified OK"), "{text}");
    let altered =
        example.replace("receipt = task[\"receipt\"]", "receipt = task[\"receipt\"].replace(\"exited\", \"signaled\")");
    assert_ne!(altered, example);
    let (success, text) = run(&altered);
    assert!(!success && text.contains("Verification failure"), "{text}");
}
