//! Repeated SIGKILL of the runner or the server while tasks run (D-12, S-09).
use super::{FaultTest, rng::SeededRng, scale::scaled};
use crate::{
    processes::{descendants, runner_of, until_ended},
    program::on_both,
    timeouts::until_within,
};
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;
use tokio::time::sleep;

/// The maximum time until all descendants of a killed process have ended.
const MAX_CLEANUP_TIME: Duration = Duration::from_secs(5);

on_both! {
    /// D-12: some kills hit the server while it starts.
    async fn d_12_the_server_is_killed_repeatedly(program) {
        let mut rng = SeededRng::of("the server is killed");
        let mut test = FaultTest::begin(program).await;
        for _ in 0..scaled(10, 200) {
            sleep(rng.moment(2_000)).await;
            test.note(runner_of(program.pid()));
            let below = descendants(program.pid());
            program.kill();
            until_ended(&below, MAX_CLEANUP_TIME).await;
            if rng.below(4) == 0 {
                program.spawn();
                sleep(rng.moment(500)).await;
                let below = descendants(program.pid());
                program.kill();
                until_ended(&below, MAX_CLEANUP_TIME).await;
            }
            program.start().await;
        }
        test.end(program).await;
    }

    /// D-12: the server restarts the runner each time.
    async fn d_12_the_runner_is_killed_repeatedly(program) {
        let mut rng = SeededRng::of("the runner is killed");
        let mut test = FaultTest::begin(program).await;
        let mut killed = 0;
        while killed < scaled(10, 200) {
            let runner = until_within(Duration::from_secs(45), "there is a runner", async || runner_of(program.pid())).await;
            test.note(Some(runner));
            sleep(rng.moment(2_000)).await;
            let below = descendants(runner.pid);
            // The runner may exit on its own before it has enrolled.
            let hit = kill_process(Pid::from_raw(runner.pid.try_into().unwrap()).unwrap(), Signal::KILL);
            killed += i32::from(hit.is_ok());
            until_ended(&below, MAX_CLEANUP_TIME).await;
        }
        test.end(program).await;
    }
}
