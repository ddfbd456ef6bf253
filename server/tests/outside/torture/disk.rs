//! Full disk (D-12): unsaved changes are not acknowledged, pages show the problem, and work continues when there is
//! space.
use super::{FaultTest, scale::scaled};
use crate::{
    client::Credential,
    program::Program,
    timeouts::{DEFAULT_TIMEOUT, until_within},
};
use rustix::process::geteuid;
use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// A small tmpfs in its own mount namespace, which ends with its last process.
struct Disk {
    holder: Child,
    _open: ChildStdin,
    folder: String,
}

impl Disk {
    /// Mounts the disk at the deployment's data folder.
    fn under(program: &mut Program, mebibytes: u32) -> Self {
        let folder = program.data().display().to_string();
        std::fs::create_dir(&folder).unwrap();
        // Without root, the mount needs a user namespace.
        let apart: &[&str] = if geteuid().is_root() { &[] } else { &["--user", "--map-current-user", "--keep-caps"] };
        let mut holder = Command::new("unshare")
            .args(apart)
            .args(["--mount", "--propagation", "private", "sh", "-ec"])
            .arg("mount -t tmpfs -o size=$SIZE,mode=0700 disk \"$FOLDER\"; echo ready; cat >/dev/null")
            // The environment, not the arguments: a command line with the folder's name would count as a leftover
            // process.
            .envs([("SIZE", format!("{mebibytes}m")), ("FOLDER", folder.clone())])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare is needed, which comes with util-linux");
        let mut message = String::new();
        BufReader::new(holder.stdout.as_mut().unwrap()).read_line(&mut message).unwrap();
        assert_eq!(message, "ready\n", "a disk can be mounted");
        let open = holder.stdin.take().unwrap();
        let disk = Self { holder, _open: open, folder };
        program.run_commands_within(&disk.enter().iter().map(String::as_str).collect::<Vec<_>>());
        program.set_visible_data_dir(format!("/proc/{}/root{}", disk.holder.id(), disk.folder).into());
        disk
    }

    /// Returns the command prefix that enters the namespace.
    fn enter(&self) -> Vec<String> {
        let holder = self.holder.id().to_string();
        let apart: &[&str] = if geteuid().is_root() { &[] } else { &["--user", "--preserve-credentials"] };
        let words = ["nsenter", "--target", &holder, "--mount"].into_iter().chain(apart.iter().copied());
        words.map(str::to_owned).collect()
    }

    fn shell(&self, command: &str) {
        let enter = self.enter();
        let mut shell = Command::new(&enter[0]);
        shell.args(&enter[1..]).args(["sh", "-c", command, "sh", &self.folder]).stderr(Stdio::null());
        shell.status().unwrap(); // fails as intended: the disk is full
    }

    /// Fills the disk to the last byte.
    fn fill(&self) {
        self.shell("cat /dev/zero > \"$1/filler\"; cat /dev/zero >> \"$1/filler\"");
    }

    fn free(&self) {
        self.shell("rm \"$1/filler\"");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_a_full_disk_is_reported_and_no_acknowledged_task_is_lost() {
    let mut program = Program::sqlite();
    let disk = Disk::under(&mut program, scaled(48, 256));
    let test = FaultTest::begin(&mut program).await;
    let (browser, key) = (program.sign_in(&test.adam.email).await, test.adam.key.clone());
    for _ in 0..scaled(2, 3) {
        let before = test.load.acknowledged();
        until_within(DEFAULT_TIMEOUT, "tasks are taken", async || {
            (test.load.acknowledged() > before + 5).then_some(())
        })
        .await;
        disk.fill();
        let body = serde_json::json!({ "script": format!(": {}", "x".repeat(200_000)) });
        let refused = until_within(DEFAULT_TIMEOUT, "a task is not taken", async || {
            let response = program.post(Credential::Key(&key), "/api/v1/tasks", &body).await;
            if response.status == 201 {
                test.load.record_acknowledged(&response.json(), "");
                return None;
            }
            assert_eq!(response.status, 503, "{response}");
            // A group commit may fail because of another request.
            response.body.contains("disk").then_some(response)
        })
        .await;
        assert!(!refused.header("retry-after").is_empty(), "{refused}");
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(scaled(4, 60)) {
            let page = program.get(Credential::Browser(&browser), "/tasks").await.is(200);
            assert!(page.body.contains("disk is full"), "the page reports the problem: {page}");
            let ready = program.get(Credential::Anonymous, "/readyz").await;
            assert!(ready.status == 503 && ready.body.contains("disk"), "{ready}");
            program.get(Credential::Anonymous, "/healthz").await.is(200);
            sleep(Duration::from_millis(300)).await;
        }
        disk.free();
        until_within(DEFAULT_TIMEOUT, "it is ready again", async || {
            (program.get(Credential::Anonymous, "/readyz").await.status == 200).then_some(())
        })
        .await;
        let page = program.get(Credential::Browser(&browser), "/tasks").await.is(200);
        assert!(!page.body.contains("disk is full"), "the problem is resolved: {page}");
    }
    test.end(&mut program).await;
}
