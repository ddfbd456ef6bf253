//! A program's request becomes an actor by its API key: `Authorization: Bearer mk_…`, and no other way (M-01).
use super::{cookie, digest, note_use};
use crate::{
    anonymous_log,
    http::ClientAddress,
    problem::Problem,
    rates::{self, Remarks},
    state::App,
};
use axum::extract::FromRequestParts;
use domain::{Actor, KeyLimits, Principal, SignedInBy, Timestamp, security::SecurityEvent};
use http::{HeaderMap, HeaderName, header, request::Parts};
use std::{net::IpAddr, time::Instant};
use store::KeyHolder;

/// Says when the key ends, once that is soon, in the form of RFC 3339.
const ENDS: HeaderName = HeaderName::from_static("castellan-key-expires");

/// A program with a person's key, or a service account's.
#[derive(Clone, Debug)]
pub struct Program {
    /// Who, limited to what the key may.
    pub actor: Actor,
    /// The key.
    pub key: KeyHolder,
    token_hash: [u8; 32],
    address: Option<IpAddr>,
}

impl Program {
    /// Whether the key still works here and its owner's rights are what they were: asked again by streams.
    pub async fn still_valid(&self, app: &App) -> bool {
        let found = find(app, self.token_hash, self.address).await;
        found.is_ok_and(|now| {
            now.is_some_and(|now| {
                now.key.networks.admit(self.address)
                    && (now.actor.tenant_role, now.actor.roles) == (self.actor.tenant_role, self.actor.roles.clone())
            })
        })
    }

    /// Whether the key ends so soon that whoever uses it should hear of it.
    pub fn ends_soon(&self, now: Timestamp) -> bool {
        self.key.expires_at.is_some_and(|at| at <= now.after(store::ENDS_SOON))
    }
}

async fn find(app: &App, token_hash: [u8; 32], address: Option<IpAddr>) -> Result<Option<Program>, store::Error> {
    let Some((key, person)) = app.store.system().key(token_hash).await? else { return Ok(None) };
    let is_service = key.responsible_id.is_some();
    let owner = Actor {
        tenant: key.tenant_id,
        principal: Principal::Person(key.owner_id),
        name: format!("{} ({})", person.name, key.name),
        email: (!is_service).then_some(person.email),
        tenant_role: person.tenant_role,
        roles: person.roles,
        scopes: None,
        only: None,
        admin_blocked: false,
        by: SignedInBy::Key,
        proved_at: app.store.now(),
        fresh: true,
        address: address.map(|address| address.to_string()),
        key_prefix: Some(key.prefix.clone()),
    };
    let (id, scopes, only) = (key.id, key.scopes.clone(), key.organization_id);
    let actor = owner.by_key(key.owner_id, &KeyLimits { key: id, scopes, only, service: is_service });
    let actor = super::refused::admin_blocked(app, actor, address.map(ClientAddress)).await;
    Ok(Some(Program { actor, key, token_hash, address }))
}

/// The one key that a request shows; `None` for every other way to show one, and for anything beside it that could say
/// somebody else.
fn token(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let (scheme, token) = line.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    let good = scheme.eq_ignore_ascii_case("bearer") && token.starts_with("mk_") && token.len() <= 100;
    (good && !cookie::is_in(headers)).then_some(token)
}

impl FromRequestParts<App> for Program {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Some(token) = token(&parts.headers) else {
            return Err(Problem::unauthorized("Send one API key and no session: Authorization: Bearer mk_…"));
        };
        let address = parts.extensions.get::<ClientAddress>().map(|client| client.0);
        let program = find(app, digest(token), address).await?;
        let Some(program) = program else {
            let target = rates::target(&parts.method, &parts.uri);
            let prefix = token.get(..app::token::SHOWN);
            let reason = "the key is unknown, revoked or expired, or its owner is locked out";
            anonymous_log::refused(SecurityEvent::AuthenticationFailure, address, prefix, &target, reason);
            return Err(Problem::unauthorized("This key is unknown, revoked or expired."));
        };
        rates::charge(app, (&*parts).into(), &program.actor, Some(&program.key.prefix))
            .map_err(|exceeded| Problem::too_often(exceeded.detail(&parts.method), exceeded.wait.as_secs()))?;
        if !program.key.networks.admit(address) {
            super::refused::elsewhere(app, &program.actor, &program.key.prefix).await;
            return Err(Problem::forbidden("This key does not work from this address."));
        }
        if address.is_some_and(|address| app.places.is_news(program.key.id, address, Instant::now())) {
            let (store, actor, last) = (app.store.clone(), program.actor.clone(), program.key.last_used_at);
            note_use(async move {
                let mut write = store.write(&actor).await?;
                write.note_key_use(last).await?;
                write.commit().await
            })
            .await;
        }
        // After what its silence may tell.
        let now = app.store.now();
        if program.key.last_used_at.is_none_or(|at| now.since(at) >= store::system::LAST_USED) {
            let (store, used) = (app.store.clone(), program.key.clone());
            note_use(async move { store.system().touch_key(&used).await }).await;
        }
        if program.ends_soon(now)
            && let (Some(at), Some(remarks)) = (program.key.expires_at, parts.extensions.get::<Remarks>())
        {
            remarks.add(ENDS, &at.to_string());
        }
        Ok(program)
    }
}
