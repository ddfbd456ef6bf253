//! Concurrent repetitions of one request (S-09).
use crate::{client::Credential, people::start_with_member, program::on_both};
use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;

on_both! {
    /// S-09: concurrent requests with one idempotency key create one task.
    async fn s_09_twenty_posts_with_one_key_make_one_task(program) {
        let mia = start_with_member(program).await;
        let body = json!({ "script": "echo once" });
        let post = || {
            let request = program.request(Credential::Key(&mia.key), Method::POST, "/api/v1/tasks").header("idempotency-key", "nightly-1");
            program.send(Credential::Key(&mia.key), request.json(&body))
        };
        let responses = join_all((0..20).map(|_| post())).await;
        let made = responses.iter().filter(|response| response.status == 201).count();
        let again = responses.iter().filter(|response| response.status == 200).count();
        assert_eq!((made, again), (1, 19), "{}", responses.iter().map(ToString::to_string).collect::<String>());
        let ids: BTreeSet<_> = responses.iter().map(|response| response.json()["id"].to_string()).collect();
        assert_eq!(ids.len(), 1);
        assert!(responses.iter().filter(|response| response.status == 200).all(|response| response.header("idempotency-replayed") == "true"));

        let other = program.request(Credential::Key(&mia.key), Method::POST, "/api/v1/tasks").header("idempotency-key", "nightly-1");
        program.send(Credential::Key(&mia.key), other.json(&json!({ "script": "echo twice" }))).await.is(409);
        let list = program.get(Credential::Key(&mia.key), "/api/v1/tasks").await.is(200).json();
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
    }

    /// S-09: a form that is submitted twenty times creates one task, and every response leads to it.
    async fn s_09_a_form_sent_twenty_times_makes_one_task(program) {
        let mia = start_with_member(program).await;
        let browser = program.sign_in(&mia.email).await;
        let sent = || program.act(Credential::Browser(&browser), "tasks/submit", &[("script", "echo once"), ("once", "the-form-of-this-page")]);
        let responses = join_all((0..20).map(|_| sent())).await;
        let led: BTreeSet<_> = responses.into_iter().map(|response| response.is(200).json()["go_to"].to_string()).collect();
        assert_eq!(led.len(), 1, "{led:?}");
    }
}
