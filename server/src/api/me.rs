//! Whose key it is, and what it may do.
use super::{document::Always, words};
use crate::{auth::Program, problem::Problem, state::App};
use axum::{Json, extract::State};
use domain::{
    Email, KeyId, OrganizationId, PersonId, TenantId, Timestamp,
    role::{Role, TenantRole},
    scope::Scope,
};
use serde::Serialize;
use utoipa::ToSchema;

/// A key and its owner.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    /// The key's id.
    #[schema(value_type = Option<Uuid>)]
    key: Option<KeyId>,
    /// When the key stops working, if ever.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Whether that is within 14 days; then every answer says it in the header `Castellan-Key-Expires`, too.
    expires_soon: bool,
    /// The one organization that the key is for; whatever is of another one is not there for it.
    #[schema(value_type = Option<Uuid>)]
    organization: Option<OrganizationId>,
    /// The addresses and networks (CIDR, with commas) that the key works from; empty for everywhere.
    networks: String,
    /// Whether the owner is a service account.
    service_account: bool,
    /// What the key may do, of what its owner may.
    #[schema(value_type = Vec<words::Scope>)]
    scopes: Vec<&'static str>,
    /// The owner's id.
    #[schema(value_type = Option<Uuid>)]
    person: Option<PersonId>,
    /// The owner's name, and the key's.
    name: String,
    /// The owner's address.
    #[schema(value_type = Option<String>)]
    email: Option<Email>,
    /// The tenant's id.
    #[schema(value_type = Uuid)]
    tenant: TenantId,
    /// What the owner is in the tenant.
    #[schema(value_type = words::TenantRole)]
    tenant_role: TenantRole,
    /// The organizations that the owner is in, those that are archived among them: there nothing is submitted.
    organizations: Vec<Belongs>,
}

/// A role in an organization.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Belongs {
    /// The organization's id.
    #[schema(value_type = Uuid)]
    id: OrganizationId,
    /// What it is called.
    name: String,
    /// What the owner is there.
    #[schema(value_type = words::Role)]
    role: Role,
    /// Since when it is archived, if it is: what is in it is read, and nothing is submitted there.
    #[schema(value_type = Option<String>, format = DateTime)]
    archived_at: Option<Timestamp>,
}

/// Who am I
///
/// Needs no scope.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "Me", security(("bearer" = [])),
    responses((status = 200, description = "The key and its owner.", body = Me), Always)
)]
pub(super) async fn get_me(program: Program, State(app): State<App>) -> Result<Json<Me>, Problem> {
    let mut read = app.store.read(&program.actor).await?;
    let (in_use, archived) = (read.organizations().await?, read.archived_organizations().await?);
    let expires_soon = program.ends_soon(app.store.now());
    let (actor, key) = (program.actor, program.key);
    let own = in_use.into_iter().chain(archived).filter_map(|it| {
        Some(Belongs { role: actor.role_in(it.id)?, id: it.id, name: it.name, archived_at: it.archived_at })
    });
    Ok(Json(Me {
        organizations: own.collect(),
        expires_soon,
        expires_at: key.expires_at,
        organization: key.organization_id,
        networks: key.networks.to_string(),
        service_account: key.responsible_id.is_some(),
        key: actor.key(),
        scopes: actor.scopes.iter().flat_map(|scopes| scopes.iter()).map(Scope::as_str).collect(),
        person: actor.person(),
        name: actor.name,
        email: actor.email,
        tenant: actor.tenant,
        tenant_role: actor.tenant_role,
    }))
}
