//! Task output as plain text and as a stream of server-sent events.
use crate::test_env::{Event, EventStream, Response, TenantFixture, TestEnv, on_both};
use axum::body::Body;
use domain::{
    TaskId,
    policy::SetRetention,
    receipt::End,
    request::OutputDigest,
    retention::{RetentionKind, RetentionTimes},
};
use http::Request;
use serde_json::{Value, json};
use std::time::Duration;

async fn follow(env: &TestEnv, key: &str, task: TaskId, last: Option<&str>) -> EventStream {
    EventStream::to(request(env, key, task, last).await)
}

async fn request(env: &TestEnv, key: &str, task: TaskId, last: Option<&str>) -> http::Response<Body> {
    let mut request =
        Request::get(format!("/api/v1/tasks/{task}/log?follow=1")).header("authorization", format!("Bearer {key}"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    env.send(request.body(Body::empty()).unwrap()).await
}

/// Returns the text of the lines after checking that their numbers are consecutive from `first`.
fn texts(events: &[Event], first: i64) -> Vec<String> {
    let lines: Vec<Value> =
        events.iter().filter(|it| it.event == "line").map(|it| serde_json::from_str(&it.data).unwrap()).collect();
    for (number, line) in (first..).zip(&lines) {
        assert_eq!(line["line"], number, "{events:?}");
    }
    lines.iter().map(|line| line["text"].as_str().unwrap().to_owned()).collect()
}

async fn running(env: &TestEnv, tenant: &TenantFixture) -> (String, store::Assignment) {
    let key = env.key(tenant, tenant.mia, "tasks:*").await;
    env.submit(&key, json!({ "script": "true" })).await;
    (key, env.start(tenant).await)
}

on_both! {
    /// S-14: the API returns the bytes that the receipt's output digest covers.
    async fn s_14_the_output_matches_the_receipt(env) {
        let (key, assignment) = running(env, &env.acme).await;
        env.print(&env.acme, &assignment, 1, &["\u{1b}[31mred\u{1b}[0m", "", "<b>"]).await;
        let output = "\u{1b}[31mred\u{1b}[0m\n\n<b>\n";
        env.finish(&env.acme, &assignment, End::Exited(3), output).await;
        let address = format!("/api/v1/tasks/{}", assignment.lease.task);
        let log = env.get(&key, &format!("{address}/log")).await;
        assert_eq!((log.body.as_str(), log.header("content-type")), (output, Some("text/plain; charset=utf-8")));
        let task = env.get(&key, &address).await.json();
        assert_eq!(task["result"], json!({ "outcome": "exited", "exit_code": 3 }));
        assert_eq!((&task["state"], &task["output_lines"], &task["receipt_signature"]), (&json!("failed"), &json!(3), &json!("AQID")));
        let receipt = domain::receipt::Receipt::read(task["receipt"].as_str().unwrap().as_bytes()).unwrap();
        assert_eq!(receipt.output, OutputDigest::of(log.body.as_bytes()));
        assert_eq!(env.get(&key, &format!("{address}/log?attempt=0")).await.body, "");
        env.get(&key, &format!("{address}/log?attempt=2")).await.wrong_field("attempt");
    }

    async fn m_16_deleted_output_is_gone_and_its_task_says_when(env) {
        let (key, assignment) = running(env, &env.acme).await;
        env.print(&env.acme, &assignment, 1, &["one"]).await;
        env.finish(&env.acme, &assignment, End::Exited(0), "one\n").await;
        let times = RetentionTimes::read(|kind| if kind == RetentionKind::PersonalData { "" } else { "7" }).unwrap();
        let console = &env.acme.console;
        env.change(console, async |write| write.set_retention(console.may(SetRetention { times })?).await).await;
        env.advance_clock(Duration::from_hours(8 * 24));
        while env.app.store.system().delete_expired_history(10).await.unwrap() {}
        let address = format!("/api/v1/tasks/{}", assignment.lease.task);
        for query in ["", "?attempt=1", "?attempt=0", "?follow=1"] {
            let problem = env.get(&key, &format!("{address}/log{query}")).await.problem(410);
            assert_eq!(problem["type"], "urn:castellan:problem:output-deleted");
            assert_eq!(problem["detail"], "The output was deleted on 2026-03-09 14:05:09 UTC under the retention policy.");
        }
        let task = env.get(&key, &address).await.json();
        for deleted in ["output_deleted_at", "result_deleted_at"] {
            assert_eq!(task[deleted], "2026-03-09T14:05:09Z");
        }
        assert_eq!((&task["state"], &task["result"], &task["receipt"]), (&json!("succeeded"), &Value::Null, &Value::Null));
        let stranger = env.key(&env.bolt, env.bolt.mia, "tasks:*").await;
        env.get(&stranger, &format!("{address}/log")).await.problem(404);
    }

    async fn a_long_output_is_complete(env) {
        let (key, assignment) = running(env, &env.acme).await;
        let mut output = String::new();
        for batch in 0..150 {
            let lines: Vec<_> = (0..10).map(|line| format!("line {}", batch * 10 + line + 1)).collect();
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            env.print(&env.acme, &assignment, batch * 10 + 1, &lines).await;
            lines.iter().for_each(|line| { output.push_str(line); output.push('\n'); });
        }
        assert_eq!(env.get(&key, &format!("/api/v1/tasks/{}/log", assignment.lease.task)).await.body, output);
        env.finish(&env.acme, &assignment, End::Exited(0), &output).await;
        let events = follow(env, &key, assignment.lease.task, None).await.until("end").await;
        assert_eq!(texts(&events, 1).len(), 1_500);
    }

    /// BC-08: a position beyond the end waits for the next line instead of skipping it, and one that cannot exist is refused.
    async fn case_bc08_a_stream_resumes_at_a_position_that_exists(env) {
        let (key, assignment) = running(env, &env.acme).await;
        let id = assignment.lease.task;
        env.print(&env.acme, &assignment, 1, &["one", "two"]).await;
        let mut ahead = follow(env, &key, id, Some("1.100000")).await;
        assert_eq!(ahead.next().await.unwrap().event, "state");
        env.print(&env.acme, &assignment, 3, &["three"]).await;
        env.finish(&env.acme, &assignment, End::Exited(0), "one\ntwo\nthree\n").await;
        assert_eq!(texts(&ahead.until("end").await, 3), ["three"]);
        for position in ["1.-3", "1.0", "0", "-1"] {
            Response::of(request(env, &key, id, Some(position)).await).await.wrong_field("Last-Event-ID");
        }
    }

    /// BC-09: proxies neither store nor compress a stream.
    async fn case_bc09_a_stream_is_not_to_be_compressed(env) {
        let (key, assignment) = running(env, &env.acme).await;
        let response = request(env, &key, assignment.lease.task, None).await;
        assert_eq!(response.headers()["cache-control"], "no-cache, no-transform");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
    }

    /// D-01: watchers that connect early, late or reconnect while the runner prints.
    async fn d_01_every_watcher_sees_every_line_once_and_in_order(env) {
        let (key, assignment) = running(env, &env.acme).await;
        let id = assignment.lease.task;
        let early = follow(env, &key, id, None).await;
        let (mut early, mut cut) = (early, follow(env, &key, id, None).await);
        let early = async { early.until("end").await };
        // Reads a few events at a time and reconnects with `Last-Event-ID`.
        let cut = async {
            let mut seen = vec![];
            loop {
                for _ in 0..37 {
                    match cut.next().await {
                        Some(event) => seen.push(event),
                        None => return seen,
                    }
                    if seen.last().unwrap().event == "end" {
                        return seen;
                    }
                }
                let last = seen.last().unwrap().id.clone();
                cut = follow(env, &key, id, Some(&last)).await;
            }
        };
        let late = async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            follow(env, &key, id, None).await.until("end").await
        };
        let printing = async {
            let mut output = String::new();
            for number in 1..=300_i64 {
                let line = format!("line {number}");
                env.print(&env.acme, &assignment, number, &[&line]).await;
                output.push_str(&line);
                output.push('\n');
            }
            env.finish(&env.acme, &assignment, End::Exited(0), &output).await;
        };
        let (early, cut, late, ()) = tokio::join!(early, cut, late, printing);
        let expected: Vec<_> = (1..=300).map(|number| format!("line {number}")).collect();
        for events in [early, cut, late] {
            assert_eq!(texts(&events, 1), expected);
            assert_eq!(events.last().unwrap().event, "end");
            assert_eq!(events.last().unwrap().data, "succeeded");
            assert_eq!(events.iter().rfind(|it| it.event == "state").unwrap().data, "succeeded");
        }
    }

    async fn a_new_attempt_begins_at_line_one(env) {
        let (key, assignment) = running(env, &env.acme).await;
        env.print(&env.acme, &assignment, 1, &["one", "two"]).await;
        let mut watcher = follow(env, &key, assignment.lease.task, None).await;
        let mut events = vec![];
        while texts(&events, 1).len() < 2 {
            events.push(watcher.next().await.unwrap());
        }
        let last = events.last().unwrap().id.clone();
        assert_eq!(last, "1.3");
        env.advance_clock(Duration::from_secs(40));
        env.app.store.system().run_due_work().await.unwrap();
        let again = env.start(&env.acme).await;
        env.print(&env.acme, &again, 1, &["uno"]).await;
        env.finish(&env.acme, &again, End::Exited(0), "uno\n").await;
        let mut late = follow(env, &key, assignment.lease.task, Some(&last)).await;
        for rest in [watcher.until("end").await, late.until("end").await] {
            let restart = rest.iter().position(|it| it.event == "attempt").unwrap();
            assert_eq!(rest[restart].data, "2");
            assert_eq!(texts(&rest[restart..], 1), ["uno"]);
            assert!(texts(&rest[..restart], 1).is_empty());
        }
        assert_eq!(env.get(&key, &format!("/api/v1/tasks/{}/log?attempt=1", assignment.lease.task)).await.body, "one\ntwo\n");
    }

    async fn a_watcher_of_a_pending_task_receives_its_end(env) {
        let key = env.key(&env.acme, env.acme.mia, "tasks:*").await;
        let id = env.submit(&key, json!({ "script": "true", "title": "Test", "network_policy": "unrestricted" })).await;
        let mut watcher = follow(env, &key, id, None).await;
        assert_eq!(watcher.next().await.unwrap().data, "awaiting_approval");
        env.post(&key, &format!("/api/v1/tasks/{id}/cancel"), json!({})).await;
        let rest: Vec<_> = watcher.until("end").await.into_iter().map(|it| (it.event, it.data)).collect();
        assert_eq!(rest, [("state".into(), "cancelled".into()), ("end".into(), "cancelled".into())]);
    }

    async fn m_01_a_revoked_key_receives_no_more_events(env) {
        let (key, assignment) = running(env, &env.acme).await;
        let mut watcher = follow(env, &key, assignment.lease.task, None).await;
        assert_eq!(watcher.next().await.unwrap().data, "running");
        let console = &env.acme.console;
        let id = env.app.store.read(console).await.unwrap().keys().await.unwrap()[0].id;
        let revoke = domain::policy::RevokeKey { key: id, owner: env.acme.mia, responsible: None };
        let waiting = tokio::spawn(async move { watcher.next().await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        env.change(console, async |write| write.revoke_key(console.may(revoke)?).await).await;
        let end = tokio::time::timeout(Duration::from_secs(2), waiting).await.expect("it ends within two seconds");
        assert_eq!(end.unwrap(), None);
    }

    async fn streams_per_person_are_limited(env) {
        let (key, assignment) = running(env, &env.acme).await;
        let mut open = vec![];
        for _ in 0..20 {
            open.push(follow(env, &key, assignment.lease.task, None).await);
        }
        let address = format!("/api/v1/tasks/{}/log?follow=1", assignment.lease.task);
        env.get(&key, &address).await.problem(429);
        open.pop();
        follow(env, &key, assignment.lease.task, None).await;
        env.get(&key, &format!("{address}&attempt=1")).await.wrong_field("attempt");
    }
}
