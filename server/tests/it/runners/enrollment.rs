//! Runner enrollment with single-use tokens.

use super::fixture::{Fixture, form};
use http::StatusCode;
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384};
use serde_json::json;

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap()
}

/// S-01, S-02.
#[tokio::test]
async fn s_01_a_token_enrolls_one_runner_and_a_second_use_is_audited() {
    let fixture = Fixture::start().await;
    let token = format!("Bearer {}", fixture.token("builder").await);
    let (status, identity) = fixture.post(&token, &form("builder", &key())).await;
    assert_eq!(status, StatusCode::CREATED);
    assert!(identity["certificate"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE"));
    assert!(identity["ca"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE"));

    let (status, problem) = fixture.post(&token, &form("builder", &key())).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{problem}");
    assert_eq!(fixture.refusals("runner.enroll").await, 1);
    let runners = fixture.app.store.read(&fixture.console).await.unwrap().runners().await.unwrap();
    assert_eq!(runners.len(), 1);
    assert_eq!((runners[0].name.as_str(), runners[0].version.as_str()), ("builder", "1.2.3"));
}

#[tokio::test]
async fn unknown_tokens_are_refused() {
    let fixture = Fixture::start().await;
    for authorization in ["Bearer reg_unknown", "Bearer", "Bearer ", "Basic reg_x", "Bearer a b", "Bearer $(id)"] {
        let (status, _) = fixture.post(authorization, &form("builder", &key())).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{authorization}");
    }
}

/// An invalid request does not use up the token.
#[tokio::test]
async fn a_refused_request_does_not_use_up_the_token() {
    let fixture = Fixture::start().await;
    let token = format!("Bearer {}", fixture.token("builder").await);
    let mut garbled = form("builder", &key());
    garbled["csr"] = json!("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n");
    let mut request = form("builder", &key());
    request["tenant"] = json!("00000000-0000-0000-0000-000000000000");
    let mut able = form("builder", &key());
    able["capabilities"] = json!(["bash; rm -rf /"]);
    for (body, expected) in [
        (garbled, StatusCode::UNPROCESSABLE_ENTITY),
        (form("another-name", &key()), StatusCode::UNPROCESSABLE_ENTITY),
        (able, StatusCode::UNPROCESSABLE_ENTITY),
        (request, StatusCode::UNPROCESSABLE_ENTITY),
        (json!({}), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let (status, problem) = fixture.post(&token, &body).await;
        assert_eq!(status, expected, "{problem}");
    }
    assert_eq!(fixture.post(&token, &form("builder", &key())).await.0, StatusCode::CREATED);
}

/// The same problem documents as those of the API (RFC 9457).
#[tokio::test]
async fn s_02_refusals_of_an_enrollment_are_problem_documents() {
    let fixture = Fixture::start().await;
    let token = format!("Bearer {}", fixture.token("builder").await);
    let other_name = form("another-name", &key());
    let (status, problem) = fixture.post(&token, &other_name).await;
    let wanted = json!({
        "type": "urn:castellan:problem:invalid-value", "title": "Invalid value", "status": 422,
        "detail": "name: this token is for a runner named builder.",
        "errors": [{ "field": "name", "pointer": "#/name", "reason": "this token is for a runner named builder" }],
    });
    assert_eq!((status, problem), (StatusCode::UNPROCESSABLE_ENTITY, wanted));

    let (mut odd, mut incomplete) = (form("builder", &key()), form("builder", &key()));
    (odd["name"], odd["capabilities"], odd["tenant"]) = (json!(1), json!(["bash", 2]), json!("x"));
    incomplete.as_object_mut().unwrap().remove("csr");
    for (body, pointers) in
        [(odd, vec!["#/capabilities/1", "#/name", "#/tenant"]), (incomplete, vec!["#/csr"]), (json!([]), vec![])]
    {
        let (status, problem) = fixture.post(&token, &body).await;
        assert_eq!(
            (status, &problem["title"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("Invalid value")),
            "{problem}"
        );
        let mut found: Vec<_> =
            problem["errors"].as_array().unwrap().iter().filter_map(|e| e["pointer"].as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, pointers, "{problem}");
    }
    for (method, content_type, body, expected) in [
        ("POST", "application/json", "{", StatusCode::BAD_REQUEST),
        ("POST", "text/plain", "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("POST", "application/json", &format!("[{}]", " ".repeat(70_000)), StatusCode::PAYLOAD_TOO_LARGE),
        ("GET", "application/json", "", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let response = fixture.send(method, &token, content_type, body.to_owned()).await;
        assert_eq!(response.status(), expected);
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{expected}");
    }
    let (status, problem) = fixture.post("Bearer reg_unknown", &form("builder", &key())).await;
    assert_eq!((status, &problem["title"]), (StatusCode::UNAUTHORIZED, &json!("Authentication required")));
    assert_eq!(fixture.post(&token, &form("builder", &key())).await.0, StatusCode::CREATED, "the token is still valid");
}

/// S-02: receipts would not distinguish two runners with one key, revoked or not.
#[tokio::test]
async fn s_02_a_key_that_another_runner_has_is_refused() {
    let fixture = Fixture::start().await;
    let first = key();
    let token = format!("Bearer {}", fixture.token("first").await);
    let (status, identity) = fixture.post(&token, &form("first", &first)).await;
    assert_eq!(status, StatusCode::CREATED, "{identity}");
    let token = format!("Bearer {}", fixture.token("second").await);
    for revoked in [false, true] {
        let (status, problem) = fixture.post(&token, &form("second", &first)).await;
        assert_eq!(status, StatusCode::CONFLICT, "{problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains("A runner with this key is already enrolled."),
            "{problem}"
        );
        if !revoked {
            fixture.revoke(domain::RunnerId(identity["runner_id"].as_str().unwrap().parse().unwrap())).await;
        }
    }
    // The token is still valid.
    assert_eq!(fixture.post(&token, &form("second", &key())).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn s_02_a_key_whose_private_half_was_sent_is_refused() {
    let fixture = Fixture::start().await;
    let token = format!("Bearer {}", fixture.token("builder").await);
    let key = key();
    for field in ["csr", "version"] {
        let mut leaking = form("builder", &key);
        leaking[field] = json!(format!("{}{}", leaking[field].as_str().unwrap(), key.serialize_pem()));
        let (status, problem) = fixture.post(&token, &leaking).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {problem}");
        assert!(problem.to_string().contains("contains a private key"), "{field}: {problem}");
        assert!(!problem.to_string().contains("BEGIN"), "the key is not repeated");
    }
    assert_eq!(fixture.post(&token, &form("builder", &self::key())).await.0, StatusCode::CREATED);
}

/// S-13: revoking a runner frees its name.
#[tokio::test]
async fn s_13_a_name_has_one_active_runner() {
    let fixture = Fixture::start().await;
    let first = fixture.runner("builder").await;
    let token = format!("Bearer {}", fixture.token("builder").await);
    assert_eq!(fixture.post(&token, &form("builder", &key())).await.0, StatusCode::CONFLICT);
    fixture.revoke(first.id).await;
    assert_eq!(fixture.post(&token, &form("builder", &key())).await.0, StatusCode::CREATED);
}
