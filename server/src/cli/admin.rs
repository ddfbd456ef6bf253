//! `castellan admin …`: tenants, people and keys without the web.
use crate::{
    auth::{Hasher, check_password, digest},
    failure::Failure,
    state::App,
};
use clap::{Subcommand, ValueEnum};
use domain::{
    Actor, Email, OrganisationId, PersonId, TenantId,
    policy::{CreateKey, CreateOrganisation, CreatePerson, SetMembership},
    role::{Role, TenantRole},
    scope::Scopes,
};
use std::io::Read;

#[derive(Debug, Subcommand)]
pub(super) enum Admin {
    /// Make a tenant with an organisation of the same name
    CreateTenant {
        /// What people call it
        #[arg(long)]
        name: String,
    },
    /// Make a person, in the first tenant and organisation unless said otherwise
    CreateUser {
        /// Their address
        #[arg(long)]
        email: String,
        /// What people call them [default: the address]
        #[arg(long)]
        name: Option<String>,
        /// What they are in the organisation; `admin` is an owner there and an admin of the tenant
        #[arg(long, default_value = "member")]
        role: UserRole,
        /// Read their password from the standard input
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Open or close emergency access: a password for an admin while one provider is the only way in; or show what is open
    BreakGlass(super::break_glass::BreakGlass),
    /// Make an API key for a person, and print it
    CreateKey {
        /// Their address
        #[arg(long)]
        user: String,
        /// What the key is called
        #[arg(long)]
        name: String,
        /// What it may do: `tasks:*,approvals:*,audit:read`
        #[arg(long)]
        scopes: Scopes,
    },
}

/// Where somebody is put.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The tenant's name or id [default: the first]
    #[arg(long)]
    tenant: Option<String>,
    /// The organisation's name or id [default: the first]
    #[arg(long)]
    organisation: Option<String>,
}

/// What somebody becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum UserRole {
    Admin,
    Auditor,
    Owner,
    Approver,
    Member,
    Viewer,
}

impl UserRole {
    const fn roles(self) -> (TenantRole, Option<Role>) {
        match self {
            Self::Admin => (TenantRole::Admin, Some(Role::Owner)),
            Self::Auditor => (TenantRole::Auditor, None),
            Self::Owner => (TenantRole::Person, Some(Role::Owner)),
            Self::Approver => (TenantRole::Person, Some(Role::Approver)),
            Self::Member => (TenantRole::Person, Some(Role::Member)),
            Self::Viewer => (TenantRole::Person, Some(Role::Viewer)),
        }
    }
}

pub(super) async fn run(command: Admin, app: App) -> Result<(), Failure> {
    match command {
        Admin::CreateTenant { name } => {
            let tenant = app.store.system().create_tenant(&name).await?;
            create_organisation(&app, &console(&app, tenant), &name).await?;
            println!("{tenant}");
        }
        Admin::CreateUser { email, name, role, password_stdin, place } => {
            let email = Email::parse(&email)?;
            let name = name.unwrap_or_else(|| email.to_string());
            let hash = match password_stdin {
                true => Some(password(&[&name, email.as_str()]).await?),
                false => None,
            };
            println!("{}", create_user(&app, email, name, role, hash, place).await?);
        }
        Admin::BreakGlass(command) => super::break_glass::run(command, &app).await?,
        Admin::CreateKey { user, name, scopes } => println!("{}", create_key(&app, &user, name, scopes).await?),
    }
    app.store.close().await;
    Ok(())
}

async fn create_user(
    app: &App,
    email: Email,
    name: String,
    role: UserRole,
    hash: Option<String>,
    place: Place,
) -> Result<PersonId, Failure> {
    let tenant = find_tenant(app, place.tenant.as_deref()).await?;
    let console = console(app, tenant);
    let organisation = find_organisation(app, &console, place.organisation.as_deref()).await?;
    let (tenant_role, role) = role.roles();
    let proof = app.store.authorise(&console, CreatePerson { email, name, tenant_role }).await?;
    let mut write = app.store.write(&console).await?;
    let person = write.create_person(proof).await?;
    if let Some(hash) = hash {
        write.set_password(person, &hash).await?;
    }
    if let Some(role) = role {
        write.set_membership(console.may(SetMembership { organisation, person, role })?).await?;
    }
    write.commit().await?;
    Ok(person)
}

async fn create_key(app: &App, user: &str, name: String, scopes: Scopes) -> Result<String, Failure> {
    let email = Email::parse(user)?;
    let known = app.store.system().credential(&email).await?;
    let known = known.ok_or_else(|| Failure::new(format!("there is nobody with the address {email}")))?;
    let console = console(app, known.tenant_id);
    let token = ::app::token::Token::new(::app::token::KEY_PREFIX)?;
    let action = CreateKey { owner: known.id, name, scopes, expires_at: None };
    let proof = app.store.authorise(&console, action).await?;
    let mut write = app.store.write(&console).await?;
    write.create_key(proof, token.shown(), digest(&token.text)).await?;
    write.commit().await?;
    Ok(token.text)
}

pub(super) fn console(app: &App, tenant: TenantId) -> Actor {
    Actor::console(tenant, app.store.now())
}

async fn find_tenant(app: &App, wanted: Option<&str>) -> Result<TenantId, Failure> {
    let tenants = app.store.system().tenants().await?;
    match wanted {
        Some(wanted) => {
            let found = tenants.iter().find(|tenant| tenant.name == wanted || tenant.id.to_string() == wanted);
            found.map(|tenant| tenant.id).ok_or_else(|| Failure::new(format!("there is no tenant {wanted}")))
        }
        None => match tenants.first() {
            Some(first) => Ok(first.id),
            None => Ok(app.store.system().create_tenant("Castellan").await?),
        },
    }
}

async fn find_organisation(app: &App, console: &Actor, wanted: Option<&str>) -> Result<OrganisationId, Failure> {
    let mut organisations = app.store.read(console).await?.organisations().await?;
    organisations.sort_by_key(|organisation| organisation.id);
    match wanted {
        Some(wanted) => {
            let named = |name: &str, id: OrganisationId| name == wanted || id.to_string() == wanted;
            let found = organisations.iter().find(|organisation| named(&organisation.name, organisation.id));
            found.map(|found| found.id).ok_or_else(|| Failure::new(format!("there is no organisation {wanted}")))
        }
        None => match organisations.first() {
            Some(first) => Ok(first.id),
            None => create_organisation(app, console, "Everybody").await,
        },
    }
}

async fn create_organisation(app: &App, console: &Actor, name: &str) -> Result<OrganisationId, Failure> {
    let proof = app.store.authorise(console, CreateOrganisation { name: name.into() }).await?;
    let mut write = app.store.write(console).await?;
    let organisation = write.create_organisation(proof).await?;
    write.commit().await?;
    Ok(organisation)
}

/// The hash of the password on the standard input: its first line.
async fn password(about: &[&str]) -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().take(4_096).read_to_string(&mut text)?;
    let password = text.lines().next().unwrap_or_default().to_owned();
    check_password(&password, about)?;
    Ok(Hasher::new()?.hash(password).await?)
}
