//! Full disk (D-12): unsaved changes are not acknowledged, pages show the problem, and work continues when there is
//! space.
use super::{FaultTest, scale::scaled};
use crate::{
    client::Credential,
    program::Program,
    small_disk::SmallDisk,
    timeouts::{DEFAULT_TIMEOUT, until_within},
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_a_full_disk_is_reported_and_no_acknowledged_task_is_lost() {
    let mut program = Program::sqlite();
    let disk = SmallDisk::under(&mut program, scaled(48, 256));
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
