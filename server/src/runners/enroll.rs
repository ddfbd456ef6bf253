//! Enrollment: a one-time token and a certificate request become a runner with a certificate (S-01, S-02).

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Extension, State, rejection::JsonRejection},
    routing::post,
};
use domain::{Actor, EnrollmentId, RunnerId, TenantId, Timestamp, security::SecurityEvent};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use store::EnrolledRunner;
use x509_parser::parse_x509_certificate;

use super::{Shared, date, new_id, words};
use crate::{
    anonymous_log,
    auth::digest,
    http::ClientAddress,
    pki::{Issued, PkiError},
    problem::Problem,
};

/// Where runners enroll.
pub(super) const PATH: &str = "/api/v1/runners/enroll";
/// The largest request, in bytes; a certificate request has less than a tenth of it.
const LARGEST: usize = 64 << 10;

/// What a runner sends; its token is in the header `Authorization: Bearer`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    /// What it is called; the token is for one name.
    name: String,
    version: String,
    capabilities: Vec<String>,
    /// A certificate request, PEM.
    csr: String,
}

/// What a runner becomes.
#[derive(Debug, Serialize)]
struct Identity {
    runner_id: RunnerId,
    tenant: TenantId,
    /// Its certificate, PEM.
    certificate: String,
    /// The authority that the server's certificate comes from, PEM.
    ca: String,
    /// Where it connects to work, as host:port.
    runner_endpoint: String,
    /// The Ed25519 key that every grant is checked with, 64 hexadecimal digits.
    grant_public_key: String,
}

/// The route.
pub(super) fn routes(shared: Arc<Shared>) -> Router {
    Router::new().route(PATH, post(enroll)).layer(DefaultBodyLimit::max(LARGEST)).with_state(shared)
}

async fn enroll(
    State(shared): State<Arc<Shared>>,
    client: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    form: Result<Json<Form>, JsonRejection>,
) -> Result<(StatusCode, Json<Identity>), Problem> {
    let token = token(&headers).ok_or_else(unknown)?;
    let Json(form) = form.map_err(|error| Problem::unreadable(error.body_text()))?;
    let hash = digest(token);
    // The token names no tenant; what it leads to does.
    let address = client.map(|Extension(client)| client.0);
    let Some(place) = shared.store().system().enrollment(hash).await? else {
        let (event, reason) = (SecurityEvent::AgentConnectionFailure, "the enrollment token is unknown");
        anonymous_log::refused(event, address, None, "POST /api/v1/runners/enroll", reason);
        return Err(unknown());
    };
    let (id, now) = (RunnerId(new_id()), shared.store().now());
    let mut actor = Actor::runner(place.tenant_id, id, &words::plain(&form.name), now);
    actor.address = address.map(|address| address.to_string());

    let mut write = shared.store().write(&actor).await?;
    let enrollment = match write.use_enrollment(hash).await {
        Err(store::Error::NotFound) => {
            write.note_refused_enrollment(EnrollmentId(place.id)).await?;
            write.commit().await?;
            return Err(Problem::forbidden("This token was used before, or is too old. Make a new one."));
        }
        found => found?,
    };
    // From here on a refusal leaves the token as it was: nothing is committed.
    if enrollment.name != form.name {
        return Err(Problem::wrong_field("name", format!("this token is for a runner called {}", enrollment.name)));
    }
    let capabilities = words::capabilities(&form.capabilities)
        .map_err(|status| Problem::wrong_field("capabilities", status.message().to_owned()))?;
    let issued = issue(&shared, &form, id, place.tenant_id, now)?;
    write
        .enroll_runner(EnrolledRunner {
            id,
            name: enrollment.name,
            version: words::plain(&form.version),
            capabilities: capabilities.join(","),
            serial: issued.serial.to_string(),
            public_key: public_key(&issued)?,
            expires_at: Timestamp(issued.not_after.unix_timestamp().saturating_mul(1_000_000)),
        })
        .await?;
    write.commit().await?;
    tracing::info!(runner = %id, tenant = %place.tenant_id, "a runner enrolled");
    let identity = Identity {
        runner_id: id,
        tenant: place.tenant_id,
        certificate: issued.pem,
        ca: shared.authority.certificate_pem().to_owned(),
        runner_endpoint: shared.endpoint.clone(),
        grant_public_key: hex::encode(shared.app.keys.grants.public_key()),
    };
    Ok((StatusCode::CREATED, Json(identity)))
}

/// The one token that was shown. It is `A-Z`, `a-z`, `0-9`, `_` and `-`, and is checked before it is used for anything
/// (CVE-2022-36633).
fn token(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let (scheme, token) = line.to_str().ok()?.split_once(' ')?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let good = scheme.eq_ignore_ascii_case("bearer") && (1..=255).contains(&token.len()) && token.bytes().all(plain);
    good.then_some(token)
}

fn unknown() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "An enrollment token is needed", "This token is not known here.")
}

fn issue(shared: &Shared, form: &Form, id: RunnerId, tenant: TenantId, now: Timestamp) -> Result<Issued, Problem> {
    let now = date(now).map_err(|_| Problem::broken())?;
    let issued = shared.authority.issue_runner_certificate(form.csr.as_bytes(), id.0, &form.name, tenant.0, now);
    issued.map_err(|error| match error {
        PkiError::Request(why) => Problem::wrong_field("csr", why),
        error => {
            tracing::error!(%error, "no certificate for a runner");
            Problem::broken()
        }
    })
}

/// The key in the certificate (SubjectPublicKeyInfo, DER): what receipts are checked with.
fn public_key(issued: &Issued) -> Result<Vec<u8>, Problem> {
    let (_, certificate) = parse_x509_certificate(&issued.der).map_err(|_| Problem::broken())?;
    Ok(certificate.public_key().raw.to_vec())
}
