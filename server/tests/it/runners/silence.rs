//! Orderly stops of runners (S-12), whose silence afterwards is no anomaly, and connections that break.

use super::fixture::{Fixture, TestRunner};
use std::time::Duration;
use store::Runner;
use wire::v1::{Stopping, runner_message};

async fn stored(fixture: &Fixture, runner: &TestRunner) -> Runner {
    fixture.app.store.read(&fixture.console).await.unwrap().runner(runner.id).await.unwrap()
}

#[tokio::test]
async fn s_12_a_runner_that_stops_is_recorded_as_stopped_before_its_stream_ends() {
    let fixture = Fixture::start().await;
    let runner = fixture.runner("builder").await;
    let mut stream = runner.connect(1, &[]).await;
    assert!(stored(&fixture, &runner).await.connected);
    stream.send(runner_message::Kind::Stopping(Stopping {}));
    while let Ok(Some(_)) = stream.receive().await {}
    let row = stored(&fixture, &runner).await;
    assert!(row.stopped && !row.connected, "{row:?}");

    let stream = runner.connect(1, &[]).await;
    assert!(!stored(&fixture, &runner).await.stopped, "it was started again");
    drop(stream);
    while stored(&fixture, &runner).await.connected {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!stored(&fixture, &runner).await.stopped, "a broken connection is no stop");
}
