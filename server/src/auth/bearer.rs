//! A program's request becomes an actor by its API key: `Authorization: Bearer mk_…`, and no other way (M-01).
use super::{digest, note_use};
use crate::{door::ClientAddress, problem::Problem, state::App};
use axum::extract::FromRequestParts;
use domain::{Actor, Principal, SignedInBy, scope::Scope};
use http::{header, request::Parts};

/// A program with a person's key.
#[derive(Clone, Debug)]
pub struct Program {
    /// Who, limited to what the key may.
    pub actor: Actor,
    token_hash: [u8; 32],
}

impl Program {
    /// The actor, if the key may read what `scope` says.
    ///
    /// # Errors
    /// 403 without the scope.
    pub fn reads(&self, scope: Scope) -> Result<&Actor, Problem> {
        if self.actor.has_scope(Some(scope)) {
            return Ok(&self.actor);
        }
        Err(Problem::forbidden(format!("This key does not have the scope {scope}.")))
    }

    /// Whether the key still works and its owner's rights are what they were: asked again by streams.
    pub async fn still_valid(&self, app: &App) -> bool {
        let found = find(app, self.token_hash, self.actor.address.clone()).await;
        found.is_ok_and(|now| {
            now.is_some_and(|now| {
                (now.actor.tenant_role, now.actor.roles) == (self.actor.tenant_role, self.actor.roles.clone())
            })
        })
    }
}

async fn find(app: &App, token_hash: [u8; 32], address: Option<String>) -> Result<Option<Program>, store::Error> {
    let system = app.store.system();
    let Some(key) = system.key(token_hash).await? else { return Ok(None) };
    let (person, roles) = system.holder(key.tenant_id, key.owner_id).await?;
    let (store, used) = (app.store.clone(), key.clone());
    note_use(async move { store.system().touch_key(&used).await }).await;
    let actor = Actor {
        tenant: key.tenant_id,
        principal: Principal::Key { key: key.id, owner: key.owner_id },
        name: format!("{} ({})", person.name, key.name),
        email: Some(person.email),
        tenant_role: person.tenant_role,
        roles,
        scopes: Some(key.scopes),
        by: SignedInBy::Key,
        proved_at: app.store.now(),
        fresh: true,
        address,
    };
    Ok(Some(Program { actor, token_hash }))
}

impl FromRequestParts<App> for Program {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let mut lines = parts.headers.get_all(header::AUTHORIZATION).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Err(Problem::unauthorised("Send one API key: Authorization: Bearer mk_…"));
        };
        let token = line.to_str().ok().and_then(|line| line.split_once(' '));
        let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
        let Some(token) = token.filter(|token| token.starts_with("mk_") && token.len() <= 100) else {
            return Err(Problem::unauthorised("Send one API key: Authorization: Bearer mk_…"));
        };
        let address = parts.extensions.get::<ClientAddress>().map(|client| client.0.to_string());
        let found = find(app, digest(token), address).await?;
        found.ok_or_else(|| Problem::unauthorised("This key is unknown, revoked or expired."))
    }
}
