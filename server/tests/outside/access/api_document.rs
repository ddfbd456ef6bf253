//! OpenAPI document compared with the answers of the running server.
use crate::{
    client::{Credential, Response},
    people::ALL,
    program::Program,
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::ADAM;
use uuid::Uuid;

/// Sends a request and returns its status. Problems have the format and type that the document describes.
async fn status_of(request: RequestBuilder, types: &Value) -> String {
    let response = Response::of(request).await;
    if response.status >= 400 {
        assert_eq!(response.header("content-type"), "application/problem+json", "{response}");
        assert!(types.as_array().unwrap().contains(&response.json()["type"]), "{response}");
    }
    response.status.to_string()
}

/// Every status that each operation can be made to answer with is in the document.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_11_the_server_answers_what_the_document_declares() {
    let mut program = Program::sqlite();
    program.set("CASTELLAN_LIMITS_API_READS", "25/m");
    program.set("CASTELLAN_LIMITS_CHANGES", "25/m");
    program.tenant("acme");
    let adam = program.person(ADAM, "acme");
    let elsewhere = [
        "admin",
        "create-key",
        "--user",
        &adam.email,
        "--name",
        "far",
        "--scopes",
        ALL,
        "--networks",
        "203.0.113.0/24",
    ];
    let (elsewhere, spent) = (program.cli(&elsewhere, ""), program.key(&adam.email, ALL));
    program.start().await;
    let browser = program.sign_in(&adam.email).await;
    let document = program.get(Credential::Anonymous, "/api/v1/openapi.json").await.json();
    let types = &document["components"]["schemas"]["ProblemType"]["enum"];
    for (pattern, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let (is_public, path) =
                (pattern.ends_with("openapi.json"), pattern.replace("{id}", &Uuid::nil().to_string()));
            let to = |path: &str| program.bare(method.to_uppercase().parse::<Method>().unwrap(), path);
            let by = |key: &str| to(&path).bearer_auth(key);
            let key = program.key(&adam.email, ALL);
            let mut requests = vec![
                (401, by(&key).header("cookie", browser.cookie_line())),
                (421, by(&key).header("host", "evil.example")),
                (422, to(&format!("{path}?paint=red")).bearer_auth(&key).json(&json!({}))),
            ];
            if !is_public {
                requests.extend([(401, to(&path)), (401, by("mk_unknown")), (403, by(&elsewhere))]);
            }
            if pattern.contains("{id}") {
                let decision = json!({ "reason": "no", "request_digest": "0".repeat(64) });
                requests.push((404, by(&key).json(&decision)));
            }
            if method == "post" {
                requests.push((413, by(&key).header("content-type", "application/json").body("x".repeat(2_000_000))));
            }
            if operation["requestBody"].is_object() {
                requests.push((400, by(&key).header("content-type", "application/json").body("{")));
                requests.push((415, by(&key).header("content-type", "text/plain").body("{}")));
            }
            let mut answered = BTreeSet::new();
            for (expected, request) in requests {
                let status = status_of(request, types).await;
                assert_eq!(status, expected.to_string(), "{method} {path}");
                answered.insert(status);
            }
            if !is_public {
                for _ in 0..30 {
                    answered.insert(status_of(by(&spent).json(&json!({})), types).await);
                }
                assert!(answered.contains("429"), "{method} {path}: {answered:?}");
            }
            let declared: BTreeSet<_> = operation["responses"].as_object().unwrap().keys().cloned().collect();
            assert!(declared.is_superset(&answered), "{method} {path} answers {answered:?} and declares {declared:?}");
        }
    }
}
