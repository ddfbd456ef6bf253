//! API key authentication: `Authorization: Bearer mk_…`, and no other way (M-01).
use super::admin_networks;
use crate::{
    anonymous_log,
    http::ClientAddress,
    problem::Problem,
    rates::{self, AddedHeaders},
    state::App,
};
use auth::{cookie, digest, note_use, token};
use axum::extract::FromRequestParts;
use domain::{Actor, KeyLimits, Principal, SignedInBy, Timestamp, security::SecurityEvent};
use http::{HeaderMap, HeaderName, header, request::Parts};
use std::{net::IpAddr, time::Instant};
use store::KeyHolder;

/// The response header with the time at which the key expires (RFC 3339), once that is soon.
const KEY_EXPIRES: HeaderName = HeaderName::from_static("castellan-key-expires");

/// A program with the API key of a person or a service account.
#[derive(Clone, Debug)]
pub struct Program {
    /// The key's owner, limited to the key's scopes.
    pub actor: Actor,
    pub key: KeyHolder,
    token_hash: [u8; 32],
    address: Option<IpAddr>,
}

impl Program {
    /// Returns whether the key is still valid here and the rights of its owner are unchanged, for open streams.
    pub async fn still_valid(&self, app: &App) -> bool {
        let found = find(app, self.token_hash, self.address).await;
        found.is_ok_and(|now| {
            now.is_some_and(|now| {
                now.key.networks.admit(self.address)
                    && (now.actor.tenant_role, now.actor.roles) == (self.actor.tenant_role, self.actor.roles.clone())
            })
        })
    }

    /// Returns whether the key expires soon enough for a warning.
    pub fn ends_soon(&self, now: Timestamp) -> bool {
        self.key.expires_at.is_some_and(|at| at <= now.after(store::KEY_EXPIRY_NOTICE))
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
        authenticated_at: app.store.now(),
        fresh: true,
        address: address.map(|address| address.to_string()),
        key_prefix: Some(key.prefix.clone()),
    };
    let (id, scopes, only) = (key.id, key.scopes.clone(), key.organization_id);
    let actor = owner.by_key(key.owner_id, &KeyLimits { key: id, scopes, only, service: is_service });
    let actor = admin_networks::restrict(app, actor, address.map(ClientAddress)).await;
    Ok(Some(Program { actor, key, token_hash, address }))
}

/// Returns the API key of a request. `None` without exactly one, and for a request that carries a session as well.
fn bearer_token(headers: &HeaderMap) -> Option<&str> {
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
        let Some(key) = bearer_token(&parts.headers) else {
            return Err(Problem::unauthorized("Send one API key and no session: Authorization: Bearer mk_…"));
        };
        let address = parts.extensions.get::<ClientAddress>().map(|client| client.0);
        let program = find(app, digest(key), address).await?;
        let Some(program) = program else {
            let target = rates::target(&parts.method, &parts.uri);
            let prefix = key.get(..token::DISPLAYED_KEY_LENGTH);
            let reason = "the key is unknown, revoked or expired, or its owner is locked out";
            anonymous_log::refused(SecurityEvent::AuthenticationFailure, address, prefix, &target, reason);
            return Err(Problem::unauthorized("This key is unknown, revoked or expired."));
        };
        rates::charge(app, (&*parts).into(), &program.actor, Some(&program.key.prefix))
            .map_err(|exceeded| Problem::too_often(exceeded.detail(&parts.method), exceeded.wait.as_secs()))?;
        if !program.key.networks.admit(address) {
            admin_networks::record_key_refusal(app, &program.actor, &program.key.prefix).await;
            return Err(Problem::forbidden("This key does not work from this address."));
        }
        if address.is_some_and(|address| app.key_usage.is_due(program.key.id, address, Instant::now())) {
            let (store, actor, last) = (app.store.clone(), program.actor.clone(), program.key.last_used_at);
            note_use(async move {
                let mut write = store.write(&actor).await?;
                write.note_key_use(last).await?;
                write.commit().await
            })
            .await;
        }
        let now = app.store.now();
        if program.key.last_used_at.is_none_or(|at| now.since(at) >= store::system::LAST_USED) {
            let (store, used) = (app.store.clone(), program.key.clone());
            note_use(async move { store.system().touch_key(&used).await }).await;
        }
        if program.ends_soon(now)
            && let (Some(at), Some(added_headers)) = (program.key.expires_at, parts.extensions.get::<AddedHeaders>())
        {
            added_headers.add(KEY_EXPIRES, &at.to_string());
        }
        Ok(program)
    }
}
