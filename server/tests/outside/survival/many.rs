//! Many tasks and many deaths: each task ends once, with one receipt, and the audit log knows it.
use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use tokio::time::sleep;
use uuid::Uuid;

use super::begin;
use crate::{
    ask::Who,
    program::{on_both, until},
};

const TASKS: usize = 20;
const DEATHS: usize = 5;

on_both! {
    /// D-12, S-09: the server is killed again and again while it works off a queue.
    async fn s_09_twenty_tasks_and_five_deaths_make_twenty_receipts(program) {
        let adam = begin(program).await;
        let mut tasks = vec![];
        for n in 0..TASKS {
            tasks.push(program.submit(&adam.key, &format!("echo {n} begins; sleep 0.3; echo {n} ends")).await);
        }
        let succeeded = async |program: &crate::program::Program| {
            let list = program.get(Who::Key(&adam.key), "/api/v1/tasks?state=succeeded&limit=200").await.is(200).json();
            list["items"].as_array().unwrap().len()
        };
        let mut done = 0;
        for _ in 0..DEATHS {
            // Every life gets something done, so that no task is killed at all of its three starts.
            done = until("some tasks end", async || Some(succeeded(program).await).filter(|now| *now > done + 1 || *now == TASKS)).await;
            let moment = u64::from(Uuid::new_v4().as_bytes()[0]) * 2;
            sleep(Duration::from_millis(moment)).await; // the random moment of its death
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
        let verdict = program.say(&["audit", "verify"], "");
        assert!(verdict.contains("all as they were written"), "{verdict}");
    }
}

fn target(record: &Value) -> String {
    record["target_id"].as_str().unwrap_or_else(|| panic!("{record:#}")).to_owned()
}
