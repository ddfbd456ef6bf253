//! PostgreSQL crashes and terminated connections: pages report the outage, and the server recovers by itself.
use super::{FaultTest, cluster::Cluster, rng::SeededRng, scale::scaled};
use crate::{
    client::Credential,
    program::Program,
    timeouts::{until, with_timeout},
};
use std::time::Duration;
use tokio::time::sleep;

/// The longest time until an outage is reported.
const MAX_DETECTION_TIME: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_postgresql_crashes_and_dropped_connections_lose_nothing() {
    let mut rng = SeededRng::of("PostgreSQL is killed");
    let mut cluster = Cluster::start().await;
    let mut program = Program::sqlite();
    program.set("CASTELLAN_DATABASE_URL", &cluster.url());
    let test = FaultTest::begin(&mut program).await;
    let (browser, pid) = (program.sign_in(&test.adam.email).await, program.pid());
    for round in 0..scaled(6, 100) {
        sleep(rng.moment(1_500)).await;
        match round % 3 {
            0 => cluster.cut(),
            1 => cluster.kill_one(),
            _ => {
                cluster.kill();
                let page = until("a page reports the outage", async || {
                    let page = program.get(Credential::Browser(&browser), "/tasks").await;
                    (page.status == 503).then_some(page)
                });
                let page = with_timeout(MAX_DETECTION_TIME, "the outage is reported in time", page).await;
                assert!(page.body.contains("database"), "{page}");
                let ready = program.get(Credential::Anonymous, "/readyz").await.is(503);
                assert!(ready.body.contains("database"), "{ready}");
                let response = program.get(Credential::Key(&test.adam.key), "/api/v1/tasks").await.is(503);
                assert_eq!(response.header("content-type"), "application/problem+json");
                program.get(Credential::Anonymous, "/healthz").await.is(200);
                sleep(rng.moment(1_000)).await;
                cluster.start_again().await;
            }
        }
        until("it is ready again", async || {
            (program.get(Credential::Anonymous, "/readyz").await.status == 200).then_some(())
        })
        .await;
    }
    assert_eq!(program.pid(), pid, "it is the same server");
    test.end(&mut program).await;
}
