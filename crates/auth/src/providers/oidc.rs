//! OpenID Connect: discovery, the authorization URL, and the verification of ID tokens.
use super::{
    ActiveProvider, FetchError, ProviderFailure, Ticket,
    fetch::{self, ProviderClient},
    identity::ProvenIdentity,
};
use chrono::{DateTime, Utc};
use domain::{
    Email, Timestamp,
    provider::{self, Kind},
};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AdditionalProviderMetadata, AuthType, AuthenticationFlow, AuthorizationCode,
    Client, ClientId, ClientSecret, CsrfToken, DiscoveryError, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, IdTokenFields, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    ProviderMetadata, RedirectUrl, Scope, StandardErrorResponse, StandardTokenResponse, TokenResponse, UserInfoClaims,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreErrorResponseType,
        CoreGenderClaim, CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
        CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreRevocableToken,
        CoreRevocationErrorResponse, CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;
use tokio::time::Instant;

/// The allowed signature algorithms of ID tokens: those with a key that only the provider has. Never `none` or a shared secret.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 8] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// The maximum time by which a provider's clock may be ahead.
const MAX_CLOCK_SKEW: Duration = Duration::from_mins(1);
/// The maximum age of an ID token.
const MAX_TOKEN_AGE: Duration = Duration::from_mins(10);

/// Metadata beyond the library's: whether responses name the issuer (RFC 9207).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct ExtraMetadata {
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}
impl AdditionalProviderMetadata for ExtraMetadata {}

/// All claims without a type of their own, such as groups.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct ExtraClaims {
    #[serde(flatten)]
    all: Map<String, Value>,
}
impl AdditionalClaims for ExtraClaims {}

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
type Fields = IdTokenFields<
    ExtraClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type OidcClient = Client<
    ExtraClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Fetches an issuer's discovery document and keys. The document must name exactly the issuer that was configured.
pub(super) async fn discover(
    issuer: &str,
    http_client: &ProviderClient,
) -> Result<Metadata, DiscoveryError<FetchError>> {
    let issuer = IssuerUrl::new(issuer.to_owned()).map_err(DiscoveryError::UrlParse)?;
    let deadline = Instant::now() + fetch::TIMEOUT;
    match Metadata::discover_async(issuer, http_client).await {
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
    let redirect = RedirectUrl::new(redirect).map_err(|_| ProviderFailure::Unreachable)?;
    let client = OidcClient::from_provider_metadata(
        metadata.clone(),
        ClientId::new(provider.provider.client_id.clone()),
        Some(ClientSecret::new(provider.secret.expose_secret().to_owned())),
    );
    let auth = if basic { AuthType::BasicAuth } else { AuthType::RequestBody };
    Ok(client.set_redirect_uri(redirect).set_auth_type(auth))
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
    let (state, nonce) = (CsrfToken::new(ticket.state.clone()), Nonce::new(ticket.nonce.clone()));
    let mut request = client
        .authorize_url(AuthenticationFlow::<CoreResponseType>::AuthorizationCode, || state, || nonce)
        .add_scopes(["email", "profile"].map(|scope| Scope::new(scope.into())))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
    let groups = Scope::new("groups".into());
    let offered = metadata.scopes_supported().is_some_and(|scopes| scopes.contains(&groups));
    if provider.provider.groups_claim.is_some() && offered {
        request = request.add_scope(groups);
    }
    if ticket.link_to.is_some() || ticket.reauthenticate {
        // To link, people choose the account; to re-authenticate, they enter their credentials again.
        let google = provider.provider.kind == Kind::Google; // it supports no other prompt for this
        request = request.add_prompt(if google { CoreAuthPrompt::SelectAccount } else { CoreAuthPrompt::Login });
    }
    if reauthenticates(provider, ticket) {
        // With `max_age` the provider must return `auth_time` (OpenID Connect Core, 3.1.2.1).
        request = request.set_max_age(Duration::ZERO);
    }
    let (url, ..) = request.url();
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
    let request = client.exchange_code(AuthorizationCode::new(code)).map_err(|error| refuse(&error))?;
    let answer =
        request.set_pkce_verifier(verifier).request_async(http_client).await.map_err(|error| refuse(&error))?;

    let token = answer.id_token().ok_or_else(|| refuse(&"the ID token is missing"))?;
    let checks = client
        .id_token_verifier()
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || to_datetime(now))
        .set_issue_time_verifier_fn(move |issued| is_recent(issued, now));
    let claims = token.claims(&checks, &Nonce::new(ticket.nonce.clone())).map_err(|error| refuse(&error))?;
    // The library does not check this (OpenID Connect Core, 3.1.3.7, step 5).
    if claims.authorized_party().is_some_and(|party| party.as_str() != provider.provider.client_id) {
        return Err(refuse(&"the ID token was issued to another party"));
    }
    if reauthenticates(provider, ticket) && !is_between(claims.auth_time(), ticket.started_at(), now) {
        tracing::warn!(provider = provider.key, "the provider did not confirm a re-authentication");
        return Err(ProviderFailure::NotReauthenticated);
    }
    if let Some(expected) = claims.access_token_hash() {
        let algorithm = token.signing_alg().map_err(|error| refuse(&error))?;
        let key = token.signing_key(&checks).map_err(|error| refuse(&error))?;
        let hash = AccessTokenHash::from_token(answer.access_token(), algorithm, key);
        if hash.map_err(|error| refuse(&error))? != *expected {
            return Err(refuse(&"the access token does not match the ID token"));
        }
    }

    let acr = claims.auth_context_ref().map(|acr| acr.as_str());
    let amr = claims.auth_method_refs().into_iter().flatten().map(|method| method.as_str());
    let mut identity = ProvenIdentity {
        issuer: provider.provider.issuer.clone(),
        subject: claims.subject().to_string(),
        email: verified(claims.email().map(|email| email.as_str()), claims.email_verified()),
        name: claims.name().and_then(|name| name.get(None)).map(|name| name.to_string()),
        groups: groups(provider, &claims.additional_claims().all),
        second_factor_verified: provider::confirms_second_factor(acr, amr),
        authenticated_at: claims
            .auth_time()
            .filter(|_| provider.provider.kind == Kind::Oidc)
            .map(|proved| Timestamp(proved.timestamp_micros())),
    };
    let has_groups = provider.provider.groups_claim.is_none() || identity.groups.is_some();
    if (claims.email().is_none() || !has_groups)
        && let Ok(request) = client.user_info(answer.access_token().clone(), Some(claims.subject().clone()))
    {
        // Some providers return the requested claims at the userinfo endpoint only (OpenID Connect Core, 5.4).
        let userinfo: UserInfoClaims<ExtraClaims, CoreGenderClaim> =
            request.request_async(http_client).await.map_err(|error| refuse(&error))?;
        let email = verified(userinfo.email().map(|email| email.as_str()), userinfo.email_verified());
        identity.email = identity.email.or(email);
        identity.name =
            identity.name.or_else(|| userinfo.name().and_then(|name| name.get(None)).map(|name| name.to_string()));
        if !has_groups {
            identity.groups = groups(provider, &userinfo.additional_claims().all);
        }
    }
    Ok(identity)
}

/// Returns the address if `email_verified` is the boolean `true`.
fn verified(email: Option<&str>, verified: Option<bool>) -> Option<Email> {
    email.filter(|_| verified == Some(true)).and_then(|email| Email::parse(email).ok())
}

/// Returns the groups claim, a list of texts or one text; `None` if it is missing or something else, as when a person has more groups
/// than the provider sends.
fn groups(provider: &ActiveProvider, claims: &Map<String, Value>) -> Option<Vec<String>> {
    match claims.get(provider.provider.groups_claim.as_ref()?)? {
        Value::String(group) => Some(vec![group.clone()]),
        Value::Array(list) => list.iter().map(|group| group.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

fn to_datetime(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.0).unwrap_or_default()
}

/// Returns whether the person authenticated at the provider after they started the sign-in, within the clock skew.
fn is_between(proved: Option<DateTime<Utc>>, started: Timestamp, now: Timestamp) -> bool {
    proved.is_some_and(|proved| {
        (to_datetime(started.before(MAX_CLOCK_SKEW))..=to_datetime(now.after(MAX_CLOCK_SKEW))).contains(&proved)
    })
}

fn is_recent(issued: DateTime<Utc>, now: Timestamp) -> Result<(), String> {
    let (earliest, latest) = (to_datetime(now.before(MAX_TOKEN_AGE)), to_datetime(now.after(MAX_CLOCK_SKEW)));
    if (earliest..=latest).contains(&issued) { Ok(()) } else { Err("it was not issued recently".into()) }
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
