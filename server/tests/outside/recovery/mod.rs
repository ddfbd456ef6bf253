//! Crashes of runner and server while tasks run (D-12, S-09): no task is lost and no process is orphaned.
mod audit_log;
mod checkpoint_key;
mod grant_key;
mod migration;
mod repeated_crashes;

use crate::{
    client::Credential,
    people::Person,
    processes::{Process, descendants, processes_mentioning, runner_of, until_ended},
    program::{Program, on_both},
    timeouts::until,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};
use testkit::ADAM;
use tokio::{io::AsyncWriteExt, net::TcpStream};

/// Runs long enough to be killed in the middle.
const SCRIPT: &str = "echo begun; sleep 3; echo half; echo done";

/// Starts a deployment with one admin.
pub async fn begin(program: &mut Program) -> Person {
    program.tenant("acme");
    let adam = program.person(ADAM, "acme");
    program.start().await;
    adam
}

/// Checks that the second attempt has the complete output and a receipt.
async fn ran_again(program: &Program, key: &str, id: &str) {
    let task = program.until_succeeded(key, id).await;
    assert_eq!(task["attempt"], 2, "{task:#}");
    assert_eq!(program.printed(key, id).await, "begun\nhalf\ndone\n");
    let receipt: Value = serde_json::from_str(task["receipt"].as_str().unwrap()).unwrap();
    assert_eq!((&receipt["attempt"], &receipt["task"]), (&2.into(), &id.into()), "{receipt:#}");
}

/// Waits until the task sleeps and returns all descendants of the server.
async fn asleep(program: &Program, key: &str, task: &str) -> BTreeSet<Process> {
    program.until_printed(key, task, "begun").await;
    until("the task sleeps", async || {
        let below = descendants(program.pid());
        below.iter().any(|process| process.command().starts_with("sleep 3")).then_some(below)
    })
    .await
}

/// Sends a signal to a process.
fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_bc48_sighup_ends_neither_server_nor_runner() {
    let mut program = Program::sqlite();
    let adam = begin(&mut program).await;
    let task = program.submit(&adam.key, "echo begun; sleep 2; echo done").await;
    program.until_printed(&adam.key, &task, "begun").await;
    let runner = runner_of(program.pid()).unwrap();
    signal(program.pid(), Signal::HUP);
    signal(runner.pid, Signal::HUP);
    assert_eq!(program.until_succeeded(&adam.key, &task).await["attempt"], 1);
    assert!(program.server_log().contains("SIGHUP has no effect"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_bc48_a_second_sigterm_waits_for_no_request() {
    let mut program = Program::sqlite();
    let adam = begin(&mut program).await;
    let host = program.origin.trim_start_matches("http://").to_owned();
    let mut socket = TcpStream::connect(&host).await.unwrap();
    let key = &adam.key;
    let request = format!(
        "POST /api/v1/tasks HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{{"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let began = std::time::Instant::now();
    signal(program.pid(), Signal::TERM);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(program.is_running(), "it waits for the request");
    signal(program.pid(), Signal::TERM);
    until("the server has ended", async || (!program.is_running()).then_some(())).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    program.reap();
    program.start().await;
}

on_both! {
    /// D-12: the server restarts the runner, and the task runs again.
    async fn d_12_a_killed_runner_restarts_and_its_task_runs_again(program) {
        let adam = begin(program).await;
        let task = program.submit(&adam.key, SCRIPT).await;
        let below = asleep(program, &adam.key, &task).await;
        let runner = runner_of(program.pid()).unwrap();
        kill_process(Pid::from_raw(runner.pid.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
        until_ended(&below, Duration::from_secs(5)).await;
        ran_again(program, &adam.key, &task).await;
        assert_ne!(runner_of(program.pid()).unwrap(), runner);
    }

    /// D-12, S-09: no process survives the server, and no acknowledged task is lost.
    async fn d_12_a_killed_server_leaves_no_process_and_loses_nothing(program) {
        let adam = begin(program).await;
        let task = program.submit(&adam.key, SCRIPT).await;
        let below = asleep(program, &adam.key, &task).await;
        let mut acknowledged = vec![];
        for n in 0..5 {
            let body = serde_json::json!({ "script": "true", "title": format!("promise {n}"), "network_policy": "unrestricted" });
            let response = program.post(Credential::Key(&adam.key), "/api/v1/tasks", &body).await.is(201).json();
            acknowledged.push(response);
        }
        program.kill();
        until_ended(&below, Duration::from_secs(5)).await;
        let folder = program.data().display().to_string();
        assert_eq!(processes_mentioning(&folder), [], "a process still uses the folder");

        program.start().await;
        for acknowledged_task in &acknowledged {
            let found = program.task(&adam.key, acknowledged_task["id"].as_str().unwrap()).await;
            assert_eq!((&found["state"], &found["request_digest"]), (&acknowledged_task["state"], &acknowledged_task["request_digest"]));
        }
        let submitted = program.audit(&adam.key, Some("task.submit")).await;
        assert_eq!(submitted.len(), 1 + acknowledged.len(), "every acknowledged task is in the audit log");
        ran_again(program, &adam.key, &task).await;
    }

    /// D-12: a graceful shutdown does not wait for tasks, which run again after the next start.
    async fn d_12_a_stopped_server_exits_soon_and_its_task_runs_again(program) {
        let adam = begin(program).await;
        let task = program.submit(&adam.key, SCRIPT).await;
        let below = asleep(program, &adam.key, &task).await;
        let mut stream = program.listen(Credential::Key(&adam.key), &format!("/api/v1/tasks/{task}/log?follow=1")).await;
        assert_eq!(stream.data_of_next("state").await, "running");
        // The server closes streams at once; otherwise the listener would wait ten seconds.
        program.stop(Duration::from_secs(8)).await;
        until_ended(&below, Duration::from_secs(5)).await;
        stream.end().await; // it may have failed
        program.start().await;
        ran_again(program, &adam.key, &task).await;
    }
}
