//! Another process that holds SQLite's write lock: reads continue, and writes wait or fail with a clear error.
use super::{FaultTest, rng::SeededRng, scale::scaled};
use crate::{
    client::{Credential, Response},
    program::Program,
    timeouts::{DEFAULT_TIMEOUT, until_within},
};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// A `sqlite3` process with an open write transaction.
struct Holder(Child);

impl Holder {
    fn of(program: &Program) -> Self {
        let mut child = Command::new("sqlite3")
            .arg(program.data().join("castellan.db"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sqlite3 is needed: run cargo xtask test, which installs it");
        let words = b".timeout 20000\nbegin immediate;\nselect 'held';\n";
        child.stdin.as_mut().unwrap().write_all(words).unwrap();
        let mut message = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut message).unwrap();
        assert_eq!(message, "held\n");
        Self(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_write_lock_blocks_writes_and_nothing_else() {
    let mut program = Program::sqlite();
    let mut rng = SeededRng::of("the lock is held");
    let test = FaultTest::begin(&mut program).await;
    let browser = program.sign_in(&test.adam.email).await;
    for _ in 0..scaled(3, 20) {
        let held = Holder::of(&program);
        sleep(rng.moment(2_000)).await;
        drop(held);
        sleep(rng.moment(300)).await;
    }

    // Longer than the lock timeout.
    let held = Holder::of(&program);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(scaled(8, 60)) {
        for path in ["/tasks", "/"] {
            let started = Instant::now();
            program.get(Credential::Browser(&browser), path).await.is(200);
            assert!(started.elapsed() < Duration::from_secs(3), "{path} waited {:?} for a lock", started.elapsed());
        }
        sleep(Duration::from_millis(200)).await;
    }
    let body = serde_json::json!({ "script": "true" });
    let response: Response = program.post(Credential::Key(&test.adam.key), "/api/v1/tasks", &body).await.is(503);
    assert_eq!(response.header("content-type"), "application/problem+json");
    assert!(response.body.contains("busy") && !response.header("retry-after").is_empty(), "{response}");
    assert!(!response.body.contains("locked"), "{response}");
    let page = program.get(Credential::Browser(&browser), "/tasks").await.is(200);
    assert!(page.body.contains("refused changes at"), "the page reports the problem: {page}");
    drop(held);
    until_within(DEFAULT_TIMEOUT, "the page no longer reports the problem", async || {
        let page = program.get(Credential::Browser(&browser), "/tasks").await.is(200);
        (!page.body.contains("refused changes at")).then_some(())
    })
    .await;
    test.end(&mut program).await;
}
