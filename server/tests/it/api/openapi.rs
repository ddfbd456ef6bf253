//! OpenAPI document: complete, public, and equal to the copy in `docs`.
use crate::test_env::{Response, TestEnv, on_both};
use axum::body::Body;
use domain::task::SubmissionForm;
use http::Request;
use serde_json::Value;
use server::{api, problem_type::ProblemType};
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
        for (status, response) in operation["responses"].as_object().unwrap() {
            let response = match response["$ref"].as_str() {
                Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
                None => response,
            };
            if status.starts_with('2') {
                continue;
            }
            let schema = &response["content"]["application/problem+json"]["schema"];
            assert_eq!(schema["$ref"], "#/components/schemas/Problem", "{open}: {status}");
        }
    }
    let text = document.to_string();
    for part in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name} is referenced but not defined");
    }
}

#[test]
fn generated_clients_get_a_server_and_named_types() {
    let document = document();
    assert_eq!(document["servers"][0]["url"], "/");
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas.iter().filter(|(name, _)| name.ends_with("List")) {
        let item = format!("#/components/schemas/{}", name.trim_end_matches("List"));
        assert_eq!(schema["properties"]["items"]["items"]["$ref"], item, "{name}");
    }
    assert_eq!(schemas.keys().filter(|name| name.ends_with("List")).count(), 4);
    let posture = &schemas["EnrolledRunner"]["properties"]["posture"];
    assert_eq!(posture["oneOf"][0]["$ref"], "#/components/schemas/Posture");
    assert!(
        schemas["TaskDetail"]["properties"]["receipt_signature"]["description"]
            .as_str()
            .unwrap()
            .contains("castellan-receipt-v1")
    );
    let log = &document["paths"]["/api/v1/tasks/{id}/log"]["get"];
    let stream = &log["responses"]["200"]["content"]["text/event-stream"]["schema"];
    assert_eq!(stream["$ref"], "#/components/schemas/LogEvent");
    let events = schemas["LogEvent"]["discriminator"]["mapping"].as_object().unwrap();
    assert_eq!(events.keys().collect::<Vec<_>>(), ["attempt", "end", "incomplete", "line", "state"]);
    let data = &schemas["LineEvent"]["properties"]["data"];
    assert_eq!(
        (&data["contentMediaType"], &data["contentSchema"]["$ref"]),
        (&"application/json".into(), &"#/components/schemas/LogLine".into())
    );
}

/// Every problem type is described in the guide, and only these.
#[test]
fn the_guide_describes_every_problem_type() {
    let guide = fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md")).unwrap();
    let described: BTreeSet<_> =
        guide.lines().filter_map(|line| line.strip_prefix("| `urn:castellan:problem:")?.split('`').next()).collect();
    let known: BTreeSet<_> =
        ProblemType::ALL.iter().map(|kind| kind.urn().trim_start_matches("urn:castellan:problem:")).collect();
    assert_eq!(described, known);
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
