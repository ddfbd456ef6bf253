//! Commands for API keys and service accounts.
use crate::{
    authentication::digest,
    cli::targets::{console, find_organization, find_person, find_tenant},
    failure::Failure,
    output::Output,
    state::App,
};
use domain::{
    Networks, PersonId, TenantId,
    policy::{CreateKey, CreateServiceAccount, RevokeKeysOf, SetMembership},
    role::Role,
    scope::Scopes,
};
use serde_json::json;
use std::time::Duration;

/// Properties of a new key.
pub(super) struct KeyRequest {
    pub(super) name: String,
    pub(super) scopes: Scopes,
    pub(super) organization: Option<String>,
    pub(super) days: Option<u32>,
    pub(super) networks: Networks,
}

/// Creates a key and prints it. Its scopes may exceed the current permissions of its owner.
pub(super) async fn create(
    app: &App,
    user: &str,
    tenant: Option<&str>,
    request: KeyRequest,
    output: Output,
) -> Result<(), Failure> {
    let (tenant, owner, responsible) = find_owner(app, user, tenant).await?;
    let console = console(app, tenant);
    let organization = match &request.organization {
        Some(name) => Some(find_organization(app, &console, Some(name)).await?),
        None => None,
    };
    let token = auth::Token::new(auth::token::KEY_PREFIX)?;
    let expiry = |days: u32| app.store.now().after(Duration::from_secs(u64::from(days) * 86_400));
    let action = CreateKey {
        owner,
        name: request.name,
        scopes: request.scopes,
        expires_at: request.days.map(expiry),
        organization,
        networks: request.networks,
        responsible,
    };
    let proof = app.store.authorize(&console, action).await?;
    let mut write = app.store.write(&console).await?;
    write.create_key(proof, token.shown(), digest(&token.text)).await?;
    // Before the commit, so that a key that cannot be printed is not created.
    output.print(&json!({ "key": token.text }), &token.text)?;
    Ok(write.commit().await?)
}

pub(super) async fn service_account(
    app: &App,
    name: String,
    responsible: &str,
    tenant: Option<&str>,
    role: Role,
    organization: Option<&str>,
) -> Result<PersonId, Failure> {
    let (tenant, responsible, _) = find_owner(app, responsible, tenant).await?;
    let console = console(app, tenant);
    let organization = find_organization(app, &console, organization).await?;
    let proof = app.store.authorize(&console, CreateServiceAccount { name, responsible }).await?;
    let mut write = app.store.write(&console).await?;
    let person = write.create_service_account(proof).await?;
    write.set_membership(console.may(SetMembership { organization, person, role })?).await?;
    write.commit().await?;
    Ok(person)
}

/// Prints the keys of a person, a tenant, or all tenants.
pub(super) async fn list(app: &App, user: Option<&str>, tenant: Option<&str>, output: Output) -> Result<(), Failure> {
    let (only, owner) = match (user, tenant) {
        (Some(user), _) => find_owner(app, user, tenant).await.map(|(tenant, owner, _)| (Some(tenant), Some(owner)))?,
        (None, Some(tenant)) => (Some(find_tenant(app, Some(tenant)).await?), None),
        (None, None) => (None, None),
    };
    let (now, mut data, mut text) = (app.store.now(), vec![], String::new());
    let tenants = app.store.system().tenants().await?;
    for tenant in tenants.iter().filter(|tenant| only.is_none_or(|only| only == tenant.id)) {
        let keys = app.store.read(&console(app, tenant.id)).await?.keys().await?;
        for key in keys.iter().filter(|key| owner.is_none_or(|owner| owner == key.owner_id)) {
            let (state, state_text) = match key.expires_at {
                _ if key.revoked_at.is_some() => ("revoked", "revoked".to_owned()),
                Some(at) if at <= now => ("expired", format!("expired {at}")),
                Some(at) => ("active", format!("active until {at}")),
                None => ("active", "active".to_owned()),
            };
            let (prefix, scopes, owner, name) = (&key.prefix, &key.scopes, &key.owner, &key.name);
            text.push_str(&format!("{}  {prefix}…  {state_text}  {scopes}  {owner}  {name}\n", tenant.name));
            data.push(json!({
                "tenant": tenant.name, "prefix": prefix, "state": state, "expires_at": key.expires_at,
                "scopes": scopes.to_string(), "owner": owner, "owner_id": key.owner_id, "name": name,
            }));
        }
    }
    output.print(&json!({ "keys": data }), text)
}

pub(super) async fn revoke(app: &App, user: &str, tenant: Option<&str>) -> Result<usize, Failure> {
    let (tenant, owner, responsible) = find_owner(app, user, tenant).await?;
    let console = console(app, tenant);
    let proof = app.store.authorize(&console, RevokeKeysOf { owner, responsible }).await?;
    let mut write = app.store.write(&console).await?;
    let revoked = write.revoke_keys_of(proof).await?;
    write.commit().await?;
    Ok(revoked)
}

/// Finds a person by email address, or a service account and its responsible person by ID.
async fn find_owner(
    app: &App,
    user: &str,
    tenant: Option<&str>,
) -> Result<(TenantId, PersonId, Option<PersonId>), Failure> {
    if let Ok(id) = user.parse::<PersonId>() {
        for tenant in app.store.system().tenants().await? {
            let accounts = app.store.read(&console(app, tenant.id)).await?.service_accounts().await?;
            if let Some(account) = accounts.iter().find(|account| account.id == id) {
                return Ok((tenant.id, id, Some(account.responsible_id)));
            }
        }
        return Err(Failure::new(format!("there is no service account {id}")));
    }
    let known = find_person(app, user, tenant).await?;
    Ok((known.tenant_id, known.id, None))
}
