//! Clock jumps of two hours in both directions.
use super::{FaultTest, scale::scaled};
use crate::{
    client::Credential,
    fake_clock::FakeClock,
    program::Program,
    timeouts::{DEFAULT_TIMEOUT, until_within},
};
use std::time::Duration;
use tokio::time::sleep;

/// Server and runner share a clock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_clock_jumps_lose_nothing() {
    let mut program = Program::sqlite();
    let clock = FakeClock::install(&mut program, true);
    jumps(&mut program, &clock).await;
}

/// Only the server's clock jumps, as if the runner were on another machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_different_clocks_of_server_and_runner_lose_nothing() {
    let mut program = Program::sqlite();
    let clock = FakeClock::install(&mut program, false);
    jumps(&mut program, &clock).await;
}

async fn jumps(program: &mut Program, clock: &FakeClock) {
    let test = FaultTest::begin(program).await;
    let browser = program.sign_in(&test.adam.email).await;
    for _ in 0..scaled(1, 5) {
        for span in ["+2h", "+0", "-2h", "+0"] {
            let before = test.load.acknowledged();
            clock.move_by(span);
            sleep(Duration::from_millis(500)).await;
            program.get(Credential::Browser(&browser), "/tasks").await.is(200);
            until_within(DEFAULT_TIMEOUT, &format!("tasks are taken and done at {span}"), async || {
                (test.load.acknowledged() > before + 8).then_some(())
            })
            .await;
        }
    }
    test.end(program).await;
}
