//! OpenAPI document: complete, public, and equal to the copy in `docs`.
use crate::test_env::{Response, TestEnv, on_both};
use axum::body::Body;
use domain::task::SubmissionForm;
use http::Request;
use serde_json::Value;
use server::api;
use std::{collections::BTreeSet, fs, path::PathBuf};

fn document() -> Value {
    serde_json::to_value(api::openapi()).unwrap()
}

/// Returns the method, path and description of every operation.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = vec![];
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    found
}

on_both! {
    async fn the_document_is_public(env) {
        let request = Request::get("/api/v1/openapi.json").body(Body::empty()).unwrap();
        let response = Response::of(env.send(request).await).await;
        assert_eq!((response.status.as_u16(), response.header("content-type")), (200, Some("application/json")));
        assert_eq!(response.json(), document());
    }
}

/// D-11: the documented operations are exactly the routes.
#[tokio::test]
async fn d_11_the_document_describes_exactly_the_routes() {
    let env = TestEnv::sqlite().await;
    let described = operations(&document());
    let table: BTreeSet<_> =
        api::table().into_iter().map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
    assert_eq!(table, described.iter().map(|(method, path, _)| (method.clone(), path.clone())).collect());
    for (method, path, _) in &described {
        for tried in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let request = Request::builder().method(tried).uri(path.replace("{id}", "x")).body(Body::empty()).unwrap();
            let status = env.send(request).await.status();
            let there = described.iter().any(|(method, it, _)| method == tried && it == path);
            // Authentication is checked before anything else; only the document itself is public.
            let responses = if path.ends_with("openapi.json") { 200 } else { 401 };
            assert_eq!(status, if there { responses } else { 405 }, "{tried} {path} ({method})");
        }
    }
    env.end().await;
}

#[test]
fn every_operation_documents_its_purpose_and_its_responses() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    for (method, path, operation) in operations(&document) {
        let open = format!("{method} {path}");
        assert!(operation["summary"].is_string() && operation["description"].is_string(), "{open}");
        assert!(operation["security"].is_array(), "{open}");
        if path.ends_with("openapi.json") {
            continue;
        }
        let mut expected = vec!["401", "403", "422", "503"];
        expected.extend(path.contains("{id}").then_some("404"));
        expected.extend((method == "POST").then_some("409"));
        for status in expected {
            let content = &operation["responses"][status]["content"]["application/problem+json"];
            assert_eq!(content["schema"]["$ref"], "#/components/schemas/Problem", "{open}: {status}");
        }
    }
    let text = document.to_string();
    for part in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name} is referenced but not defined");
    }
}

/// The schema and the deserializer are separate declarations of the same fields.
#[test]
fn the_submission_schema_matches_the_deserializer() {
    let described: BTreeSet<_> =
        document()["components"]["schemas"]["NewTask"]["properties"].as_object().unwrap().keys().cloned().collect();
    let refusal = serde_json::from_str::<SubmissionForm>(r#"{"?":1}"#).unwrap_err().to_string();
    let (_, list) = refusal.split_once("expected one of ").unwrap();
    let read: BTreeSet<_> = list.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(described, read);
    assert_eq!(document()["components"]["schemas"]["NewTask"]["required"], serde_json::json!(["script"]));
    let usual = domain::limits::Limits::default();
    let schema = &document()["components"]["schemas"]["NewTask"]["properties"];
    for (field, value) in serde_json::to_value(usual).unwrap().as_object().unwrap() {
        assert_eq!(&schema[field]["default"], value, "{field}");
    }
}

/// Set `UPDATE=1` to regenerate the file.
#[test]
fn the_document_in_docs_is_up_to_date() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let text = api::openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &text).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == text, "docs/openapi.json is outdated; run this test with UPDATE=1");
}
