//! Another program holds SQLite's one write lock: reading goes on, writing waits and says so, and nothing is lost.
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{Ordeal, amount::amount, chance::Chance};
use crate::{
    ask::{Answer, Who},
    patience::{PATIENCE, within},
    program::Program,
};

/// `sqlite3` in the middle of a transaction that writes.
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
        let mut said = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "held\n");
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
async fn a_second_process_that_holds_the_write_lock_stops_writing_and_nothing_else() {
    let mut program = Program::sqlite();
    let mut chance = Chance::of("the lock is held");
    let ordeal = Ordeal::begin(&mut program).await;
    let browser = program.sign_in(&ordeal.adam.email).await;
    for _ in 0..amount(3, 20) {
        let held = Holder::of(&program);
        sleep(chance.moment(2_000)).await;
        drop(held);
        sleep(chance.moment(300)).await;
    }

    // For longer than anybody waits for a lock.
    let held = Holder::of(&program);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(amount(8, 60)) {
        for path in ["/tasks", "/"] {
            let asked = Instant::now();
            program.get(Who::Browser(&browser), path).await.is(200);
            assert!(asked.elapsed() < Duration::from_secs(3), "{path} waited {:?} for a lock", asked.elapsed());
        }
        sleep(Duration::from_millis(200)).await;
    }
    let body = serde_json::json!({ "script": "true" });
    let answer: Answer = program.post(Who::Key(&ordeal.adam.key), "/api/v1/tasks", &body).await.is(503);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert!(answer.body.contains("busy") && !answer.header("retry-after").is_empty(), "{answer}");
    assert!(!answer.body.contains("locked"), "{answer}");
    let page = program.get(Who::Browser(&browser), "/tasks").await.is(200);
    assert!(page.body.contains("refused changes at"), "the page says what is wrong: {page}");
    drop(held);
    within(PATIENCE, "the page says so no longer", async || {
        let page = program.get(Who::Browser(&browser), "/tasks").await.is(200);
        (!page.body.contains("refused changes at")).then_some(())
    })
    .await;
    ordeal.end(&mut program).await;
}
