//! Task helpers that use the API.
use crate::{client::Credential, program::Program, timeouts::until};
use serde_json::{Value, json};

impl Program {
    /// Submits an isolated script and returns the task's id.
    pub async fn submit(&self, key: &str, script: &str) -> String {
        self.submit_as(key, json!({ "script": script, "timeout_seconds": 60 })).await
    }

    /// Submits a task and returns its id.
    pub async fn submit_as(&self, key: &str, body: Value) -> String {
        let response = self.post(Credential::Key(key), "/api/v1/tasks", &body).await.is(201);
        response.json()["id"].as_str().unwrap().to_owned()
    }

    /// Returns a task.
    pub async fn task(&self, key: &str, id: &str) -> Value {
        self.get(Credential::Key(key), &format!("/api/v1/tasks/{id}")).await.is(200).json()
    }

    /// Returns the output of the latest attempt so far.
    pub async fn printed(&self, key: &str, id: &str) -> String {
        self.get(Credential::Key(key), &format!("/api/v1/tasks/{id}/log")).await.is(200).body
    }

    /// Waits until the output contains this text.
    pub async fn until_printed(&self, key: &str, id: &str, text: &str) {
        until(text, async || self.printed(key, id).await.contains(text).then_some(())).await;
    }

    /// Waits until the task ends; it must succeed.
    pub async fn until_succeeded(&self, key: &str, id: &str) -> Value {
        let over = ["succeeded", "failed", "cancelled", "timed_out", "denied", "expired", "lost"];
        let task = until("the task ends", async || {
            let task = self.task(key, id).await;
            over.contains(&task["state"].as_str().unwrap()).then_some(task)
        })
        .await;
        assert_eq!(task["state"], "succeeded", "{task:#}");
        assert!(task["receipt"].is_string() && task["receipt_signature"].is_string(), "{task:#}");
        task
    }

    /// Returns the audit events, optionally of one action.
    pub async fn audit(&self, key: &str, action: Option<&str>) -> Vec<Value> {
        let (mut records, mut after) = (vec![], String::new());
        let action = action.map(|action| format!("&action={action}")).unwrap_or_default();
        loop {
            let page =
                self.get(Credential::Key(key), &format!("/api/v1/audit?limit=200{action}{after}")).await.is(200).json();
            records.extend_from_slice(page["items"].as_array().unwrap());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return records,
            }
        }
    }
}
