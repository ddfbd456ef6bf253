//! OpenID Connect: discovery, the address that a browser is sent to, and the check of what comes back.
use super::{InUse, Ticket, fetch::Asker, proven::Proven};
use app::login::trouble::Trouble;
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

use super::FetchError;

/// What an ID token may be signed with: by a key that only the provider has. Never `none`, never a shared secret.
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

/// How much a provider's clock may be ahead of ours, and how old a token that was made for us just now may be.
const AHEAD: Duration = Duration::from_mins(1);
const OLD: Duration = Duration::from_mins(10);

/// Whether the provider names itself in its answers (RFC 9207).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct More {
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}
impl AdditionalProviderMetadata for More {}

/// All claims that have no type of their own: groups are among them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Others {
    #[serde(flatten)]
    all: Map<String, Value>,
}
impl AdditionalClaims for Others {}

pub(super) type Metadata = ProviderMetadata<
    More,
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
    Others,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type OidcClient = Client<
    Others,
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

/// What the issuer says of itself, with its keys. It must call itself exactly what it was set up as.
pub(super) async fn discover(issuer: &str, asker: &Asker) -> Result<Metadata, DiscoveryError<FetchError>> {
    let issuer = IssuerUrl::new(issuer.to_owned()).map_err(DiscoveryError::UrlParse)?;
    Metadata::discover_async(issuer, asker).await
}

/// The same for a sign-in; what went wrong is only in the log.
pub(super) async fn describe(provider: &InUse, asker: &Asker) -> Result<Metadata, Trouble> {
    discover(&provider.provider.issuer, asker).await.map_err(|error| {
        let error = error.to_string();
        tracing::warn!(provider = provider.key, error = %error.escape_debug(), "a provider cannot be discovered");
        Trouble::Unreachable
    })
}

/// Whether the answers of this provider must say whose they are.
pub(super) fn names_itself(metadata: &Metadata) -> bool {
    metadata.additional_metadata().authorization_response_iss_parameter_supported
}

fn client(provider: &InUse, metadata: &Metadata, redirect: String) -> Result<OidcClient, Trouble> {
    let methods = metadata.token_endpoint_auth_methods_supported();
    let basic = methods.is_none_or(|methods| {
        methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
            || !methods.contains(&CoreClientAuthMethod::ClientSecretPost)
    });
    let redirect = RedirectUrl::new(redirect).map_err(|_| Trouble::Unreachable)?;
    let client = OidcClient::from_provider_metadata(
        metadata.clone(),
        ClientId::new(provider.provider.client_id.clone()),
        Some(ClientSecret::new(provider.secret.expose_secret().to_owned())),
    );
    let auth = if basic { AuthType::BasicAuth } else { AuthType::RequestBody };
    Ok(client.set_redirect_uri(redirect).set_auth_type(auth))
}

/// The address that the browser is sent to.
pub(super) fn address(
    provider: &InUse,
    asker: &Asker,
    metadata: &Metadata,
    redirect: String,
    ticket: &Ticket,
) -> Result<url::Url, Trouble> {
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
    if ticket.links.is_some() || ticket.again {
        // Whoever links must choose the account, and whoever proves themselves again must be there.
        let google = provider.provider.kind == Kind::Google; // it knows no other prompt for this
        request = request.add_prompt(if google { CoreAuthPrompt::SelectAccount } else { CoreAuthPrompt::Login });
    }
    if proves_anew(provider, ticket) {
        // With it the provider must say when they proved themselves there (OpenID Connect Core, 3.1.2.1).
        request = request.set_max_age(Duration::ZERO);
    }
    let (url, ..) = request.url();
    // A browser goes where we say: an address that we would not ask is none that we send people to.
    asker.may_ask(&url).then_some(url).ok_or(Trouble::Unreachable)
}

/// Whether somebody proves themselves again at a provider that can be held to it. Google and Gitea know neither `max_age` nor
/// `auth_time`: there it can only be asked for.
fn proves_anew(provider: &InUse, ticket: &Ticket) -> bool {
    ticket.again && provider.provider.kind == Kind::Oidc
}

/// Trades the code for an ID token, and checks all of it.
pub(super) async fn prove(
    provider: &InUse,
    asker: &Asker,
    redirect: String,
    ticket: &Ticket,
    code: String,
    iss: Option<&str>,
    now: Timestamp,
) -> Result<Proven, Trouble> {
    let metadata = describe(provider, asker).await?;
    if iss.is_none() && names_itself(&metadata) {
        return Err(Trouble::Untrusted);
    }
    let client = client(provider, &metadata, redirect)?;
    let refuse = |error: &dyn std::fmt::Display| {
        // The text may quote the provider: it goes to the log, never to a page.
        tracing::warn!(provider = provider.key, error = %error.to_string().escape_debug(), "a sign-in is not believed");
        Trouble::Untrusted
    };
    let verifier = PkceCodeVerifier::new(ticket.verifier.clone());
    let request = client.exchange_code(AuthorizationCode::new(code)).map_err(|error| refuse(&error))?;
    let answer = request.set_pkce_verifier(verifier).request_async(asker).await.map_err(|error| refuse(&error))?;

    let token = answer.id_token().ok_or_else(|| refuse(&"there is no ID token"))?;
    let checks = client
        .id_token_verifier()
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || moment(now))
        .set_issue_time_verifier_fn(move |issued| made_just_now(issued, now));
    let claims = token.claims(&checks, &Nonce::new(ticket.nonce.clone())).map_err(|error| refuse(&error))?;
    // The library leaves this to us (OpenID Connect Core, 3.1.3.7, 5).
    if claims.authorized_party().is_some_and(|party| party.as_str() != provider.provider.client_id) {
        return Err(refuse(&"it was made for another party"));
    }
    if proves_anew(provider, ticket) && !is_since(claims.auth_time(), ticket.set_out_at(), now) {
        tracing::warn!(
            provider = provider.key,
            "somebody was to prove themselves anew, and the provider does not say so"
        );
        return Err(Trouble::Stale);
    }
    if let Some(expected) = claims.access_token_hash() {
        let algorithm = token.signing_alg().map_err(|error| refuse(&error))?;
        let key = token.signing_key(&checks).map_err(|error| refuse(&error))?;
        let hash = AccessTokenHash::from_token(answer.access_token(), algorithm, key);
        if hash.map_err(|error| refuse(&error))? != *expected {
            return Err(refuse(&"the access token is not the one that the ID token was made with"));
        }
    }

    let acr = claims.auth_context_ref().map(|acr| acr.as_str());
    let amr = claims.auth_method_refs().into_iter().flatten().map(|method| method.as_str());
    let mut proven = Proven {
        issuer: provider.provider.issuer.clone(),
        subject: claims.subject().to_string(),
        email: verified(claims.email().map(|email| email.as_str()), claims.email_verified()),
        name: claims.name().and_then(|name| name.get(None)).map(|name| name.to_string()),
        groups: groups(provider, &claims.additional_claims().all).unwrap_or_default(),
        vouched: provider::is_vouched(acr, amr),
        proved_at: claims
            .auth_time()
            .filter(|_| provider.provider.kind == Kind::Oidc)
            .map(|proved| Timestamp(proved.timestamp_micros())),
    };
    let told = provider.provider.groups_claim.is_none() || groups(provider, &claims.additional_claims().all).is_some();
    if (claims.email().is_none() || !told)
        && let Ok(request) = client.user_info(answer.access_token().clone(), Some(claims.subject().clone()))
    {
        // Some providers say only there what they were asked for (OpenID Connect Core, 5.4).
        let more: UserInfoClaims<Others, CoreGenderClaim> =
            request.request_async(asker).await.map_err(|error| refuse(&error))?;
        let email = verified(more.email().map(|email| email.as_str()), more.email_verified());
        proven.email = proven.email.or(email);
        proven.name = proven.name.or_else(|| more.name().and_then(|name| name.get(None)).map(|name| name.to_string()));
        if !told {
            proven.groups = groups(provider, &more.additional_claims().all).unwrap_or_default();
        }
    }
    Ok(proven)
}

/// An address counts when the provider says `true`, the boolean.
fn verified(email: Option<&str>, verified: Option<bool>) -> Option<Email> {
    email.filter(|_| verified == Some(true)).and_then(|email| Email::parse(email).ok())
}

/// The groups that the claim lists; `None` where it is not there. What is no text is no group.
fn groups(provider: &InUse, claims: &Map<String, Value>) -> Option<Vec<String>> {
    let list = claims.get(provider.provider.groups_claim.as_ref()?)?.as_array()?;
    Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

fn moment(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.0).unwrap_or_default()
}

/// Whether somebody proved themselves at the provider after they set out for it; its clock may differ a little from ours.
fn is_since(proved: Option<DateTime<Utc>>, set_out: Timestamp, now: Timestamp) -> bool {
    proved.is_some_and(|proved| (moment(set_out.before(AHEAD))..=moment(now.after(AHEAD))).contains(&proved))
}

fn made_just_now(issued: DateTime<Utc>, now: Timestamp) -> Result<(), String> {
    let (earliest, latest) = (moment(now.before(OLD)), moment(now.after(AHEAD)));
    if (earliest..=latest).contains(&issued) { Ok(()) } else { Err("it was not made just now".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Fetch;
    use domain::{
        BrowserSessionId, PersonId, TenantId,
        provider::{GOOGLE, ProviderForm},
    };
    use serde_json::json;
    use uuid::Uuid;

    /// The prompt that somebody is sent with, and whether it is asked when they proved themselves.
    fn asks(kind: Kind, links: bool, again: bool) -> (Option<String>, bool) {
        let issuer = if kind == Kind::Google { GOOGLE } else { "https://id.acme.example" };
        let (kind, client_id) = (kind.to_string(), "us".into());
        let form = ProviderForm { kind, client_id, issuer: issuer.into(), ..ProviderForm::default() };
        let (key, tenant, secret) = ("id".to_owned(), TenantId(Uuid::nil()), "secret".to_owned().into());
        let provider = InUse { key, tenant, provider: form.check().unwrap(), secret };
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
        let links = links.then_some((PersonId(Uuid::nil()), BrowserSessionId(Uuid::nil())));
        let (next, expires_at) = ("/".into(), Timestamp(7));
        let ticket = Ticket { id, provider: "id".into(), state, nonce, verifier, next, links, again, expires_at };
        crate::http::tls::install_provider();
        let asker = Fetch::new().unwrap().of(issuer);
        let url = address(&provider, &asker, &metadata, "https://us.example/back".into(), &ticket).unwrap();
        let said = |name: &str| url.query_pairs().find(|(its, _)| its == name).map(|(_, value)| value.into_owned());
        (said("prompt"), said("max_age").as_deref() == Some("0"))
    }

    #[test]
    fn a_02_each_kind_is_asked_for_what_it_knows_when_somebody_proves_themselves_again() {
        for (kind, prompt, when) in
            [(Kind::Google, "select_account", false), (Kind::Gitea, "login", false), (Kind::Oidc, "login", true)]
        {
            assert_eq!(asks(kind, false, false), (None, false), "{kind}: who only signs in");
            assert_eq!(asks(kind, false, true), (Some(prompt.to_owned()), when), "{kind}: who proves themselves again");
            assert_eq!(asks(kind, true, false), (Some(prompt.to_owned()), false), "{kind}: who links it");
        }
    }
}
