//! GitHub: OAuth 2 and its own API, for it is no OpenID Connect issuer.
use super::{InUse, Ticket, fetch::Asker, proven::Proven};
use app::login::trouble::Trouble;
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

/// Who somebody is: the number, for a name may pass to somebody else.
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

/// Where its API is: beside it, or within a server of one's own.
fn api(issuer: &str) -> String {
    let base = issuer.trim_end_matches('/');
    if base == GITHUB { "https://api.github.com".into() } else { format!("{base}/api/v3") }
}

fn client(provider: &InUse, redirect: String) -> Result<Client, Trouble> {
    let base = provider.provider.issuer.trim_end_matches('/');
    let (to, from) = (format!("{base}/login/oauth/authorize"), format!("{base}/login/oauth/access_token"));
    let wrong = |_| Trouble::Unreachable;
    Ok(BasicClient::new(ClientId::new(provider.provider.client_id.clone()))
        .set_client_secret(ClientSecret::new(provider.secret.expose_secret().to_owned()))
        .set_auth_uri(AuthUrl::new(to).map_err(wrong)?)
        .set_token_uri(TokenUrl::new(from).map_err(wrong)?)
        .set_redirect_uri(RedirectUrl::new(redirect).map_err(wrong)?))
}

/// The address that the browser is sent to.
pub(super) fn address(provider: &InUse, redirect: String, ticket: &Ticket) -> Result<Url, Trouble> {
    let client = client(provider, redirect)?;
    let verifier = PkceCodeVerifier::new(ticket.verifier.clone());
    let (mut url, _) = client
        .authorize_url(|| CsrfToken::new(ticket.state.clone()))
        .add_scopes(["read:user", "user:email"].map(|scope| Scope::new(scope.into())))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .url();
    if ticket.links.is_some() || ticket.again {
        // All that it can be asked for: who comes back has its session in this browser, and chose the account.
        url.query_pairs_mut().append_pair("prompt", "select_account");
    }
    Ok(url)
}

/// Trades the code for a token, and asks the API who it is of.
pub(super) async fn prove(
    provider: &InUse,
    asker: &Asker,
    redirect: String,
    ticket: &Ticket,
    code: String,
) -> Result<Proven, Trouble> {
    let client = client(provider, redirect)?;
    let verifier = PkceCodeVerifier::new(ticket.verifier.clone());
    let request = client.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(verifier);
    let answer = request.request_async(asker).await.map_err(|error| {
        tracing::warn!(provider = provider.key, error = %error.to_string().escape_debug(), "a code is not taken");
        Trouble::Untrusted
    })?;
    let token = answer.access_token().secret();
    let api = api(&provider.provider.issuer);
    let user: User = get(asker, &format!("{api}/user"), token).await?;
    let mut addresses: Vec<Address> = get(asker, &format!("{api}/user/emails"), token).await?;
    addresses.sort_by_key(|address| !address.primary);
    let verified = addresses.iter().filter(|address| address.verified);
    let mut verified = verified.filter_map(|address| Email::parse(&address.email).ok());
    // One of an allowed domain goes before the primary one.
    let first = verified.clone().find(|email| provider.provider.takes(Some(email)));
    Ok(Proven {
        issuer: provider.provider.issuer.clone(),
        subject: user.id.to_string(),
        email: first.or_else(|| verified.next()),
        name: Some(user.name.filter(|name| !name.trim().is_empty()).unwrap_or(user.login)),
        groups: vec![],
        // That an account has a second factor does not say that it was used now.
        vouched: false,
        proved_at: None,
    })
}

async fn get<T: DeserializeOwned>(asker: &Asker, url: &str, token: &str) -> Result<T, Trouble> {
    let request = Request::get(url)
        .header(header::ACCEPT, "application/vnd.github+json")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(vec![])
        .map_err(|_| Trouble::Unreachable)?;
    let answer = asker.ask(request).await.map_err(|error| {
        tracing::warn!(%error, "a provider's API cannot be asked");
        Trouble::Unreachable
    })?;
    if answer.status() != StatusCode::OK {
        tracing::warn!(status = answer.status().as_u16(), "a provider's API says no");
        return Err(Trouble::Untrusted);
    }
    serde_json::from_slice(answer.body()).map_err(|_| Trouble::Untrusted)
}
