//! Provider sign-in flow: the redirect to a provider, and the checks of its callback.
use super::{
    ActiveProvider, ProviderFailure, Providers, Ticket, github, identity::ProvenIdentity, oidc, ticket, token,
};
use crate::{Error, SignIn, digest};
use domain::{BrowserSessionId, PersonId, provider::Kind};
use http::{HeaderMap, HeaderValue};
use subtle::ConstantTimeEq;
use url::Url;

/// The purpose of a sign-in at a provider.
#[derive(Clone, Debug)]
pub enum Purpose {
    SignIn {
        /// The local path to continue at.
        next: String,
        /// Whether it is the step-up authentication of a signed-in person.
        reauthenticate: bool,
    },
    /// To link the identity to an account.
    Link {
        person: PersonId,
        /// The session that requested it.
        session: BrowserSessionId,
    },
}

/// The redirect to a provider.
#[derive(Clone, Debug)]
pub struct AuthorizationRedirect {
    /// The provider's authorization endpoint with its parameters.
    pub url: Url,
    /// The `Set-Cookie` headers: the ticket, and removals of old ones.
    pub cookies: Vec<HeaderValue>,
}

/// The request by which a browser returns from a provider.
#[derive(Clone, Debug)]
pub struct Callback<'a> {
    /// The provider's id in the request's path.
    pub key: &'a str,
    pub query: &'a str,
    /// With the ticket's cookie.
    pub headers: &'a HeaderMap,
}

/// The outcome of a callback.
#[derive(Clone, Debug)]
pub enum CallbackOutcome {
    /// Signed in; continues at this local path.
    SignedIn(String),
    Linked,
}

impl Providers {
    /// Starts a sign-in at a provider. Nothing is stored here: the browser keeps the state in its ticket.
    ///
    /// # Errors
    /// Fails if the provider is disabled or does not respond.
    pub async fn start(
        &self,
        key: &str,
        purpose: Purpose,
        headers: &HeaderMap,
    ) -> Result<AuthorizationRedirect, Error> {
        let provider = self.active(key).await?;
        let (next, reauthenticate, link_to) = match purpose {
            Purpose::SignIn { next, reauthenticate } => (next, reauthenticate, None),
            Purpose::Link { person, session } => (String::new(), false, Some((person, session))),
        };
        let ticket = Ticket {
            id: token()?,
            provider: provider.key.clone(),
            state: token()?,
            nonce: token()?,
            verifier: token()?,
            next,
            link_to,
            reauthenticate,
            expires_at: self.store.now().after(ticket::LIFETIME),
        };
        let refused = |failure: ProviderFailure| failure.error(&provider.provider.label);
        let redirect = self.redirect_url(&provider.key);
        let url = match provider.provider.kind {
            Kind::Github => github::authorization_url(&provider, redirect, &ticket),
            _ => self.authorization_url(&provider, redirect, &ticket).await,
        };
        let (session_key, https) = (&self.settings.session_key, self.settings.is_https());
        let cookie = ticket.cookie(session_key, https).ok_or_else(|| refused(ProviderFailure::Unreachable))?;
        let cookies = [ticket::removals(headers, session_key, https), vec![cookie]].concat();
        Ok(AuthorizationRedirect { url: url.map_err(refused)?, cookies })
    }

    async fn authorization_url(
        &self,
        provider: &ActiveProvider,
        redirect: String,
        ticket: &Ticket,
    ) -> Result<Url, ProviderFailure> {
        let (issuer, now) = (&provider.provider.issuer, self.store.now());
        let http_client = self.fetch.of(issuer, provider.by);
        let metadata = match self.metadata.get(issuer, now) {
            Some(metadata) => metadata,
            None => oidc::discover_for(provider, &http_client).await?,
        };
        let url = oidc::authorization_url(provider, &http_client, &metadata, redirect, ticket)?;
        if self.metadata.get(issuer, now).is_none() {
            self.metadata.insert(issuer, now, &metadata);
        }
        Ok(url)
    }

    /// Returns the ticket of this browser that the callback belongs to.
    fn ticket(&self, provider: &ActiveProvider, callback: &Callback<'_>) -> Option<Ticket> {
        let state = single_parameter(callback.query, "state")?;
        let (session_key, https) = (&self.settings.session_key, self.settings.is_https());
        let ticket = Ticket::from_headers(callback.headers, &state, session_key, https)?;
        let same = bool::from(state.as_bytes().ct_eq(ticket.state.as_bytes()));
        (same && ticket.provider == provider.key && ticket.expires_at > self.store.now()).then_some(ticket)
    }

    /// Uses up a ticket; returns `false` if it was used before.
    async fn consume(&self, ticket: &Ticket) -> Result<bool, ProviderFailure> {
        let consumed = self.store.system().consume_sign_in(digest(&ticket.id), ticket.expires_at).await;
        consumed.map_err(|error| {
            tracing::error!(%error, "the use of a sign-in ticket cannot be recorded");
            ProviderFailure::Unreachable
        })
    }

    /// Exchanges the callback's code for an identity, and verifies it.
    async fn prove(
        &self,
        provider: &ActiveProvider,
        ticket: &Ticket,
        query: &str,
    ) -> Result<ProvenIdentity, ProviderFailure> {
        let iss = single_parameter(query, "iss");
        // A mix-up with another provider (RFC 9207), or a repeated parameter.
        let foreign = iss.as_ref().is_some_and(|iss| *iss != provider.provider.issuer);
        if foreign || iss.is_none() && has_parameter(query, "iss") {
            return Err(ProviderFailure::Unverified);
        }
        if has_parameter(query, "error") {
            return Err(ProviderFailure::Declined);
        }
        let code =
            single_parameter(query, "code").filter(|code| !code.is_empty()).ok_or(ProviderFailure::Unverified)?;
        let (http_client, redirect) =
            (self.fetch.of(&provider.provider.issuer, provider.by), self.redirect_url(&provider.key));
        match provider.provider.kind {
            Kind::Github => github::prove(provider, &http_client, redirect, ticket, code).await,
            _ => {
                let now = self.store.now();
                oidc::prove(provider, &http_client, redirect, ticket, code, iss.as_deref(), now).await
            }
        }
    }
}

impl SignIn {
    /// Finishes a sign-in at a provider: signs the person in, or links the identity to their account.
    ///
    /// # Errors
    /// Fails with [`Error::Provider`] and the reason.
    pub async fn finish_provider(&self, callback: Callback<'_>) -> Result<CallbackOutcome, Error> {
        let providers = &self.auth.providers;
        let provider = providers.active(callback.key).await?;
        let refused = |failure: ProviderFailure| failure.error(&provider.provider.label);
        let unknown = || refused(ProviderFailure::UnknownSignIn);
        let ticket = providers.ticket(&provider, &callback).ok_or_else(unknown)?;
        if !providers.consume(&ticket).await.map_err(refused)? {
            // A browser that returns to the address of a finished sign-in continues.
            return match (&self.browser, ticket.link_to) {
                (None, _) => Err(unknown()),
                (Some(_), None) => Ok(CallbackOutcome::SignedIn(ticket.next)),
                (Some(_), Some(_)) => Ok(CallbackOutcome::Linked),
            };
        }
        let identity = match providers.prove(&provider, &ticket, callback.query).await {
            Ok(identity) => identity,
            Err(failure @ (ProviderFailure::Unverified | ProviderFailure::NotReauthenticated)) => {
                return Err(self.record_unverified(&provider, failure).await?);
            }
            Err(failure) => return Err(refused(failure)),
        };
        match ticket.link_to {
            None => {
                self.enter(&provider, identity).await?;
                Ok(CallbackOutcome::SignedIn(ticket.next))
            }
            Some((person, session)) => {
                self.link(&provider, identity, person, session).await?;
                Ok(CallbackOutcome::Linked)
            }
        }
    }
}

fn has_parameter(query: &str, name: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes()).any(|(its, _)| its == name)
}

/// Returns the value of a parameter that the query has exactly once (RFC 6749, section 3.1).
fn single_parameter(query: &str, name: &str) -> Option<String> {
    let mut found = url::form_urlencoded::parse(query.as_bytes()).filter(|(its, _)| its == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value.into_owned()),
        _ => None,
    }
}
