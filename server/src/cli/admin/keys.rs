//! Commands for API keys and service accounts.
use crate::{
    authentication::digest,
    cli::targets::{console, find_organization, find_person, find_tenant},
    failure::Failure,
    state::App,
};
use domain::{
    Networks, PersonId, TenantId,
    policy::{CreateKey, CreateServiceAccount, RevokeKeysOf, SetMembership},
    role::Role,
    scope::Scopes,
};
use std::time::Duration;

/// Properties of a new key.
pub(super) struct KeyRequest {
    pub(super) name: String,
    pub(super) scopes: Scopes,
    pub(super) organization: Option<String>,
    pub(super) days: Option<u32>,
    pub(super) networks: Networks,
}

/// Creates a key. Its scopes may exceed the current permissions of its owner.
pub(super) async fn create(app: &App, user: &str, request: KeyRequest) -> Result<String, Failure> {
    let (tenant, owner, responsible) = find_owner(app, user).await?;
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
    write.commit().await?;
    Ok(token.text)
}

pub(super) async fn service_account(
    app: &App,
    name: String,
    responsible: &str,
    role: Role,
    organization: Option<&str>,
) -> Result<PersonId, Failure> {
    let (tenant, responsible, _) = find_owner(app, responsible).await?;
    let console = console(app, tenant);
    let organization = find_organization(app, &console, organization).await?;
    let proof = app.store.authorize(&console, CreateServiceAccount { name, responsible }).await?;
    let mut write = app.store.write(&console).await?;
    let person = write.create_service_account(proof).await?;
    write.set_membership(console.may(SetMembership { organization, person, role })?).await?;
    write.commit().await?;
    Ok(person)
}

pub(super) async fn list(app: &App, user: Option<&str>) -> Result<(), Failure> {
    let (tenant, owner) = match user {
        Some(user) => find_owner(app, user).await.map(|(tenant, owner, _)| (tenant, Some(owner)))?,
        None => (find_tenant(app, None).await?, None),
    };
    let now = app.store.now();
    let keys = app.store.read(&console(app, tenant)).await?.keys().await?;
    for key in keys.iter().filter(|key| owner.is_none_or(|owner| owner == key.owner_id)) {
        let state = match key.expires_at {
            _ if key.revoked_at.is_some() => "revoked".into(),
            Some(at) if at <= now => format!("expired {at}"),
            Some(at) => format!("active until {at}"),
            None => "active".into(),
        };
        println!("{}…  {state}  {}  {}  {}", key.prefix, key.scopes, key.owner, key.name);
    }
    Ok(())
}

pub(super) async fn revoke(app: &App, user: &str) -> Result<usize, Failure> {
    let (tenant, owner, responsible) = find_owner(app, user).await?;
    let console = console(app, tenant);
    let proof = app.store.authorize(&console, RevokeKeysOf { owner, responsible }).await?;
    let mut write = app.store.write(&console).await?;
    let revoked = write.revoke_keys_of(proof).await?;
    write.commit().await?;
    Ok(revoked)
}

/// Finds a person by email address, or a service account and its responsible person by ID.
async fn find_owner(app: &App, user: &str) -> Result<(TenantId, PersonId, Option<PersonId>), Failure> {
    if let Ok(id) = user.parse::<PersonId>() {
        for tenant in app.store.system().tenants().await? {
            let accounts = app.store.read(&console(app, tenant.id)).await?.service_accounts().await?;
            if let Some(account) = accounts.iter().find(|account| account.id == id) {
                return Ok((tenant.id, id, Some(account.responsible_id)));
            }
        }
        return Err(Failure::new(format!("there is no service account {id}")));
    }
    let known = find_person(app, user).await?;
    Ok((known.tenant_id, known.id, None))
}
