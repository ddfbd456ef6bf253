//! Emergency actions in the browser and at the console (K-09).
use crate::{
    client::{Credential, form},
    people::{PASSWORD, start_with_member},
    processes::{task_processes, until_ended},
    program::on_both,
    timeouts::{until, with_timeout},
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{ADAM, MAX};

/// The longest time until an emergency action takes effect.
const MAX_STOP_DELAY: Duration = Duration::from_secs(1);

/// More tasks than one transaction stops.
const MORE_THAN_ONE_BATCH: usize = store::MAX_TASKS_PER_STOP + 1;

on_both! {
    /// K-09: a lock closes sessions, keys and streams, and prevents sign-in.
    async fn k_09_a_lock_at_the_console_ends_sessions_keys_and_streams(program) {
        let mia = start_with_member(program).await;
        let browser = program.sign_in(&mia.email).await;
        let task = program.submit(&mia.key, "echo begun; sleep 50").await;
        program.until_printed(&mia.key, &task, "begun").await;
        let mut pages = program.listen(Credential::Browser(&browser), "/live?topics=tasks").await;
        let mut output = program.listen(Credential::Key(&mia.key), &format!("/api/v1/tasks/{task}/log?follow=1")).await;
        assert!(output.data_of_next("line").await.contains("begun"));
        program.cli(&["admin", "lock-user", "--user", &mia.email], "");
        with_timeout(MAX_STOP_DELAY, "both streams end", async { tokio::join!(pages.end(), output.end()) }).await;
        program.get(Credential::Key(&mia.key), "/api/v1/me").await.is(401);
        program.get(Credential::Browser(&browser), "/tasks").await.is(303);
        let (out, unknown) = (program.try_sign_in(&mia.email, PASSWORD, &[]).await, program.try_sign_in("x@acme.example", PASSWORD, &[]).await);
        assert_eq!((out.status, unknown.status), (401, 401), "the response does not reveal the lock");
        assert_eq!(program.cli(&["admin", "end-sessions", "--user", &mia.email], ""), "0", "the lock has ended the sessions");
        assert!(program.cli(&["admin", "list-keys", "--user", &mia.email], "").contains("active"), "a lock does not revoke keys");
        program.cli(&["admin", "unlock-user", "--user", &mia.email], "");
        program.get(Credential::Key(&mia.key), "/api/v1/me").await.is(200);
        program.get(Credential::Browser(&browser), "/tasks").await.is(303);
        program.post(Credential::Key(&mia.key), &format!("/api/v1/tasks/{task}/cancel"), &Value::Null).await.is(200);
    }

    /// K-09: a frozen tenant is read-only; the kill switch ends running tasks with all their processes.
    async fn k_09_freeze_and_kill_switch_work_at_the_console(program) {
        let mia = start_with_member(program).await;
        let before = program.submit(&mia.key, "true").await;
        program.until_succeeded(&mia.key, &before).await;
        let idle = task_processes(program.pid());
        let task = program.submit(&mia.key, "sleep 50 & echo begun; sleep 51; wait").await;
        program.until_printed(&mia.key, &task, "begun").await;
        let running = &task_processes(program.pid()) - &idle;
        assert!(!running.is_empty());
        program.cli(&["admin", "freeze"], "");
        let refused = program.post(Credential::Key(&mia.key), "/api/v1/tasks", &json!({ "script": "true" })).await.is(409);
        assert!(refused.body.contains("frozen"), "{refused}");
        program.get(Credential::Key(&mia.key), "/api/v1/tasks").await.is(200);
        assert_eq!(program.cli(&["admin", "stop-tasks"], ""), "1");
        until_ended(&running, Duration::from_secs(5)).await;
        until("the task is cancelled", async || {
            let task = program.get(Credential::Key(&mia.key), &format!("/api/v1/tasks/{task}")).await.is(200).json();
            (task["state"] == "cancelled").then_some(())
        })
        .await;
        program.cli(&["admin", "unfreeze"], "");
        let next = program.submit(&mia.key, "true").await;
        program.until_succeeded(&mia.key, &next).await;
    }

    /// K-09: everyone except the acting admin is signed out; every page shows the freeze.
    async fn k_09_emergency_actions_work_in_the_browser(program) {
        let mia = start_with_member(program).await;
        let adam = program.person(ADAM, "acme");
        let (hers, his) = (program.sign_in(&mia.email).await, program.sign_in(&adam.email).await);
        program.act(Credential::Browser(&hers), "emergency/freeze", &[]).await.is(403);
        program.act(Credential::Browser(&his), "emergency/freeze", &[]).await.is(200);
        let page = program.get(Credential::Browser(&hers), "/tasks").await.is(200);
        assert!(page.body.contains("This tenant is frozen"), "{page}");
        let fields = form(&[("name", "Lab"), ("_page", "/organizations/new")]);
        let made = program.action(Credential::Browser(&his), "organizations/create", "text/html", &fields);
        let made = program.send(Credential::Browser(&his), made).await.is(409);
        assert!(made.body.contains("until an admin ends the freeze"), "{made}");
        program.act(Credential::Browser(&his), "emergency/unfreeze", &[]).await.is(200);
        let mut stream = program.listen(Credential::Browser(&hers), "/live?topics=tasks").await;
        program.act(Credential::Browser(&his), "emergency/end-sessions", &[]).await.is(200);
        with_timeout(MAX_STOP_DELAY, "her stream ends", stream.end()).await;
        assert!(!program.is_signed_in(&hers.cookie()).await && program.is_signed_in(&his.cookie()).await);
    }

    /// K-09: the sessions and streams of one person end; keys and other people are unaffected.
    async fn k_09_the_console_ends_the_sessions_of_one_person_only(program) {
        let mia = start_with_member(program).await;
        let max = program.person(MAX, "acme");
        let (one, two) = (program.sign_in(&mia.email).await, program.sign_in(&mia.email).await);
        let his = program.sign_in(&max.email).await;
        let mut hers = program.listen(Credential::Browser(&one), "/live?topics=tasks").await;
        let mut other = program.listen(Credential::Browser(&his), "/live?topics=tasks").await;
        assert_eq!(program.cli(&["admin", "end-sessions", "--user", &mia.email], ""), "2");
        with_timeout(MAX_STOP_DELAY, "her stream ends", hers.end()).await;
        for browser in [&one, &two] {
            assert!(!program.is_signed_in(&browser.cookie()).await);
        }
        program.get(Credential::Key(&mia.key), "/api/v1/me").await.is(200);
        assert!(program.is_signed_in(&his.cookie()).await);
        let task = program.submit(&max.key, "true").await;
        // Changes at the console are published as a wildcard event, which may be merged with this one.
        while !["*", &task].contains(&other.data_of_next("tasks").await.as_str()) {}
        program.sign_in(&mia.email).await;
    }

    /// K-09: all keys of a person and their streams end; sessions and other keys are unaffected.
    async fn k_09_all_keys_of_one_person_end_with_their_streams(program) {
        let mia = start_with_member(program).await;
        let adam = program.person(ADAM, "acme");
        let second = program.key(&mia.email, "tasks:read");
        let (hers, his) = (program.sign_in(&mia.email).await, program.sign_in(&adam.email).await);
        let task = program.submit(&mia.key, "echo begun; sleep 50").await;
        program.until_printed(&mia.key, &task, "begun").await;
        let mut streams = vec![];
        for key in [&mia.key, &second, &adam.key] {
            let mut stream = program.listen(Credential::Key(key), &format!("/api/v1/tasks/{task}/log?follow=1")).await;
            assert!(stream.data_of_next("line").await.contains("begun"));
            streams.push(stream);
        }
        let mut others = streams.pop().unwrap();
        program.act(Credential::Browser(&hers), "keys/revoke-all", &[("owner", &adam.id)]).await.is(404);
        program.act(Credential::Browser(&his), "keys/revoke-all", &[("owner", &mia.id)]).await.is(200);
        for stream in &mut streams {
            with_timeout(MAX_STOP_DELAY, "a stream of a revoked key ends", stream.end()).await;
        }
        for key in [&mia.key, &second] {
            program.get(Credential::Key(key), "/api/v1/me").await.is(401);
        }
        assert!(program.is_signed_in(&hers.cookie()).await);
        program.post(Credential::Browser(&hers), &format!("/api/v1/tasks/{task}/cancel"), &Value::Null).await.is(401);
        program.act(Credential::Browser(&hers), "tasks/cancel", &[("id", &task)]).await.is(200);
        assert_eq!(others.data_of_next("end").await, "cancelled", "the admin's stream receives the end");
    }

    /// K-09: the kill switch repeats its transaction until no task is left.
    async fn k_09_the_kill_switch_stops_more_tasks_than_one_transaction(program) {
        program.lift_rate_limits();
        let mia = start_with_member(program).await;
        let adam = program.person(ADAM, "acme");
        let his = program.sign_in(&adam.email).await;
        let program = &*program;
        let submit = async || {
            let asks = json!({ "script": "true", "title": "Test", "network_policy": "unrestricted" });
            let all = (0..MORE_THAN_ONE_BATCH).map(|_| program.submit_as(&mia.key, asks.clone()));
            assert_eq!(stream::iter(all).buffer_unordered(8).count().await, MORE_THAN_ONE_BATCH);
        };
        let counted = async |state: &str| {
            let (mut found, mut after) = (0, String::new());
            loop {
                let list = format!("/api/v1/tasks?state={state}&limit=200{after}");
                let page = program.get(Credential::Key(&adam.key), &list).await.is(200).json();
                found += page["items"].as_array().unwrap().len();
                match page["next"].as_str() {
                    Some(next) => after = format!("&after={next}"),
                    None => return found,
                }
            }
        };
        submit().await;
        assert_eq!(counted("awaiting_approval").await, MORE_THAN_ONE_BATCH);
        program.act(Credential::Browser(&his), "emergency/stop-tasks", &[]).await.is(200);
        assert_eq!((counted("awaiting_approval").await, counted("cancelled").await), (0, MORE_THAN_ONE_BATCH));
        submit().await;
        assert_eq!(program.cli(&["admin", "stop-tasks"], ""), MORE_THAN_ONE_BATCH.to_string());
        assert_eq!((counted("awaiting_approval").await, counted("cancelled").await), (0, 2 * MORE_THAN_ONE_BATCH));
    }
}
