//! Many watch the same task: each hears every line, and nobody else is slowed down.
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{has_not_grown, is_served, open_many, resident};
use crate::{
    ask::{Who, client},
    events::Events,
    patience::soon,
    program::Program,
    torture::amount,
};

/// As many as one person may have open.
const EACH: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_01_a_thousand_watchers_hear_every_line() {
    open_many();
    let mut program = Program::sqlite();
    program.set("CASTELLAN_LIMITS_CONNECTIONS_PER_ADDRESS", "2000");
    program.tenant("acme");
    let mia = program.person("mia", "acme", "member");
    let people: Vec<_> =
        (0..amount(10, 50)).map(|n| program.person(&format!("watcher-{n}"), "acme", "member")).collect();
    program.start().await;
    let browser = program.sign_in(&mia.email).await;
    is_served(&program, &browser).await;
    let before = resident(&program);
    let script = "echo begun; sleep 12; for n in 1 2 3 4 5; do echo line $n; sleep 0.2; done";
    let task =
        program.submit_as(&mia.key, json!({ "script": script, "visibility": "org", "timeout_seconds": 300 })).await;
    program.until_printed(&mia.key, &task, "begun").await;

    let mut streams: Vec<Events> = vec![];
    for person in &people {
        let client = client(1);
        let open = (0..EACH).map(|_| {
            let request = client.get(format!("{}/api/v1/tasks/{task}/log?follow=1", program.origin));
            request.bearer_auth(&person.key).send()
        });
        streams.extend(futures::future::join_all(open).await.into_iter().map(|answer| Events::of(answer.unwrap())));
        // One more than a person may have is refused, and says why.
        let more = program.get(Who::Key(&person.key), &format!("/api/v1/tasks/{task}/log?follow=1")).await.is(429);
        assert!(more.body.contains("open streams"), "{more}");
    }
    is_served(&program, &browser).await;
    let began = Instant::now();
    let hear = streams.into_iter().map(|mut stream| async move {
        let mut lines = vec![];
        for _ in 0..6 {
            let line: serde_json::Value = serde_json::from_str(&stream.hear("line").await).unwrap();
            lines.push(line["text"].as_str().unwrap().to_owned());
        }
        (lines, stream.hear("end").await)
    });
    let heard = soon(Duration::from_mins(2), "all hear all of it", futures::future::join_all(hear)).await;
    println!("{} watchers, {:?}", heard.len(), began.elapsed());
    for (lines, end) in heard {
        assert_eq!(lines, ["begun", "line 1", "line 2", "line 3", "line 4", "line 5"]);
        assert_eq!(end, "succeeded");
    }
    is_served(&program, &browser).await;
    has_not_grown(&program, before, 200);
}
