//! A thousand watchers of one task receive every line, and other requests stay fast.
use super::{assert_memory_growth, assert_page_served, raise_descriptor_limit, reset_peak_memory};
use crate::{
    client::{Credential, client},
    events::Events,
    program::Program,
    timeouts::with_timeout,
    torture::scaled,
};
use serde_json::json;
use std::time::Duration;
use testkit::MIA;
use tokio::time::Instant;

/// The maximum number of open streams per person.
const STREAMS_PER_PERSON: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_01_a_thousand_watchers_receive_every_line() {
    raise_descriptor_limit();
    let mut program = Program::sqlite();
    program.set("CASTELLAN_LIMITS_CONNECTIONS_PER_ADDRESS", "2000");
    program.tenant("acme");
    let mia = program.person(MIA, "acme");
    let people: Vec<_> =
        (0..scaled(10, 50)).map(|n| program.person_named(&format!("watcher-{n}"), MIA, "acme")).collect();
    program.start().await;
    let browser = program.sign_in(&mia.email).await;
    assert_page_served(&program, &browser).await;
    let before = reset_peak_memory(&program);
    let script = "echo begun; sleep 12; for n in 1 2 3 4 5; do echo line $n; sleep 0.2; done";
    let task =
        program.submit_as(&mia.key, json!({ "script": script, "visibility": "org", "timeout_seconds": 300 })).await;
    program.until_printed(&mia.key, &task, "begun").await;

    let mut streams: Vec<Events> = vec![];
    for person in &people {
        let client = client(1);
        let open = (0..STREAMS_PER_PERSON).map(|_| {
            let request = client.get(format!("{}/api/v1/tasks/{task}/log?follow=1", program.origin));
            request.bearer_auth(&person.key).send()
        });
        streams.extend(futures::future::join_all(open).await.into_iter().map(|response| Events::of(response.unwrap())));
        // One stream above the limit is rejected with the reason.
        let more =
            program.get(Credential::Key(&person.key), &format!("/api/v1/tasks/{task}/log?follow=1")).await.is(429);
        assert!(more.body.contains("open streams"), "{more}");
    }
    assert_page_served(&program, &browser).await;
    let began = Instant::now();
    let data_of_next = streams.into_iter().map(|mut stream| async move {
        let mut lines = vec![];
        for _ in 0..6 {
            let line: serde_json::Value = serde_json::from_str(&stream.data_of_next("line").await).unwrap();
            lines.push(line["text"].as_str().unwrap().to_owned());
        }
        (lines, stream.data_of_next("end").await)
    });
    let received =
        with_timeout(Duration::from_mins(2), "all watchers receive all lines", futures::future::join_all(data_of_next))
            .await;
    println!("{} watchers, {:?}", received.len(), began.elapsed());
    for (lines, end) in received {
        assert_eq!(lines, ["begun", "line 1", "line 2", "line 3", "line 4", "line 5"]);
        assert_eq!(end, "succeeded");
    }
    assert_page_served(&program, &browser).await;
    assert_memory_growth(&program, before, 200);
}
