//! OpenID Connect: discovery, the authorization URL, and what a provider proves about a person.
use super::{
    ActiveProvider, FetchError, ProviderFailure, Ticket,
    claims::Claims,
    fetch::{self, ProviderClient},
    id_token::{self, Expected, MAX_CLOCK_SKEW},
    identity::ProvenIdentity,
    lenient::LenientClient,
    userinfo,
};
use domain::{
    Email, Timestamp,
    provider::{self, Kind},
};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    ExtraTokenFields, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, StandardRevocableToken,
    StandardTokenResponse, TokenResponse, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
};
use openidconnect::{
    AdditionalProviderMetadata, DiscoveryError, IssuerUrl, ProviderMetadata,
    core::{
        CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
        CoreSubjectIdentifierType,
    },
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// Metadata beyond the library's: whether responses name the issuer (RFC 9207).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct ExtraMetadata {
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}
impl AdditionalProviderMetadata for ExtraMetadata {}

pub(super) type Metadata = ProviderMetadata<
    ExtraMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// The ID token beside the access token, as it came.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct IdTokenField {
    id_token: Option<String>,
}
impl ExtraTokenFields for IdTokenField {}

type OidcClient = Client<
    BasicErrorResponse,
    StandardTokenResponse<IdTokenField, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// Fetches an issuer's discovery document and keys. The document must name exactly the issuer that was configured.
pub(super) async fn discover(
    issuer: &str,
    http_client: &ProviderClient,
) -> Result<Metadata, DiscoveryError<FetchError>> {
    let issuer = IssuerUrl::new(issuer.to_owned()).map_err(DiscoveryError::UrlParse)?;
    let deadline = Instant::now() + fetch::TIMEOUT;
    match Metadata::discover_async(issuer, &LenientClient(http_client)).await {
        Err(_) if http_client.conceal(deadline).await => Err(DiscoveryError::Request(FetchError::Unreachable)),
        found => found,
    }
}

/// Fetches them for a sign-in; the cause of a failure is only logged.
pub(super) async fn discover_for(
    provider: &ActiveProvider,
    http_client: &ProviderClient,
) -> Result<Metadata, ProviderFailure> {
    discover(&provider.provider.issuer, http_client).await.map_err(|error| {
        let error = error.to_string();
        tracing::warn!(provider = provider.key, error = %error.escape_debug(), "the discovery of a provider failed");
        ProviderFailure::Unreachable
    })
}

/// Returns whether the responses of this provider must name the issuer.
pub(super) fn names_issuer(metadata: &Metadata) -> bool {
    metadata.additional_metadata().authorization_response_iss_parameter_supported
}

fn client(provider: &ActiveProvider, metadata: &Metadata, redirect: String) -> Result<OidcClient, ProviderFailure> {
    let methods = metadata.token_endpoint_auth_methods_supported();
    let basic = methods.is_none_or(|methods| {
        methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
            || !methods.contains(&CoreClientAuthMethod::ClientSecretPost)
    });
    let unreachable = |_| ProviderFailure::Unreachable;
    let token_url = metadata.token_endpoint().ok_or(ProviderFailure::Unreachable)?;
    let auth = if basic { AuthType::BasicAuth } else { AuthType::RequestBody };
    Ok(Client::new(ClientId::new(provider.provider.client_id.clone()))
        .set_client_secret(ClientSecret::new(provider.secret.expose_secret().to_owned()))
        .set_auth_uri(AuthUrl::new(metadata.authorization_endpoint().to_string()).map_err(unreachable)?)
        .set_token_uri(TokenUrl::new(token_url.to_string()).map_err(unreachable)?)
        .set_redirect_uri(RedirectUrl::new(redirect).map_err(unreachable)?)
        .set_auth_type(auth))
}

/// Returns the URL that the browser is redirected to.
pub(super) fn authorization_url(
    provider: &ActiveProvider,
    http_client: &ProviderClient,
    metadata: &Metadata,
    redirect: String,
    ticket: &Ticket,
) -> Result<url::Url, ProviderFailure> {
    let client = client(provider, metadata, redirect)?;
    let verifier = PkceCodeVerifier::new(ticket.verifier.clone());
    let state = CsrfToken::new(ticket.state.clone());
    let mut request = client
        .authorize_url(|| state)
        .add_scopes(["openid", "email", "profile"].map(|scope| Scope::new(scope.into())))
        .add_extra_param("nonce", ticket.nonce.as_str())
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
    let groups = Scope::new("groups".into());
    let offered = metadata.scopes_supported().is_some_and(|scopes| scopes.iter().any(|scope| **scope == *groups));
    if provider.provider.groups_claim.is_some() && offered {
        request = request.add_scope(groups);
    }
    if ticket.link_to.is_some() || ticket.reauthenticate {
        // To link, people choose the account; to re-authenticate, they enter their credentials again.
        let google = provider.provider.kind == Kind::Google; // it supports no other prompt for this
        request = request.add_extra_param("prompt", if google { "select_account" } else { "login" });
    }
    if reauthenticates(provider, ticket) {
        // With `max_age` the provider must return `auth_time` (OpenID Connect Core, 3.1.2.1).
        request = request.add_extra_param("max_age", "0");
    }
    let (url, _) = request.url();
    // Browsers are not redirected to a URL that the server itself would not request.
    http_client.may_request(&url).then_some(url).ok_or(ProviderFailure::Unreachable)
}

/// Returns whether this is a re-authentication that the provider must confirm. Google and Gitea support neither `max_age` nor
/// `auth_time`: there it can only be requested.
fn reauthenticates(provider: &ActiveProvider, ticket: &Ticket) -> bool {
    ticket.reauthenticate && provider.provider.kind == Kind::Oidc
}

/// Exchanges the code for an ID token, and verifies all of it.
pub(super) async fn prove(
    provider: &ActiveProvider,
    http_client: &ProviderClient,
    redirect: String,
    ticket: &Ticket,
    code: String,
    iss: Option<&str>,
    now: Timestamp,
) -> Result<ProvenIdentity, ProviderFailure> {
    let metadata = discover_for(provider, http_client).await?;
    if iss.is_none() && names_issuer(&metadata) {
        return Err(ProviderFailure::Unverified);
    }
    let client = client(provider, &metadata, redirect)?;
    let refuse = |error: &dyn std::fmt::Display| {
        // The text may quote the provider, so it goes to the log only.
        tracing::warn!(provider = provider.key, error = %error.to_string().escape_debug(), "a sign-in could not be verified");
        ProviderFailure::Unverified
    };
    let verifier = PkceCodeVerifier::new(ticket.verifier.clone());
    let request = client.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(verifier);
    let answer = request.request_async(&LenientClient(http_client)).await.map_err(|error| refuse(&error))?;
    let token = answer.extra_fields().id_token.as_deref().ok_or_else(|| refuse(&"the ID token is missing"))?;
    let expected = Expected {
        issuer: metadata.issuer().as_str(),
        client_id: &provider.provider.client_id,
        other_audiences: &provider.provider.audiences,
        nonce: &ticket.nonce,
        access_token: answer.access_token(),
        now,
    };
    let claims = id_token::verify(token, metadata.jwks(), &expected).map_err(|error| refuse(&error))?;
    let authenticated_at = claims.time("auth_time");
    if reauthenticates(provider, ticket) && !is_between(authenticated_at, ticket.started_at(), now) {
        tracing::warn!(provider = provider.key, "the provider did not confirm a re-authentication");
        return Err(ProviderFailure::NotReauthenticated);
    }
    let subject = claims.required_text("sub").map_err(|error| refuse(&error))?;
    let methods = claims.texts("amr").unwrap_or_default();
    let mut identity = ProvenIdentity {
        issuer: provider.provider.issuer.clone(),
        subject: subject.to_owned(),
        email: verified_email(&claims),
        name: claims.text("name").map(str::to_owned),
        groups: groups(provider, &claims),
        second_factor_verified: provider::confirms_second_factor(
            claims.text("acr"),
            methods.iter().map(String::as_str),
        ),
        authenticated_at: authenticated_at.filter(|_| provider.provider.kind == Kind::Oidc),
    };
    let has_groups = provider.provider.groups_claim.is_none() || identity.groups.is_some();
    if (claims.text("email").is_none() || !has_groups)
        && let Some(url) = metadata.userinfo_endpoint()
    {
        // Some providers return the requested claims at the userinfo endpoint only (OpenID Connect Core, 5.4).
        let userinfo = userinfo::fetch(http_client, url.as_str(), metadata.jwks(), &expected);
        let userinfo = userinfo.await.map_err(|error| refuse(&error))?;
        if userinfo.text("sub") != Some(subject) {
            return Err(refuse(&"the userinfo response is about another person (sub)"));
        }
        identity.email = identity.email.or_else(|| verified_email(&userinfo));
        identity.name = identity.name.or_else(|| userinfo.text("name").map(str::to_owned));
        if !has_groups {
            identity.groups = groups(provider, &userinfo);
        }
    }
    Ok(identity)
}

/// Returns the address if the provider states that it is verified.
fn verified_email(claims: &Claims) -> Option<Email> {
    claims.text("email").filter(|_| claims.is_true("email_verified")).and_then(|email| Email::parse(email).ok())
}

/// Returns the groups claim, a list of texts or one text; `None` if it is missing or something else, as when a person has more groups
/// than the provider sends.
fn groups(provider: &ActiveProvider, claims: &Claims) -> Option<Vec<String>> {
    claims.texts(provider.provider.groups_claim.as_ref()?)
}

/// Returns whether the person authenticated at the provider after they started the sign-in, within the clock skew.
fn is_between(proved: Option<Timestamp>, started: Timestamp, now: Timestamp) -> bool {
    proved.is_some_and(|proved| (started.before(MAX_CLOCK_SKEW)..=now.after(MAX_CLOCK_SKEW)).contains(&proved))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::{ConfiguredBy, Fetch};
    use domain::{
        BrowserSessionId, PersonId, TenantId,
        provider::{GOOGLE, ProviderForm},
    };
    use serde_json::json;
    use uuid::Uuid;

    /// Returns the `prompt` parameter of the authorization URL, and whether it has `max_age=0`.
    fn parameters(kind: Kind, links: bool, reauthenticate: bool) -> (Option<String>, bool) {
        let issuer = if kind == Kind::Google { GOOGLE } else { "https://id.acme.example" };
        let (kind, client_id) = (kind.to_string(), "us".into());
        let form = ProviderForm { kind, client_id, issuer: issuer.into(), ..ProviderForm::default() };
        let (key, tenant, secret) = ("id".to_owned(), TenantId(Uuid::nil()), "secret".to_owned().into());
        let provider =
            ActiveProvider { key, tenant, provider: form.check().unwrap(), by: ConfiguredBy::Operator, secret };
        let metadata: Metadata = serde_json::from_value(json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }))
        .unwrap();
        let (id, state, nonce, verifier) = ("1".into(), "2".into(), "3".into(), "4".repeat(43));
        let link_to = links.then_some((PersonId(Uuid::nil()), BrowserSessionId(Uuid::nil())));
        let (next, expires_at) = ("/".into(), Timestamp(7));
        let ticket =
            Ticket { id, provider: "id".into(), state, nonce, verifier, next, link_to, reauthenticate, expires_at };
        crate::providers::fetch::install_tls_provider();
        let http_client = Fetch::new().unwrap().of(issuer, ConfiguredBy::Operator);
        let url =
            authorization_url(&provider, &http_client, &metadata, "https://us.example/back".into(), &ticket).unwrap();
        let parameter =
            |name: &str| url.query_pairs().find(|(its, _)| its == name).map(|(_, value)| value.into_owned());
        (parameter("prompt"), parameter("max_age").as_deref() == Some("0"))
    }

    #[test]
    fn a_02_each_kind_of_provider_gets_the_reauthentication_parameters_that_it_supports() {
        for (kind, prompt, when) in
            [(Kind::Google, "select_account", false), (Kind::Gitea, "login", false), (Kind::Oidc, "login", true)]
        {
            assert_eq!(parameters(kind, false, false), (None, false), "{kind}: sign-in");
            assert_eq!(parameters(kind, false, true), (Some(prompt.to_owned()), when), "{kind}: re-authentication");
            assert_eq!(parameters(kind, true, false), (Some(prompt.to_owned()), false), "{kind}: link");
        }
    }
}
