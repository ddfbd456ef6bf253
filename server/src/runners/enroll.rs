//! Runner enrollment: exchanges a one-time token and a certificate request for a certificate (S-01, S-02).

use super::{Shared, convert, date};
use crate::{
    anonymous_log,
    api::{Body, JsonBody},
    authentication::digest,
    http::ClientAddress,
    pki::{Issued, PkiError},
    problem::{FieldError, Problem},
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Extension, State},
    routing::post,
};
use domain::{Actor, EnrollmentId, Invalid, RunnerId, TenantId, Timestamp, security::SecurityEvent};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::EnrolledRunner;
use x509_parser::parse_x509_certificate;

pub(super) const PATH: &str = "/api/v1/runners/enroll";
/// Maximum request size in bytes; a certificate request is less than a tenth of it.
const MAX_REQUEST_BYTES: usize = 64 << 10;

/// Enrollment request; the token is in the header `Authorization: Bearer`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    /// Name of the runner, which must match the token.
    name: String,
    version: String,
    capabilities: Vec<String>,
    /// Certificate signing request in PEM format.
    csr: String,
}

impl Body for Form {
    fn errors(&self) -> Vec<Invalid> {
        vec![] // the values are checked with the token
    }
}

/// Identity of the enrolled runner.
#[derive(Debug, Serialize)]
struct Identity {
    runner_id: RunnerId,
    tenant: TenantId,
    /// Runner certificate in PEM format.
    certificate: String,
    /// CA certificate of the server in PEM format.
    ca: String,
    /// Endpoint of the runner port, as host:port.
    runner_endpoint: String,
    /// Ed25519 public key that verifies grants, 64 hexadecimal digits.
    grant_public_key: String,
    /// Ed25519 public key that verifies checkpoints of the audit log, 64 hexadecimal digits.
    checkpoint_public_key: String,
}

pub(super) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route(PATH, post(enroll))
        .method_not_allowed_fallback(|| async { Problem::wrong_method() })
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(shared)
}

async fn enroll(
    State(shared): State<Arc<Shared>>,
    client: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    form: Result<JsonBody<Form>, Problem>,
) -> Result<(StatusCode, Json<Identity>), Problem> {
    let token = token(&headers).ok_or_else(unknown_token)?;
    let form = form?.accept()?;
    let hash = digest(token);
    // The tenant is found through the token.
    let address = client.map(|Extension(client)| client.0);
    let Some(found) = shared.store().system().enrollment(hash).await? else {
        let (event, reason) = (SecurityEvent::AgentConnectionFailure, "the enrollment token is unknown");
        anonymous_log::refused(event, address, None, "POST /api/v1/runners/enroll", reason);
        return Err(unknown_token());
    };
    let (id, now) = (RunnerId(store::new_id()), shared.store().now());
    let mut actor = Actor::runner(found.tenant_id, id, &convert::sanitize(&form.name), now);
    actor.address = address.map(|address| address.to_string());

    let mut write = shared.store().write(&actor).await?;
    let enrollment = match write.use_enrollment(hash).await {
        Err(store::Error::NotFound) => {
            write.note_refused_enrollment(EnrollmentId(found.id)).await?;
            write.commit().await?;
            return Err(Problem::forbidden("This enrollment token was already used or has expired. Create a new one."));
        }
        used => used?,
    };
    // Errors from here on roll back, so the token stays valid.
    if enrollment.name != form.name {
        return Err(wrong("name", format!("this token is for a runner named {}", enrollment.name)));
    }
    if form.version.contains("PRIVATE KEY") {
        return Err(wrong("version", "it contains a private key, which is no longer secret: create a new key"));
    }
    let capabilities =
        convert::capabilities(&form.capabilities).map_err(|status| wrong("capabilities", status.message()))?;
    let issued = issue(&shared, &form, id, found.tenant_id, now)?;
    write
        .enroll_runner(EnrolledRunner {
            id,
            name: enrollment.name,
            version: convert::sanitize(&form.version),
            capabilities: capabilities.join(","),
            serial: issued.serial.to_string(),
            public_key: public_key(&issued)?,
            expires_at: Timestamp(issued.not_after.unix_timestamp().saturating_mul(1_000_000)),
        })
        .await?;
    write.commit().await?;
    tracing::info!(runner = %id, tenant = %found.tenant_id, "a runner enrolled");
    let identity = Identity {
        runner_id: id,
        tenant: found.tenant_id,
        certificate: issued.pem,
        ca: shared.authority.certificate_pem().to_owned(),
        runner_endpoint: shared.endpoint.clone(),
        grant_public_key: hex::encode(shared.app.keys.grants.public_key()),
        checkpoint_public_key: hex::encode(shared.app.keys.checkpoints.public_key()),
    };
    Ok((StatusCode::CREATED, Json(identity)))
}

/// Returns the bearer token. Only `A-Z`, `a-z`, `0-9`, `_` and `-` are allowed, checked before any use (CVE-2022-36633).
fn token(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let (scheme, token) = line.to_str().ok()?.split_once(' ')?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let valid = scheme.eq_ignore_ascii_case("bearer") && (1..=255).contains(&token.len()) && token.bytes().all(allowed);
    valid.then_some(token)
}

fn unknown_token() -> Problem {
    Problem::unauthorized(
        "The enrollment token is missing or unknown. Create one under Runners and use it within an hour.",
    )
}

/// 422: a field of the body is invalid.
fn wrong(field: &str, reason: impl Into<String>) -> Problem {
    Problem::wrong_fields(vec![FieldError::in_body(Invalid::new(field, reason))])
}

fn issue(shared: &Shared, form: &Form, id: RunnerId, tenant: TenantId, now: Timestamp) -> Result<Issued, Problem> {
    let now = date(now).map_err(|_| Problem::broken())?;
    let issued = shared.authority.issue_runner_certificate(form.csr.as_bytes(), id.0, &form.name, tenant.0, now);
    issued.map_err(|error| match error {
        PkiError::Request(why) => wrong("csr", why),
        error => {
            tracing::error!(%error, "a runner certificate could not be issued");
            Problem::broken()
        }
    })
}

/// Returns the public key of the certificate (SubjectPublicKeyInfo, DER), which verifies receipts.
fn public_key(issued: &Issued) -> Result<Vec<u8>, Problem> {
    let (_, certificate) = parse_x509_certificate(&issued.der).map_err(|_| Problem::broken())?;
    Ok(certificate.public_key().raw.to_vec())
}
