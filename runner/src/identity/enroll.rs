//! Enrollment: exchanges a token and a certificate request for the runner's identity (S-02).

use super::{Identity, IdentityError, PinnedKey, RunnerKey, Token};
use crate::config::{RunnerName, ServerUrl};
use domain::{RunnerId, TenantId};
use reqwest::{Certificate, StatusCode, redirect};
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::Path, time::Duration};

/// The timeout of the whole exchange.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The maximum size of the response in bytes.
const MAX_RESPONSE: usize = 64 << 10;

/// The maximum length of the server's reason in characters.
const MAX_REASON_CHARS: usize = 1_000;

/// The request body; the token is in the header `Authorization: Bearer`.
#[derive(Debug, Serialize)]
struct Request<'a> {
    name: &'a str,
    version: &'a str,
    capabilities: &'a [&'a str],
    csr: String,
}

/// The response body.
#[derive(Debug, Deserialize)]
struct Response {
    runner_id: RunnerId,
    tenant: TenantId,
    certificate: String,
    ca: String,
    runner_endpoint: String,
    grant_public_key: PinnedKey,
    checkpoint_public_key: PinnedKey,
}

/// The server to enroll with.
#[derive(Clone, Copy, Debug)]
pub struct EnrollmentServer<'a> {
    pub server: &'a ServerUrl,
    /// Connect here instead of resolving the server's name.
    pub address: Option<SocketAddr>,
    /// PEM file with authorities in addition to the system's.
    pub authorities: Option<&'a Path>,
}

/// Enrolls with a one-time token.
///
/// # Errors
/// Fails if the server cannot be reached, refuses, or returns an invalid identity.
pub async fn enroll(
    server: EnrollmentServer<'_>,
    token: &Token,
    name: &RunnerName,
    key: &RunnerKey,
) -> Result<Identity, IdentityError> {
    let body = Request {
        name: name.as_str(),
        version: env!("CARGO_PKG_VERSION"),
        capabilities: &crate::work::CAPABILITIES,
        csr: key.certificate_request(name)?,
    };
    let client = client(server)?;
    let sent = client.post(server.server.join("/api/v1/runners/enroll")).bearer_auth(token.expose()).json(&body).send();
    let mut response = sent.await.map_err(|error| IdentityError::Server(chain(&error)))?;
    let status = response.status();
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| IdentityError::Server(chain(&error)))? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MAX_RESPONSE {
            return Err(IdentityError::Server("the response is too long".into()));
        }
    }
    if status != StatusCode::CREATED {
        return Err(IdentityError::Server(refusal(status, &bytes)));
    }
    let response: Response = serde_json::from_slice(&bytes)
        .map_err(|error| IdentityError::Server(format!("the response is not a valid identity: {error}")))?;
    Ok(Identity {
        runner: response.runner_id,
        tenant: response.tenant,
        name: name.as_str().to_owned(),
        endpoint: response.runner_endpoint,
        certificate: response.certificate,
        connection_key: None,
        ca: response.ca,
        grant_key: response.grant_public_key,
        grant_successions: vec![],
        checkpoint_key: response.checkpoint_public_key,
        checkpoint_successions: vec![],
    })
}

fn client(server: EnrollmentServer<'_>) -> Result<reqwest::Client, IdentityError> {
    let mut builder = reqwest::Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none());
    if server.server.is_loopback() || server.address.is_some() {
        builder = builder.no_proxy();
    }
    if let Some(address) = server.address {
        builder = builder.resolve(server.server.host(), address);
    }
    if let Some(path) = server.authorities {
        let unusable = |reason| IdentityError::Authorities { path: path.to_owned(), reason };
        let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let found = Certificate::from_pem_bundle(&pem).map_err(|error| unusable(chain(&error)))?;
        builder = builder.tls_certs_merge(found);
    }
    builder.build().map_err(|error| IdentityError::Server(chain(&error)))
}

/// Returns the status, with the title and detail of a problem document (RFC 9457).
fn refusal(status: StatusCode, body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Problem {
        title: Option<String>,
        detail: Option<String>,
    }
    let problem = serde_json::from_slice(body).map(|Problem { title, detail }| [title, detail]);
    let texts: Vec<_> = problem.into_iter().flatten().flatten().collect();
    // What the server sends can have invisible characters.
    let text: String = domain::text::visible(&texts.join(": ")).take(MAX_REASON_CHARS).collect();
    let comma = if text.is_empty() { "" } else { ", " };
    format!("it returned {}{comma}{text}", status.as_u16())
}

/// Formats an error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_02_a_refusal_names_the_problems_title_and_detail() {
        let refused = |body: &str| refusal(StatusCode::UNPROCESSABLE_ENTITY, body.as_bytes());
        let problem = r#"{"type":"urn:castellan:problem:invalid-value","title":"Invalid value","status":422,"detail":"name: wrong."}"#;
        assert_eq!(refused(problem), "it returned 422, Invalid value: name: wrong.");
        assert_eq!(refused(r#"{"detail":"name: wrong."}"#), "it returned 422, name: wrong.");
        for other in ["", "<html>", "[]", "{}", r#"{"title":1}"#] {
            assert_eq!(refused(other), "it returned 422", "{other}");
        }
        let hostile = format!(r#"{{"title":"\u001b[2Ja","detail":"{}"}}"#, "x".repeat(10_000));
        let text = refused(&hostile);
        assert!(!text.contains('\u{1b}') && text.chars().count() < 1_100, "{text}");
    }
}
