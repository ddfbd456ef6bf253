//! Runner and server are killed while tasks run, on both databases: nothing is lost, nothing runs on without a master
//! (D-12, S-09).
mod repeated_crashes;
mod migration;

use std::{collections::BTreeSet, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    client::Who,
    timeouts::until,
    people::Person,
    processes::{Process, descendants, processes_mentioning, runner_of, until_gone},
    program::{Program, on_both},
};

/// Begins, goes on for a while, and ends; long enough to be killed between.
const SCRIPT: &str = "echo begun; sleep 3; echo half; echo done";

/// Somebody whose keys may do everything, in a deployment that runs.
pub async fn begin(program: &mut Program) -> Person {
    program.tenant("acme");
    let adam = program.person("adam", "acme", "admin");
    program.start().await;
    adam
}

/// That the second start of a task is whole: every line, once, and the receipt for it.
async fn ran_again(program: &Program, key: &str, id: &str) {
    let task = program.until_succeeded(key, id).await;
    assert_eq!(task["attempt"], 2, "{task:#}");
    assert_eq!(program.printed(key, id).await, "begun\nhalf\ndone\n");
    let receipt: Value = serde_json::from_str(task["receipt"].as_str().unwrap()).unwrap();
    assert_eq!((&receipt["attempt"], &receipt["task"]), (&2.into(), &id.into()), "{receipt:#}");
}

/// Waits until the task is in the middle of it: everything below the server then, the sandbox included.
async fn asleep(program: &Program, key: &str, task: &str) -> BTreeSet<Process> {
    program.until_printed(key, task, "begun").await;
    until("the task sleeps", async || {
        let below = descendants(program.pid());
        below.iter().any(|process| process.command().starts_with("sleep 3")).then_some(below)
    })
    .await
}

on_both! {
    /// D-12: the server starts the runner again, which has nothing of the task left; the task runs once more.
    async fn d_12_a_runner_that_is_killed_comes_back_and_its_task_runs_again(program) {
        let adam = begin(program).await;
        let task = program.submit(&adam.key, SCRIPT).await;
        let below = asleep(program, &adam.key, &task).await;
        let runner = runner_of(program.pid()).unwrap();
        kill_process(Pid::from_raw(runner.pid.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
        until_gone(&below, Duration::from_secs(5)).await;
        ran_again(program, &adam.key, &task).await;
        assert_ne!(runner_of(program.pid()).unwrap(), runner);
    }

    /// D-12, S-09: no process survives its server, and no word that it gave is forgotten.
    async fn d_12_a_server_that_is_killed_leaves_no_process_and_forgets_nothing(program) {
        let adam = begin(program).await;
        let task = program.submit(&adam.key, SCRIPT).await;
        let below = asleep(program, &adam.key, &task).await;
        let mut acknowledged = vec![];
        for n in 0..5 {
            let body = serde_json::json!({ "script": "true", "title": format!("promise {n}"), "network_policy": "unrestricted" });
            let response = program.post(Who::Key(&adam.key), "/api/v1/tasks", &body).await.is(201).json();
            acknowledged.push(response);
        }
        program.kill();
        until_gone(&below, Duration::from_secs(5)).await;
        let folder = program.data().display().to_string();
        assert_eq!(processes_mentioning(&folder), [], "a process still works on the folder");

        program.start().await;
        for acknowledged_task in &acknowledged {
            let found = program.task(&adam.key, acknowledged_task["id"].as_str().unwrap()).await;
            assert_eq!((&found["state"], &found["request_digest"]), (&acknowledged_task["state"], &acknowledged_task["request_digest"]));
        }
        let submitted = program.audit(&adam.key, Some("task.submit")).await;
        assert_eq!(submitted.len(), 1 + acknowledged.len(), "every promise is in the audit log");
        ran_again(program, &adam.key, &task).await;
    }

    /// D-12: told to stop, the server does not wait for tasks; they run again at the next start.
    async fn d_12_a_server_that_is_told_to_stop_ends_soon_and_its_task_runs_again(program) {
        let adam = begin(program).await;
        let task = program.submit(&adam.key, SCRIPT).await;
        let below = asleep(program, &adam.key, &task).await;
        let mut stream = program.listen(Who::Key(&adam.key), &format!("/api/v1/tasks/{task}/log?follow=1")).await;
        assert_eq!(stream.data_of_next("state").await, "running");
        // The stream ends at once: the door would wait ten seconds for it.
        program.stop(Duration::from_secs(8)).await;
        until_gone(&below, Duration::from_secs(5)).await;
        stream.end().await; // it ended, however
        program.start().await;
        ran_again(program, &adam.key, &task).await;
    }
}
