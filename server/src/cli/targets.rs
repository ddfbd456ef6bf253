//! Targets of `castellan admin` commands: the tenant, organization or person that a command names.
use crate::{failure::Failure, state::App};
use domain::{Actor, Email, OrganizationId, TenantId, policy::CreateOrganization};
use store::Organization;

/// Tenant and organization that a command applies to.
#[derive(Debug, clap::Args)]
pub(super) struct Location {
    /// Name or ID of the tenant [default: the first]
    #[arg(long)]
    pub(super) tenant: Option<String>,
    /// Name or ID of the organization [default: the first]
    #[arg(long)]
    pub(super) organization: Option<String>,
}

pub(super) fn console(app: &App, tenant: TenantId) -> Actor {
    Actor::console(tenant, app.store.now())
}

/// Finds a person by email address, including locked ones. The tenant must be named if the address belongs to people of several.
pub(super) async fn find_person(app: &App, address: &str, tenant: Option<&str>) -> Result<store::Credential, Failure> {
    let email = Email::parse(address)?;
    let mut known = app.store.system().credentials(&email).await?;
    if tenant.is_some() {
        let tenant = find_tenant(app, tenant).await?;
        known.retain(|known| known.tenant_id == tenant);
    }
    match (known.pop(), known.as_slice()) {
        (Some(only), []) => Ok(only),
        (Some(last), others) => {
            let tenants: Vec<_> = others.iter().chain([&last]).map(|known| known.tenant.as_str()).collect();
            let tenants = tenants.join(", ");
            Err(Failure::new(format!(
                "people of several tenants have the address {email}: add --tenant with one of: {tenants}"
            )))
        }
        (None, _) if tenant.is_some() => Err(Failure::new(format!("no person of this tenant has the address {email}"))),
        (None, _) => Err(Failure::new(format!("no person has the address {email}"))),
    }
}

pub(super) async fn find_tenant(app: &App, wanted: Option<&str>) -> Result<TenantId, Failure> {
    let tenants = app.store.system().tenants().await?;
    match wanted {
        Some(wanted) => {
            let found = tenants.iter().find(|tenant| tenant.name == wanted || tenant.id.to_string() == wanted);
            found.map(|tenant| tenant.id).ok_or_else(|| Failure::new(format!("there is no tenant {wanted}")))
        }
        None => tenants.first().map(|first| first.id).ok_or_else(|| {
            Failure::new("there is no tenant yet; create one with `castellan admin create-tenant --name NAME`")
        }),
    }
}

/// Finds a tenant, or creates the first one if none is named and there is none.
pub(super) async fn find_or_create_tenant(app: &App, wanted: Option<&str>) -> Result<TenantId, Failure> {
    if wanted.is_none() && app.store.system().tenants().await?.is_empty() {
        return Ok(app.store.system().create_tenant("Castellan").await?);
    }
    find_tenant(app, wanted).await
}

pub(super) async fn find_organization(
    app: &App,
    console: &Actor,
    wanted: Option<&str>,
) -> Result<OrganizationId, Failure> {
    let mut read = app.store.read(console).await?;
    let (mut organizations, archived) = (read.organizations().await?, read.archived_organizations().await?);
    drop(read);
    organizations.sort_by_key(|organization| organization.id);
    match wanted {
        Some(wanted) => {
            let matches = |it: &&Organization| it.name == wanted || it.id.to_string() == wanted;
            match (organizations.iter().find(matches), archived.iter().find(matches)) {
                (Some(found), _) => Ok(found.id),
                (None, Some(organization)) => Err(Failure::new(format!(
                    "{} is archived: restore it with `castellan admin restore-organization` first",
                    organization.name
                ))),
                (None, None) => Err(Failure::new(format!("there is no organization {wanted}"))),
            }
        }
        None => match organizations.first() {
            Some(first) => Ok(first.id),
            // A new organization must not silently replace archived ones.
            None if !archived.is_empty() => Err(Failure::new(
                "every organization is archived: restore one with `castellan admin restore-organization` first",
            )),
            None => create_organization(app, console, "Everybody").await,
        },
    }
}

pub(super) async fn create_organization(app: &App, console: &Actor, name: &str) -> Result<OrganizationId, Failure> {
    let proof = app.store.authorize(console, CreateOrganization { name: name.into() }).await?;
    let mut write = app.store.write(console).await?;
    let organization = write.create_organization(proof).await?;
    write.commit().await?;
    Ok(organization)
}
