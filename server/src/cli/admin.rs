//! `castellan admin …`: tenants, people and keys without the web.
mod keys;

use crate::{
    auth::{Hasher, check_password},
    config::Config,
    failure::Failure,
    keys::{Given, Keys, SecretsDir},
    state::App,
};
use clap::{Subcommand, ValueEnum};
use domain::{
    Actor, Email, Networks, OrganizationId, PersonId, TenantId,
    policy::{CreateOrganization, CreatePerson, SetMembership},
    role::{Role, TenantRole},
    scope::Scopes,
};
use std::io::Read;
use store::{Organization, Store};

#[derive(Debug, Subcommand)]
pub(super) enum Admin {
    /// Make a tenant with an organization of the same name
    CreateTenant {
        /// What people call it
        #[arg(long)]
        name: String,
    },
    /// Make a person, in the first tenant and organization unless said otherwise
    CreateUser {
        /// Their address
        #[arg(long)]
        email: String,
        /// What people call them [default: the address]
        #[arg(long)]
        name: Option<String>,
        /// What they are in the organization; `admin` is an owner there and an admin of the tenant
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
        /// The one organization that it is for: name or id
        #[arg(long)]
        organization: Option<String>,
        /// In how many days it ends [default: never]
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=366))]
        days: Option<u32>,
        /// Where from it works: addresses or networks, with commas [default: everywhere]
        #[arg(long, default_value = "")]
        networks: Networks,
    },
    /// Make a service account: an owner of keys that never signs in; `create-key --user` takes what this prints
    CreateServiceAccount {
        /// What it is called
        #[arg(long)]
        name: String,
        /// The address of the person who answers for it
        #[arg(long)]
        responsible: String,
        /// What it is in the organization: `viewer` or `member`
        #[arg(long, default_value = "member")]
        role: ServiceRole,
        /// The organization's name or id [default: the first]
        #[arg(long)]
        organization: Option<String>,
    },
    /// Put a new session secret in the place of the old one; nobody is signed out. Restart every node afterwards
    RotateSessionSecret,
    /// List the keys of a person, or of everybody in the first tenant
    ListKeys {
        /// Their address
        #[arg(long)]
        user: Option<String>,
    },
    /// Revoke all keys of a person or a service account
    RevokeKeys {
        /// Their address, or a service account's id
        #[arg(long)]
        user: String,
    },
    #[command(flatten)]
    Organizations(super::organizations::Organizations),
    #[command(flatten)]
    Emergency(super::emergency::Emergency),
}

/// Where somebody is put.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The tenant's name or id [default: the first]
    #[arg(long)]
    pub(super) tenant: Option<String>,
    /// The organization's name or id [default: the first]
    #[arg(long)]
    pub(super) organization: Option<String>,
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

/// What a service account becomes: it decides nothing and manages nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ServiceRole {
    Viewer,
    Member,
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

impl Admin {
    pub(super) const fn rotates(&self) -> bool {
        matches!(self, Self::RotateSessionSecret)
    }
}

/// Rotates the session secret in its file; where it is configured, makes the configured one known. The database is opened
/// without asking whether the present one is right: that is what changes.
pub(super) async fn rotate_session_secret(config: Config, given: Given) -> Result<(), Failure> {
    let secrets = SecretsDir::open_or_create(&config.secrets_dir())?;
    let keys = Keys::open_with(&secrets, given)?;
    let store = Store::open(App::settings(&keys, config.database().expose().to_owned())).await?;
    if keys.configured {
        keys.accept_session_secret(&store).await?;
        println!("The configured session secret is the deployment's from now on. Restart every node with it.");
    } else {
        keys.check_with(&store, &secrets).await?;
        keys.rotate_session_secret(&store, &secrets).await?;
        println!(
            "The session secret is a new one; nobody was signed out. Copy {} to the other nodes, and restart every node.",
            secrets.path("sessions.key").display()
        );
    }
    store.close().await;
    Ok(())
}

/// Does it, and has the server look at what was changed, also where something failed half-way.
pub(super) async fn run(command: Admin, app: App) -> Result<(), Failure> {
    let done = act(command, &app).await;
    crate::console::tell(&app).await;
    app.store.close().await;
    done
}

async fn act(command: Admin, app: &App) -> Result<(), Failure> {
    match command {
        Admin::CreateTenant { name } => {
            let tenant = app.store.system().create_tenant(&name).await?;
            create_organization(app, &console(app, tenant), &name).await?;
            println!("{tenant}");
        }
        Admin::CreateUser { email, name, role, password_stdin, place } => {
            let email = Email::parse(&email)?;
            let name = name.unwrap_or_else(|| email.to_string());
            let hash = match password_stdin {
                true => Some(password(&[&name, email.as_str()]).await?),
                false => None,
            };
            println!("{}", create_user(app, email, name, role, hash, place).await?);
        }
        Admin::CreateKey { user, name, scopes, organization, days, networks } => {
            let wanted = keys::Wanted { name, scopes, organization, days, networks };
            println!("{}", keys::create(app, &user, wanted).await?);
        }
        Admin::CreateServiceAccount { name, responsible, role, organization } => {
            let role = match role {
                ServiceRole::Viewer => Role::Viewer,
                ServiceRole::Member => Role::Member,
            };
            println!("{}", keys::service_account(app, name, &responsible, role, organization.as_deref()).await?);
        }
        Admin::RotateSessionSecret => {} // done without the checks of a start
        Admin::ListKeys { user } => keys::list(app, user.as_deref()).await?,
        Admin::BreakGlass(command) => super::break_glass::run(command, app).await?,
        Admin::Organizations(command) => super::organizations::run(command, app).await?,
        Admin::Emergency(command) => super::emergency::run(command, app).await?,
        Admin::RevokeKeys { user } => println!("{} revoked", keys::revoke(app, &user).await?),
    }
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
    let organization = find_organization(app, &console, place.organization.as_deref()).await?;
    let (tenant_role, role) = role.roles();
    let proof = app.store.authorize(&console, CreatePerson { email, name, tenant_role }).await?;
    let mut write = app.store.write(&console).await?;
    let person = write.create_person(proof).await?;
    if let Some(hash) = hash {
        write.set_password(person, &hash).await?;
    }
    if let Some(role) = role {
        write.set_membership(console.may(SetMembership { organization, person, role })?).await?;
    }
    write.commit().await?;
    Ok(person)
}

pub(super) fn console(app: &App, tenant: TenantId) -> Actor {
    Actor::console(tenant, app.store.now())
}

/// The person with an address, locked out or not. An address belongs to one person of one tenant.
pub(super) async fn find_person(app: &App, address: &str) -> Result<store::Credential, Failure> {
    let email = Email::parse(address)?;
    let known = app.store.system().credential(&email).await?;
    known.ok_or_else(|| Failure::new(format!("there is nobody with the address {email}")))
}

pub(super) async fn find_tenant(app: &App, wanted: Option<&str>) -> Result<TenantId, Failure> {
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
            let named = |one: &&Organization| one.name == wanted || one.id.to_string() == wanted;
            match (organizations.iter().find(named), archived.iter().find(named)) {
                (Some(found), _) => Ok(found.id),
                (None, Some(away)) => Err(Failure::new(format!(
                    "{} is archived: bring it back by `castellan admin restore-organization` first",
                    away.name
                ))),
                (None, None) => Err(Failure::new(format!("there is no organization {wanted}"))),
            }
        }
        None => match organizations.first() {
            Some(first) => Ok(first.id),
            // Nobody asked for another one: those that there are were put away.
            None if !archived.is_empty() => Err(Failure::new(
                "every organization is archived: bring one back by `castellan admin restore-organization` first",
            )),
            None => create_organization(app, console, "Everybody").await,
        },
    }
}

async fn create_organization(app: &App, console: &Actor, name: &str) -> Result<OrganizationId, Failure> {
    let proof = app.store.authorize(console, CreateOrganization { name: name.into() }).await?;
    let mut write = app.store.write(console).await?;
    let organization = write.create_organization(proof).await?;
    write.commit().await?;
    Ok(organization)
}

/// The hash of the password on the standard input: its first line.
async fn password(about: &[&str]) -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().take(4_096).read_to_string(&mut text)?;
    let password = text.lines().next().unwrap_or_default().to_owned();
    check_password(&password, about)?;
    Ok(Hasher::new()?.hash(password).await?)
}
