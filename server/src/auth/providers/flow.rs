//! The way to a provider and back: what a browser takes along, and what is checked of what it brings.
use super::{InUse, Providers, Ticket, github, oidc, proven::Proven, ticket, token};
use crate::auth::{BrowserDoor, digest};
use app::{login::trouble::Trouble, outcome::Refusal};
use domain::{BrowserSessionId, PersonId, provider::Kind};
use http::{HeaderMap, HeaderValue};
use subtle::ConstantTimeEq;
use url::Url;

/// What somebody goes to a provider for.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// To sign in.
    SignIn {
        /// Where to go on: a path of ours.
        next: String,
        /// Whether they are signed in and prove themselves again.
        again: bool,
    },
    /// To link what they are there to their account.
    Link {
        /// Whose.
        person: PersonId,
        /// In which session that was asked for.
        session: BrowserSessionId,
    },
}

/// Where a browser is sent, and what it takes along.
#[derive(Clone, Debug)]
pub struct Setout {
    /// The provider's address.
    pub to: Url,
    /// The line that gives the browser its ticket.
    pub cookie: HeaderValue,
}

/// What a browser comes back with.
#[derive(Clone, Debug)]
pub struct Comeback<'a> {
    /// The provider's id in the address that it came back to.
    pub key: &'a str,
    /// The query of that address.
    pub query: &'a str,
    /// Its headers, with the ticket.
    pub headers: &'a HeaderMap,
}

/// Where a person goes who came in by a provider, or who linked one.
#[derive(Clone, Debug)]
pub enum Arrived {
    /// Signed in: to a path of ours.
    SignedIn(String),
    /// Linked.
    Linked,
}

impl Providers {
    /// Sends somebody to a provider. Nothing is written down here: the ticket has it all.
    ///
    /// # Errors
    /// When the provider is not open or does not answer.
    pub async fn set_out(&self, key: &str, purpose: Purpose) -> Result<Setout, Refusal> {
        let provider = self.open(key).await?;
        let (next, again, links) = match purpose {
            Purpose::SignIn { next, again } => (next, again, None),
            Purpose::Link { person, session } => (String::new(), false, Some((person, session))),
        };
        let ticket = Ticket {
            id: token()?,
            provider: provider.key.clone(),
            state: token()?,
            nonce: token()?,
            verifier: token()?,
            next,
            links,
            again,
            expires_at: self.app.store.now().after(ticket::LIFE),
        };
        let trouble = |trouble: Trouble| trouble.refusal(&provider.provider.label);
        let redirect = self.redirect(&provider.key);
        let to = match provider.provider.kind {
            Kind::Github => github::address(&provider, redirect, &ticket),
            _ => self.address(&provider, redirect, &ticket).await,
        };
        let cookie = ticket.cookie(&self.app.keys.sessions, self.is_https());
        let cookie = cookie.ok_or_else(|| trouble(Trouble::Unreachable))?;
        Ok(Setout { to: to.map_err(trouble)?, cookie })
    }

    async fn address(&self, provider: &InUse, redirect: String, ticket: &Ticket) -> Result<Url, Trouble> {
        let (issuer, now) = (&provider.provider.issuer, self.app.store.now());
        let asker = self.fetch.of(issuer);
        let metadata = match self.known.recall(issuer, now) {
            Some(metadata) => metadata,
            None => oidc::describe(provider, &asker).await?,
        };
        let address = oidc::address(provider, &asker, &metadata, redirect, ticket)?;
        if self.known.recall(issuer, now).is_none() {
            self.known.keep(issuer, now, &metadata);
        }
        Ok(address)
    }

    /// Lets somebody in who comes back, or links what they are there; says where they go on.
    ///
    /// # Errors
    /// Why not, in words of our own.
    pub async fn arrive(&self, door: &BrowserDoor, comeback: Comeback<'_>) -> Result<Arrived, Refusal> {
        let provider = self.open(comeback.key).await?;
        let trouble = |trouble: Trouble| trouble.refusal(&provider.provider.label);
        let ticket = self.take(&provider, &comeback).await.map_err(trouble)?;
        let proven = match self.prove(&provider, &ticket, comeback.query).await {
            Ok(proven) => proven,
            Err(not @ (Trouble::Untrusted | Trouble::Stale)) => {
                return Err(self.not_believed(door, &provider, not).await?);
            }
            Err(not) => return Err(trouble(not)),
        };
        match ticket.links {
            None => {
                self.enter(door, &provider, proven).await?;
                Ok(Arrived::SignedIn(ticket.next))
            }
            Some((person, session)) => {
                self.link(door, &provider, proven, person, session).await?;
                Ok(Arrived::Linked)
            }
        }
    }

    /// What makes a browser forget its ticket, which is of no use any more.
    pub fn forget_ticket(&self) -> HeaderValue {
        ticket::removal(self.is_https())
    }

    fn is_https(&self) -> bool {
        self.origin.starts_with("https:")
    }

    /// The ticket of this browser, if the answer belongs to it; it is used up.
    async fn take(&self, provider: &InUse, comeback: &Comeback<'_>) -> Result<Ticket, Trouble> {
        let ticket = Ticket::of(comeback.headers, &self.app.keys.sessions, self.is_https()).ok_or(Trouble::Lost)?;
        let state = said_once(comeback.query, "state").ok_or(Trouble::Lost)?;
        let same = bool::from(state.as_bytes().ct_eq(ticket.state.as_bytes()));
        if !same || ticket.provider != provider.key || ticket.expires_at <= self.app.store.now() {
            return Err(Trouble::Lost);
        }
        match self.app.store.system().use_sign_in(digest(&ticket.id), ticket.expires_at).await {
            Ok(true) => Ok(ticket),
            Ok(false) => Err(Trouble::Lost),
            Err(error) => {
                tracing::error!(%error, "a sign-in cannot be used up");
                Err(Trouble::Unreachable)
            }
        }
    }

    async fn prove(&self, provider: &InUse, ticket: &Ticket, query: &str) -> Result<Proven, Trouble> {
        let iss = said_once(query, "iss");
        // Mixed up with another provider (RFC 9207), or said twice.
        let foreign = iss.as_ref().is_some_and(|iss| *iss != provider.provider.issuer);
        if foreign || iss.is_none() && is_said(query, "iss") {
            return Err(Trouble::Untrusted);
        }
        if is_said(query, "error") {
            return Err(Trouble::Declined);
        }
        let code = said_once(query, "code").filter(|code| !code.is_empty()).ok_or(Trouble::Untrusted)?;
        let (asker, redirect) = (self.fetch.of(&provider.provider.issuer), self.redirect(&provider.key));
        match provider.provider.kind {
            Kind::Github => github::prove(provider, &asker, redirect, ticket, code).await,
            _ => {
                let now = self.app.store.now();
                oidc::prove(provider, &asker, redirect, ticket, code, iss.as_deref(), now).await
            }
        }
    }
}

fn is_said(query: &str, name: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes()).any(|(its, _)| its == name)
}

/// A parameter that stands in the query exactly once (RFC 6749, 3.1).
fn said_once(query: &str, name: &str) -> Option<String> {
    let mut found = url::form_urlencoded::parse(query.as_bytes()).filter(|(its, _)| its == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value.into_owned()),
        _ => None,
    }
}
