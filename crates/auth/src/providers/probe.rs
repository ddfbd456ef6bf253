//! Provider test: fetches the discovery document for the admin who sets the provider up.
use super::{ConfiguredBy, Fetch, FetchError, Providers, fetch::ProviderClient, oidc};
use crate::{Error, SignIn};
use domain::{
    Actor, ProviderId,
    provider::{Kind, Provider},
};
use http::Request;
use openidconnect::DiscoveryError;

/// The metadata of a provider.
#[derive(Clone, Debug, Default)]
pub struct ProbeResult {
    pub issuer: String,
    /// The authorization endpoint.
    pub authorization: Option<String>,
    /// The token endpoint.
    pub token: Option<String>,
    /// The userinfo endpoint.
    pub userinfo: Option<String>,
    /// The signature algorithms of its ID tokens.
    pub algorithms: Vec<String>,
    /// The number of its signing keys.
    pub keys: usize,
    /// Whether its responses name the issuer (RFC 9207).
    pub names_issuer: bool,
    /// The redirect URI that must be registered with it.
    pub redirect: String,
}

impl SignIn {
    /// Tests a provider of the actor's tenant.
    ///
    /// # Errors
    /// Fails with [`Error::ProbeFailed`] and the cause.
    pub async fn probe(&self, actor: &Actor, provider: ProviderId) -> Result<ProbeResult, Error> {
        self.auth.providers.probe(actor, provider).await
    }
}

impl Providers {
    async fn probe(&self, actor: &Actor, id: ProviderId) -> Result<ProbeResult, Error> {
        let provider = self.store.read(actor).await?.provider(id).await?.provider()?;
        if !self.is_issuer_allowed(&provider) {
            return Err(failed(&FetchError::Address.to_string()));
        }
        let http_client = self.fetch.of(&provider.issuer, self.stored_by());
        let redirect = self.redirect_url(&id.to_string());
        let Some(metadata) = fetch_metadata(&provider, &http_client).await? else {
            return Ok(ProbeResult { issuer: provider.issuer, redirect, ..ProbeResult::default() });
        };
        let algorithms = metadata.id_token_signing_alg_values_supported().iter();
        let algorithms =
            algorithms.filter_map(|algorithm| serde_json::to_value(algorithm).ok()?.as_str().map(str::to_owned));
        Ok(ProbeResult {
            issuer: metadata.issuer().to_string(),
            authorization: Some(metadata.authorization_endpoint().to_string()),
            token: metadata.token_endpoint().map(|url| url.to_string()),
            userinfo: metadata.userinfo_endpoint().map(|url| url.to_string()),
            algorithms: algorithms.collect(),
            keys: metadata.jwks().keys().len(),
            names_issuer: oidc::names_issuer(&metadata),
            redirect,
        })
    }
}

/// Checks for the operator that a provider responds as a sign-in needs it.
///
/// # Errors
/// Fails with [`Error::ProbeFailed`] and the cause.
pub async fn check_provider(provider: &Provider, by: ConfiguredBy) -> Result<(), Error> {
    let http_client = Fetch::new().map_err(|error| failed(&describe(&error)))?.of(&provider.issuer, by);
    fetch_metadata(provider, &http_client).await.map(drop)
}

/// Fetches the discovery document; GitHub has none and only has to respond.
async fn fetch_metadata(provider: &Provider, http_client: &ProviderClient) -> Result<Option<oidc::Metadata>, Error> {
    if provider.kind == Kind::Github {
        let request = Request::get(&provider.issuer).body(vec![]).map_err(|error| failed(&error.to_string()))?;
        http_client.send(request).await.map_err(|error| failed(&describe(&error)))?;
        return Ok(None);
    }
    let metadata = oidc::discover(&provider.issuer, http_client).await.map_err(|error| {
        failed(&match error {
            DiscoveryError::Request(error) => describe(&error),
            DiscoveryError::Response(status, ..) => format!("the provider responded with status {status}"),
            DiscoveryError::Parse(_) => "the response is not an OpenID Connect discovery document".into(),
            other => other.to_string(),
        })
    })?;
    Ok(Some(metadata))
}

/// Returns an error with the cause, shortened and escaped.
fn failed(cause: &str) -> Error {
    let cause: String = cause.chars().take(300).collect();
    Error::ProbeFailed(cause.escape_debug().to_string())
}

fn describe(error: &FetchError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error).and_then(std::error::Error::source);
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}
