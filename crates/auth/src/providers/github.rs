//! GitHub: OAuth 2 and GitHub's own API, because GitHub is not an OpenID Connect issuer.
use super::{
    ActiveProvider, ProviderFailure, Ticket, fetch::ProviderClient, identity::ProvenIdentity, lenient::LenientClient,
};
use domain::{Email, provider::GITHUB};
use http::{Request, StatusCode, header};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, TokenResponse, TokenUrl, basic::BasicClient,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// A GitHub user. The id identifies them, because a login name may pass to someone else.
#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

/// Returns the base URL of the API: a host of its own for github.com, a path of a GitHub Enterprise server.
fn api(issuer: &str) -> String {
    let base = issuer.trim_end_matches('/');
    if base == GITHUB { "https://api.github.com".into() } else { format!("{base}/api/v3") }
}

fn client(provider: &ActiveProvider, redirect: String) -> Result<Client, ProviderFailure> {
    let base = provider.provider.issuer.trim_end_matches('/');
    let (to, from) = (format!("{base}/login/oauth/authorize"), format!("{base}/login/oauth/access_token"));
    let wrong = |_| ProviderFailure::Unreachable;
    Ok(BasicClient::new(ClientId::new(provider.provider.client_id.clone()))
        .set_client_secret(ClientSecret::new(provider.secret.expose_secret().to_owned()))
        .set_auth_uri(AuthUrl::new(to).map_err(wrong)?)
        .set_token_uri(TokenUrl::new(from).map_err(wrong)?)
        .set_redirect_uri(RedirectUrl::new(redirect).map_err(wrong)?))
}

/// Returns the URL that the browser is redirected to.
pub(super) fn authorization_url(
    provider: &ActiveProvider,
    redirect: String,
    ticket: &Ticket,
) -> Result<Url, ProviderFailure> {
    let client = client(provider, redirect)?;
    let verifier = PkceCodeVerifier::new(ticket.verifier.clone());
    let (mut url, _) = client
        .authorize_url(|| CsrfToken::new(ticket.state.clone()))
        .add_scopes(["read:user", "user:email"].map(|scope| Scope::new(scope.into())))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .url();
    if ticket.link_to.is_some() || ticket.reauthenticate {
        // GitHub supports nothing stricter: the person has a session there, and chooses the account.
        url.query_pairs_mut().append_pair("prompt", "select_account");
    }
    Ok(url)
}

/// Exchanges the code for a token, and requests the user from the API.
pub(super) async fn prove(
    provider: &ActiveProvider,
    http_client: &ProviderClient,
    redirect: String,
    ticket: &Ticket,
    code: String,
) -> Result<ProvenIdentity, ProviderFailure> {
    let client = client(provider, redirect)?;
    let verifier = PkceCodeVerifier::new(ticket.verifier.clone());
    let request = client.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(verifier);
    let answer = request.request_async(&LenientClient(http_client)).await.map_err(|error| {
        tracing::warn!(provider = provider.key, error = %error.to_string().escape_debug(), "the provider rejected an authorization code");
        ProviderFailure::Unverified
    })?;
    let token = answer.access_token().secret();
    let api = api(&provider.provider.issuer);
    let user: User = get(http_client, &format!("{api}/user"), token).await?;
    let mut addresses: Vec<Address> = get(http_client, &format!("{api}/user/emails"), token).await?;
    addresses.sort_by_key(|address| !address.primary);
    let verified = addresses.iter().filter(|address| address.verified);
    let mut verified = verified.filter_map(|address| Email::parse(&address.email).ok());
    // An address of an allowed domain is preferred to the primary one.
    let preferred = verified.clone().find(|email| provider.provider.takes(Some(email)));
    Ok(ProvenIdentity {
        issuer: provider.provider.issuer.clone(),
        subject: user.id.to_string(),
        email: preferred.or_else(|| verified.next()),
        name: Some(user.name.filter(|name| !name.trim().is_empty()).unwrap_or(user.login)),
        groups: None,
        // An account with a second factor may have signed in without it.
        second_factor_verified: false,
        authenticated_at: None,
    })
}

async fn get<T: DeserializeOwned>(http_client: &ProviderClient, url: &str, token: &str) -> Result<T, ProviderFailure> {
    let request = Request::get(url)
        .header(header::ACCEPT, "application/vnd.github+json")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(vec![])
        .map_err(|_| ProviderFailure::Unreachable)?;
    let answer = http_client.send(request).await.map_err(|error| {
        tracing::warn!(%error, "a request to a provider's API failed");
        ProviderFailure::Unreachable
    })?;
    if answer.status() != StatusCode::OK {
        tracing::warn!(status = answer.status().as_u16(), "a provider's API returned an error");
        return Err(ProviderFailure::Unverified);
    }
    serde_json::from_slice(answer.body()).map_err(|_| ProviderFailure::Unverified)
}
