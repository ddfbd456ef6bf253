//! Crashes at fsync: server and runner are killed at each call in turn, during the first start and while they work.
use super::{FaultTest, invariants::assert_audit_chain_intact, rng::SeededRng, scale::scaled};
use crate::{
    client::client,
    processes::runner_of,
    program::Program,
    timeouts::{until_within, with_timeout},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use testkit::ADAM;

/// The number of fsync calls per run after which the index starts again at one.
const MAX_FSYNC_INDEX: u32 = 12;

/// Configures the server to be killed at its `n`-th fsync call.
fn kill_at_fsync(program: &mut Program, n: u32) {
    let inject = format!("inject=fsync,fdatasync:signal=SIGKILL:when={n}");
    program.set_launcher(&[
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=fsync,fdatasync",
        "-e",
        &inject,
        "--",
    ]);
}

/// D-12: acknowledged changes exist after the restart; others are complete or absent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_the_server_is_killed_at_every_fsync() {
    let mut rng = SeededRng::of("the server dies at every sync");
    let mut program = Program::sqlite();
    program.set("CASTELLAN_LOCAL_RUNNER_ENABLED", "false");
    // The first start, repeated until it succeeds.
    let mut births = 0;
    loop {
        births += 1;
        assert!(births < 100, "the first start never succeeds");
        kill_at_fsync(&mut program, births.min(6));
        if program.try_start().await {
            program.kill_all();
            break;
        }
    }
    program.tenant("acme");
    let adam = program.person(ADAM, "acme");
    let mut acknowledged_state = AcknowledgedState { key: adam.key, ..AcknowledgedState::default() };
    let (mut depth, mut deaths) = (1, 0);
    while deaths < scaled::<usize>(20, 300) {
        kill_at_fsync(&mut program, depth);
        depth = depth % MAX_FSYNC_INDEX + 1;
        if program.try_start().await {
            acknowledged_state.work_until_it_dies(&program, &mut rng).await;
            program.reap();
        }
        deaths += 1;
    }
    program.set_launcher(&[]);
    program.start().await;
    acknowledged_state.compare(&program).await;
    assert_audit_chain_intact(&program);
    assert!(
        acknowledged_state.tasks.len() * 3 >= deaths,
        "only {} tasks were acknowledged in {deaths} runs",
        acknowledged_state.tasks.len()
    );
    println!("{births} lives until the first start, {deaths} deaths, {} tasks", acknowledged_state.tasks.len());
}

/// D-12: the runner is killed while it saves its identity, its attempts and their output.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_the_runner_is_killed_at_fsync() {
    let mut program = Program::sqlite();
    let spared = program.data().with_file_name("spared");
    // Each run is killed at a random fsync call, until the file exists.
    let when = format!("$(cat {} 2>/dev/null || expr $(od -An -N1 -tu1 /dev/urandom) % 24 + 1)", spared.display());
    program.wrap_runner_command(&format!(
        "exec strace -D -f -qq -o /dev/null -e trace=fsync,fdatasync \
         -e inject=fsync,fdatasync:signal=SIGKILL:when={when} --"
    ));
    let mut test = FaultTest::begin(&mut program).await;
    let (mut lives, mut last) = (0, None);
    while lives < scaled(10, 150) {
        let runner = until_within(Duration::from_secs(45), "there is another runner", async || {
            runner_of(program.pid()).filter(|runner| last != Some(*runner))
        });
        last = Some(runner.await);
        test.note(last);
        lives += 1;
    }
    std::fs::write(spared, "65535").unwrap();
    test.end(&mut program).await;
    println!("{lives} lives of the runner");
}

/// The acknowledged changes and the number of the next task.
#[derive(Default)]
struct AcknowledgedState {
    key: String,
    submitted: u32,
    /// The task id and whether its cancellation was acknowledged, by idempotency key.
    tasks: BTreeMap<String, (String, bool)>,
}

impl AcknowledgedState {
    async fn work_until_it_dies(&mut self, program: &Program, rng: &mut SeededRng) {
        for _ in 0..100 {
            let done = match self.tasks.iter().find(|(_, (_, cancelled))| !cancelled) {
                Some((name, (id, _))) if rng.below(3) == 0 => {
                    let (name, id) = (name.clone(), id.clone());
                    self.cancel(program, &name, &id).await
                }
                _ => self.submit(program).await,
            };
            if done.is_none() {
                return;
            }
        }
        panic!("a hundred changes without the sync that crashes the server");
    }

    /// Submits the next task, with the same idempotency key until it is acknowledged.
    async fn submit(&mut self, program: &Program) -> Option<()> {
        let name = format!("sync-{}", self.submitted);
        let body = json!({ "script": format!("echo {name}") });
        let (status, task) = self.post(program, "/api/v1/tasks", &name, &body).await?;
        assert!(matches!(status, 200 | 201), "{status}: {task:#}");
        self.tasks.insert(name, (task["id"].as_str().unwrap().to_owned(), false));
        self.submitted += 1;
        Some(())
    }

    async fn cancel(&mut self, program: &Program, name: &str, id: &str) -> Option<()> {
        let path = format!("/api/v1/tasks/{id}/cancel");
        let (status, response) = self.post(program, &path, &format!("{name}-cancel"), &Value::Null).await?;
        // 409: an earlier run cancelled the task but could not acknowledge it.
        assert!(matches!(status, 200 | 409), "{status}: {response:#}");
        self.tasks.insert(name.to_owned(), (id.to_owned(), true));
        Some(())
    }

    /// Returns the response, or `None` if the server died before it was complete.
    async fn post(&self, program: &Program, path: &str, name: &str, body: &Value) -> Option<(u16, Value)> {
        let request = client(1).post(format!("{}{path}", program.origin)).bearer_auth(&self.key);
        let request = request.header("idempotency-key", name).json(body);
        let whole = async {
            let response = request.send().await.ok()?;
            let status = response.status().as_u16();
            Some((status, serde_json::from_slice(&response.bytes().await.ok()?).ok()?))
        };
        with_timeout(crate::timeouts::DEFAULT_TIMEOUT, "an answer, or the end of the server", whole).await
    }

    async fn compare(&self, program: &Program) {
        let records = program.audit(&self.key, Some("task.submit")).await;
        // At most the last submitted task may exist without an acknowledgment.
        assert!((0..=1).contains(&(records.len() - self.tasks.len())), "{} records", records.len());
        for (name, (id, cancelled)) in &self.tasks {
            let task = program.task(&self.key, id).await;
            let state = task["state"].as_str().unwrap();
            assert!(state == "cancelled" || (state == "queued" && !cancelled), "{name}: {task:#}");
            let count = records.iter().filter(|record| record["target_id"] == id.as_str()).count();
            assert_eq!(count, 1, "{name} has {count} records");
        }
    }
}
