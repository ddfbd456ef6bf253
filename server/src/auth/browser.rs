//! A browser's request becomes an actor by its session.
use super::sessions::{HOLDER, Holder};
use crate::{config::SecondFactor, http::ClientAddress, rates, state::App};
use app::door::Stage;
use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{Actor, BrowserSessionId, Principal, role::TenantRole};
use http::{StatusCode, request::Parts};
use std::time::Duration;
use store::{BrowserSessionRow, system};
use tower_sessions::Session;

/// Somebody signed in with a browser.
#[derive(Clone, Debug)]
pub struct Browser {
    /// Who.
    pub actor: Actor,
    /// With which session.
    pub session: BrowserSessionId,
    pub(super) holder: Holder,
}

/// Somebody who signed in, and has not shown all that they must: nobody, but for the few acts that lead on from here.
#[derive(Clone, Debug)]
pub struct Halfway {
    /// Who it would be.
    pub(super) browser: Browser,
    /// What is missing.
    pub(super) stage: Stage,
}

impl Browser {
    /// Whether the session is still open and its person's rights are what they were: asked again by streams.
    pub async fn still_valid(&self, app: &App) -> bool {
        let mut read = match app.store.read(&self.actor).await {
            Ok(read) => read,
            Err(_) => return false,
        };
        let (now, idle) = (app.store.now(), app.config.sessions.idle);
        // A stream is no use of a session: who only watches is signed out like who does nothing.
        let lasts = |session: &BrowserSessionRow| session.expires_at > now && session.last_used_at > now.before(idle);
        let open = read.own_browser_session(self.session).await.is_ok_and(|own| own.as_ref().is_some_and(lasts));
        drop(read); // whoever holds one and waits for another may wait for who does the same
        let holder = app.store.system().holder(self.holder.tenant, self.holder.person).await;
        open && holder.is_ok_and(|person| {
            stage(app, &self.holder, &person) == Stage::Complete
                && (person.tenant_role, &person.roles) == (self.actor.tenant_role, &self.actor.roles)
        })
    }
}

/// Finds who is signed in, for every request that a browser may send; without a session it goes on as nobody's.
pub async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match find(&app, &mut request).await {
        // Only a complete session makes its holder somebody: whatever asks for a Browser or an Actor finds none else.
        Ok(Some(Halfway { browser, stage: Stage::Complete })) => {
            if let Err(exceeded) = rates::charge(&app, (&request).into(), &browser.actor, None) {
                return rates::refusal(&exceeded, request.method(), request.uri(), request.headers());
            }
            request.extensions_mut().insert(browser);
        }
        Ok(Some(halfway)) => {
            request.extensions_mut().insert(halfway);
        }
        Ok(None) => {}
        Err(error) => {
            tracing::error!(%error, "a session could not be read");
            return (
                StatusCode::SERVICE_UNAVAILABLE,
                [("retry-after", "2")],
                "The database does not answer. Try again in a moment.\n",
            )
                .into_response();
        }
    }
    next.run(request).await
}

async fn find(app: &App, request: &mut Request) -> Result<Option<Halfway>, String> {
    let Some(session) = request.extensions().get::<Session>().cloned() else { return Ok(None) };
    if session.id().is_none() {
        return Ok(None);
    }
    let found: Option<Holder> = session.get(HOLDER).await.map_err(|error| error.to_string())?;
    let Some((holder, person)) = found.and_then(|mut holder| holder.who.take().map(|person| (holder, person))) else {
        return Ok(None);
    };
    let address = request.extensions().get::<ClientAddress>().map(|client| client.0.to_string());
    if holder.becomes.is_some() {
        session.cycle_id().await.map_err(|error| error.to_string())?;
    }
    let stage = stage(app, &holder, &person);
    let fresh = app.store.now().since(holder.proved_at) < app.config.sessions.step_up;
    let actor = actor(&holder, person, address, fresh);
    let actor = super::refused::admin_blocked(app, actor, request.extensions().get::<ClientAddress>().copied()).await;
    Ok(Some(Halfway { browser: Browser { actor, session: holder.session, holder }, stage }))
}

/// How far somebody has come with signing in (M-14). Asked at every request: a rule that changes counts at once.
fn stage(app: &App, holder: &Holder, person: &system::Holder) -> Stage {
    match (holder.vouched, person.has_factor) {
        (true, _) => Stage::Complete,
        (false, true) => Stage::Show,
        (false, false) if must_have_factor(app, person) => Stage::Enroll,
        (false, false) => Stage::Complete,
    }
}

/// Whether somebody must have a second factor.
pub(super) fn must_have_factor(app: &App, person: &system::Holder) -> bool {
    person.everybody
        || match app.config.auth.second_factor {
            SecondFactor::Off => false,
            SecondFactor::Admins => person.tenant_role == TenantRole::Admin,
            SecondFactor::Everybody => true,
        }
}

pub(super) fn actor(holder: &Holder, person: system::Holder, address: Option<String>, fresh: bool) -> Actor {
    Actor {
        tenant: holder.tenant,
        principal: Principal::Person(holder.person),
        name: person.name,
        email: Some(person.email),
        tenant_role: person.tenant_role,
        roles: person.roles,
        scopes: None,
        only: None,
        admin_blocked: false,
        by: holder.by,
        proved_at: holder.proved_at,
        fresh,
        address,
        key_prefix: None,
    }
}

/// How often a stream asks again whether its session is open, should an event have been missed.
pub const RECHECK: Duration = Duration::from_mins(1);

impl<S: Sync> FromRequestParts<S> for Browser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let signed_out = || (StatusCode::UNAUTHORIZED, "Sign in first.\n").into_response();
        parts.extensions.get::<Self>().cloned().ok_or_else(signed_out)
    }
}
