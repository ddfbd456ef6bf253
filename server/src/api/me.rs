//! Current API key operation: its owner and permissions.
use super::{
    enums,
    extract::{NoParameters, QueryParameters},
};
use crate::{authentication::Program, problem::Problem, state::App};
use axum::{Json, extract::State};
use domain::{
    Email, KeyId, OrganizationId, PersonId, TenantId, Timestamp,
    role::{Role, TenantRole},
    scope::{Scope, Scopes},
};
use serde::Serialize;
use utoipa::ToSchema;

/// An API key and its owner.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    /// Key ID.
    #[schema(value_type = Option<Uuid>)]
    key: Option<KeyId>,
    /// When the key expires, if ever.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Whether the key expires within 14 days. If so, every response has the header `Castellan-Key-Expires`.
    expires_soon: bool,
    /// ID of the organization that the key is restricted to, if any.
    #[schema(value_type = Option<Uuid>)]
    organization: Option<OrganizationId>,
    /// Allowed addresses and networks (CIDR, separated by commas); empty if all are allowed.
    networks: String,
    /// Whether the owner is a service account.
    service_account: bool,
    /// Scopes of the key that have an effect: not those beyond what its owner can do from this address.
    #[schema(value_type = Vec<enums::Scope>)]
    scopes: Vec<&'static str>,
    /// ID of the owner.
    #[schema(value_type = Option<Uuid>)]
    person: Option<PersonId>,
    /// Name of the owner and the key.
    name: String,
    /// Email address of the owner.
    #[schema(value_type = Option<String>)]
    email: Option<Email>,
    /// Tenant ID.
    #[schema(value_type = Uuid)]
    tenant: TenantId,
    /// Role that the key has in the tenant: that of the owner, or `person` if the key is limited to an organization or
    /// `admin_blocked` is true.
    #[schema(value_type = enums::TenantRole)]
    tenant_role: TenantRole,
    /// Whether the owner is an admin or auditor without effect, because the address of this request is not among those that the
    /// setting `admin.allow` permits.
    admin_blocked: bool,
    /// Organizations of the owner, including archived ones.
    organizations: Vec<Membership>,
}

/// Membership in an organization.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Membership {
    /// Organization ID.
    #[schema(value_type = Uuid)]
    id: OrganizationId,
    /// Name of the organization.
    name: String,
    /// Role of the owner in the organization.
    #[schema(value_type = enums::Role)]
    role: Role,
    /// When the organization was archived, if it was. Archived organizations are read-only.
    #[schema(value_type = Option<String>, format = DateTime)]
    archived_at: Option<Timestamp>,
}

/// Get the current API key
///
/// Returns the key of the request and its owner. Requires no scope.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "Me", security(("bearer" = [])),
    responses((status = 200, description = "The key and its owner.", body = Me))
)]
pub(super) async fn get_me(
    program: Program,
    State(app): State<App>,
    _: QueryParameters<NoParameters>,
) -> Result<Json<Me>, Problem> {
    let mut read = app.store.read(&program.actor).await?;
    let (in_use, archived) = (read.organizations().await?, read.archived_organizations().await?);
    let expires_soon = program.ends_soon(app.store.now());
    let (actor, key) = (program.actor, program.key);
    let tenant_role = if actor.admin_blocked { TenantRole::Person } else { actor.tenant_role };
    let highest = actor.roles.values().max().copied();
    let scopes = actor.scopes.iter().flat_map(Scopes::iter).filter(|scope| scope.is_held_by(tenant_role, highest));
    let own = in_use.into_iter().chain(archived).filter_map(|it| {
        Some(Membership { role: actor.role_in(it.id)?, id: it.id, name: it.name, archived_at: it.archived_at })
    });
    Ok(Json(Me {
        organizations: own.collect(),
        expires_soon,
        expires_at: key.expires_at,
        organization: key.organization_id,
        networks: key.networks.to_string(),
        service_account: key.responsible_id.is_some(),
        key: actor.key(),
        scopes: scopes.map(Scope::as_str).collect(),
        person: actor.person(),
        name: actor.name,
        email: actor.email,
        tenant: actor.tenant,
        tenant_role,
        admin_blocked: actor.admin_blocked,
    }))
}
