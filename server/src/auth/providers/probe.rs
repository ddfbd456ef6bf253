//! Trying a provider out: what discovery says, for the admin who sets it up.
use super::{FetchError, Providers, oidc};
use app::{
    door::Findings,
    outcome::{Kind as Refused, Refusal},
};
use domain::{Actor, ProviderId, provider::Kind};
use http::Request;
use openidconnect::DiscoveryError;

impl Providers {
    /// Asks a provider of the actor's own tenant what it is.
    ///
    /// # Errors
    /// What is wrong with it; whoever sets it up may read what the provider itself says of that.
    pub async fn probe(&self, actor: &Actor, id: ProviderId) -> Result<Findings, Refusal> {
        let provider = self.app.store.read(actor).await?.provider(id).await?.provider()?;
        if !self.may_be_there(&provider) {
            return Err(wrong(&FetchError::Address.to_string()));
        }
        let asker = self.fetch.of(&provider.issuer);
        let redirect = self.redirect(&id.to_string());
        if provider.kind == Kind::Github {
            let request = Request::get(&provider.issuer).body(vec![]).map_err(|error| wrong(&error.to_string()))?;
            asker.ask(request).await.map_err(|error| wrong(&unanswered(&error)))?;
            return Ok(Findings { issuer: provider.issuer, redirect, ..Findings::default() });
        }
        let metadata = oidc::discover(&provider.issuer, &asker).await.map_err(|error| {
            wrong(&match error {
                DiscoveryError::Request(error) => unanswered(&error),
                DiscoveryError::Response(status, ..) => format!("its answer has the status {status}"),
                DiscoveryError::Parse(_) => "its answer is no description of an OpenID Connect provider".into(),
                other => other.to_string(),
            })
        })?;
        let algorithms = metadata.id_token_signing_alg_values_supported().iter();
        let algorithms =
            algorithms.filter_map(|algorithm| serde_json::to_value(algorithm).ok()?.as_str().map(str::to_owned));
        Ok(Findings {
            issuer: metadata.issuer().to_string(),
            authorization: Some(metadata.authorization_endpoint().to_string()),
            token: metadata.token_endpoint().map(|url| url.to_string()),
            userinfo: metadata.userinfo_endpoint().map(|url| url.to_string()),
            algorithms: algorithms.collect(),
            keys: metadata.jwks().keys().len(),
            names_itself: oidc::names_itself(&metadata),
            redirect,
        })
    }
}

/// A refusal with the cause, in which nothing can hide.
fn wrong(cause: &str) -> Refusal {
    let cause: String = cause.chars().take(300).collect();
    Refusal::new(Refused::Invalid, app::login::trouble::probe_failed(&cause.escape_debug().to_string()))
}

fn unanswered(error: &FetchError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error).and_then(std::error::Error::source);
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}
