//! Repeated server crashes while a queue is processed: every task ends once, with one receipt and one audit event.
use super::begin;
use crate::{
    client::Credential,
    program::{Program, on_both},
    timeouts::{DEFAULT_TIMEOUT, until},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::sleep;
use uuid::Uuid;

const TASKS: usize = 20;
const DEATHS: usize = 5;

on_both! {
    /// D-12, S-09: the server is killed five times.
    async fn s_09_twenty_tasks_survive_five_crashes_with_one_receipt_each(program) {
        let adam = begin(program).await;
        let mut tasks = vec![];
        for n in 0..TASKS {
            tasks.push(program.submit(&adam.key, &format!("echo {n} begins; sleep 0.3; echo {n} ends")).await);
        }
        let mut done = BTreeSet::new();
        for life in 1..=DEATHS {
            // Waits for progress between crashes, because a task that loses its runner three times counts as lost.
            done = until("some tasks end", async || {
                let now = succeeded(program, &adam.key).await;
                let connected = program.audit(&adam.key, Some("runner.connect")).await.len() >= life;
                let torn = program.audit(&adam.key, Some("task.release")).await;
                let mended = torn.iter().all(|record| now.contains(&target(record)));
                (connected && mended && (now.len() > done.len() + 1 || now.len() == TASKS)).then_some(now)
            })
            .await;
            let moment = u64::from(Uuid::new_v4().as_bytes()[0]) * 2;
            sleep(Duration::from_millis(moment)).await; // the random time of the crash
            program.kill();
            program.start().await;
        }
        for (n, task) in tasks.iter().enumerate() {
            program.until_succeeded(&adam.key, task).await;
            assert_eq!(program.printed(&adam.key, task).await, format!("{n} begins\n{n} ends\n"));
        }
        let mut ends = BTreeMap::<_, usize>::new();
        for record in program.audit(&adam.key, Some("task.finish")).await {
            *ends.entry(target(&record)).or_default() += 1;
        }
        let once: BTreeMap<_, _> = tasks.into_iter().map(|task| (task, 1)).collect();
        assert_eq!(ends, once, "each task ends exactly once");
        program.stop(DEFAULT_TIMEOUT).await; // signs the log
        let verdict = program.cli(&["audit", "verify"], "");
        assert!(verdict.contains("events verified"), "{verdict}");
    }
}

async fn succeeded(program: &Program, key: &str) -> BTreeSet<String> {
    let list = program.get(Credential::Key(key), "/api/v1/tasks?state=succeeded&limit=200").await.is(200).json();
    list["items"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap().to_owned()).collect()
}

fn target(record: &Value) -> String {
    record["target_id"].as_str().unwrap_or_else(|| panic!("{record:#}")).to_owned()
}
