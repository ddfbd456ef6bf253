//! The same request twenty times at once (S-09).
use std::collections::BTreeSet;

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::{ask::Who, people::begin_as_member, program::on_both};

on_both! {
    /// S-09: one idempotency key makes one task, however many ask for it at the same moment.
    async fn s_09_twenty_posts_with_one_key_make_one_task(program) {
        let mia = begin_as_member(program).await;
        let body = json!({ "script": "echo once" });
        let post = || {
            let request = program.request(Who::Key(&mia.key), Method::POST, "/api/v1/tasks").header("idempotency-key", "nightly-1");
            program.send(Who::Key(&mia.key), request.json(&body))
        };
        let answers = join_all((0..20).map(|_| post())).await;
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        let again = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!((made, again), (1, 19), "{}", answers.iter().map(ToString::to_string).collect::<String>());
        let ids: BTreeSet<_> = answers.iter().map(|answer| answer.json()["id"].to_string()).collect();
        assert_eq!(ids.len(), 1);
        assert!(answers.iter().filter(|answer| answer.status == 200).all(|answer| answer.header("idempotency-replayed") == "true"));

        let other = program.request(Who::Key(&mia.key), Method::POST, "/api/v1/tasks").header("idempotency-key", "nightly-1");
        program.send(Who::Key(&mia.key), other.json(&json!({ "script": "echo twice" }))).await.is(409);
        let list = program.get(Who::Key(&mia.key), "/api/v1/tasks").await.is(200).json();
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
    }

    /// S-09: a form that is sent twenty times makes one task, and leads to it each time.
    async fn s_09_a_form_sent_twenty_times_makes_one_task(program) {
        let mia = begin_as_member(program).await;
        let browser = program.sign_in(&mia.email).await;
        let sent = || program.act(Who::Browser(&browser), "tasks/submit", &[("script", "echo once"), ("once", "the-form-of-this-page")]);
        let answers = join_all((0..20).map(|_| sent())).await;
        let led: BTreeSet<_> = answers.into_iter().map(|answer| answer.is(200).json()["go_to"].to_string()).collect();
        assert_eq!(led.len(), 1, "{led:?}");
    }
}
