//! `castellan admin` commands for tenants, people and keys.
mod keys;

use super::targets::{Location, console, create_organization, find_organization, find_tenant};
use crate::{
    authentication::{Hasher, check_password},
    config::Config,
    failure::Failure,
    keys::{EnvironmentSecrets, Keys, SecretsDir},
    state::App,
};
use clap::{Subcommand, ValueEnum};
use domain::{
    Email, Networks, PersonId,
    policy::{CreatePerson, SetMembership},
    role::{Role, TenantRole},
    scope::Scopes,
};
use std::io::Read;
use store::Store;

#[derive(Debug, Subcommand)]
pub(super) enum Admin {
    /// Create a tenant with an organization of the same name
    CreateTenant {
        /// Name of the tenant
        #[arg(long)]
        name: String,
    },
    /// Create a person, by default in the first tenant and organization
    CreateUser {
        /// Email address
        #[arg(long)]
        email: String,
        /// Display name [default: the email address]
        #[arg(long)]
        name: Option<String>,
        /// Role in the organization; `admin` is an owner of the organization and an admin of the tenant
        #[arg(long, default_value = "member")]
        role: UserRole,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        location: Location,
    },
    /// Open, close or list break-glass access: a password sign-in for an admin while only one identity provider is allowed
    BreakGlass(super::break_glass::BreakGlass),
    /// Create an API key for a person or service account, and print it
    CreateKey {
        /// Email address of the person, or ID of the service account
        #[arg(long)]
        user: String,
        /// Name of the key
        #[arg(long)]
        name: String,
        /// Scopes, separated by commas, such as `tasks:*,approvals:*,audit:read`
        #[arg(long)]
        scopes: Scopes,
        /// Restrict the key to one organization: name or ID
        #[arg(long)]
        organization: Option<String>,
        /// Days until the key expires [default: never]
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=366))]
        days: Option<u32>,
        /// Allowed addresses or networks, separated by commas [default: all]
        #[arg(long, default_value = "")]
        networks: Networks,
    },
    /// Create a service account and print its ID, for use with `create-key --user`
    CreateServiceAccount {
        /// Name of the service account
        #[arg(long)]
        name: String,
        /// Email address of the person who is responsible for it
        #[arg(long)]
        responsible: String,
        /// Role in the organization
        #[arg(long, default_value = "member")]
        role: ServiceRole,
        /// Name or ID of the organization [default: the first]
        #[arg(long)]
        organization: Option<String>,
    },
    /// Replace the session secret without ending sessions. Restart every node afterwards
    RotateSessionSecret,
    /// Replace the key that signs checkpoints of the audit log by one that it signs. Restart every node afterwards
    RotateCheckpointKey,
    /// Replace the key that signs grants and approvals by one that it signs. Stop every node, then run this on one of them
    RotateGrantKey,
    /// List the API keys of a person, or of the first tenant
    ListKeys {
        /// Email address of the person, or ID of the service account
        #[arg(long)]
        user: Option<String>,
    },
    /// Revoke all API keys of a person or service account
    RevokeKeys {
        /// Email address of the person, or ID of the service account
        #[arg(long)]
        user: String,
    },
    #[command(flatten)]
    Organizations(super::organizations::Organizations),
    #[command(flatten)]
    Emergency(super::emergency::Emergency),
}

/// Role of a new person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum UserRole {
    Admin,
    Auditor,
    Owner,
    Approver,
    Member,
    Viewer,
}

/// Role of a service account, which can neither approve nor manage.
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
    pub(super) const fn is_secret_rotation(&self) -> bool {
        matches!(self, Self::RotateSessionSecret)
    }
}

/// Rotates the session secret in its file, or registers the secret from the environment. The database is opened without
/// checking the current secret, because it is about to change.
pub(super) async fn rotate_session_secret(config: Config, given: EnvironmentSecrets) -> Result<(), Failure> {
    let secrets = SecretsDir::open_or_create(&config.secrets_dir())?;
    let keys = Keys::open_with(&secrets, given)?;
    let store = Store::open(App::settings(&keys, config.database().expose().to_owned())).await?;
    if keys.configured {
        keys.accept_session_secret(&store).await?;
        println!("The session secret from the environment is now in use. Restart every node with it.");
    } else {
        keys.check_with(&store, &secrets).await?;
        keys.rotate_session_secret(&store, &secrets).await?;
        println!(
            "The session secret was replaced; sessions stay valid. Copy {} to the other nodes and restart every node.",
            secrets.path("sessions.key").display()
        );
    }
    store.close().await;
    Ok(())
}

/// Runs the command and notifies the server of changes, even after a partial failure.
pub(super) async fn run(command: Admin, app: App) -> Result<(), Failure> {
    let result = execute(command, &app).await;
    crate::console::notify_server(&app).await;
    app.store.close().await;
    result
}

async fn execute(command: Admin, app: &App) -> Result<(), Failure> {
    match command {
        Admin::CreateTenant { name } => {
            let tenant = app.store.system().create_tenant(&name).await?;
            create_organization(app, &console(app, tenant), &name).await?;
            println!("{tenant}");
        }
        Admin::CreateUser { email, name, role, password_stdin, location } => {
            let email = Email::parse(&email)?;
            let name = name.unwrap_or_else(|| email.to_string());
            let hash = match password_stdin {
                true => Some(password(&[&name, email.as_str()]).await?),
                false => None,
            };
            println!("{}", create_user(app, email, name, role, hash, location).await?);
        }
        Admin::CreateKey { user, name, scopes, organization, days, networks } => {
            let request = keys::KeyRequest { name, scopes, organization, days, networks };
            println!("{}", keys::create(app, &user, request).await?);
        }
        Admin::CreateServiceAccount { name, responsible, role, organization } => {
            let role = match role {
                ServiceRole::Viewer => Role::Viewer,
                ServiceRole::Member => Role::Member,
            };
            println!("{}", keys::service_account(app, name, &responsible, role, organization.as_deref()).await?);
        }
        Admin::RotateSessionSecret => {} // handled before the store opens
        Admin::RotateCheckpointKey => {
            let secrets = SecretsDir::open_or_create(&app.config.secrets_dir())?;
            app.keys.checkpoints.rotate(&secrets, false)?;
            println!(
                "The checkpoint key was replaced. Copy {} to the other nodes and restart every node.",
                secrets.path("checkpoints.pem").display()
            );
        }
        Admin::RotateGrantKey => {
            let secrets = SecretsDir::open_or_create(&app.config.secrets_dir())?;
            app.keys.grants.rotate(&secrets, true)?;
            println!(
                "The grant key was replaced. The next start signs open tasks and the rules again. Copy {} to the other nodes, then start \
                 every node.",
                secrets.path("grants.pem").display()
            );
        }
        Admin::ListKeys { user } => keys::list(app, user.as_deref()).await?,
        Admin::BreakGlass(command) => super::break_glass::run(command, app).await?,
        Admin::Organizations(command) => super::organizations::run(command, app).await?,
        Admin::Emergency(command) => super::emergency::run(command, app).await?,
        Admin::RevokeKeys { user } => println!("{} keys revoked", keys::revoke(app, &user).await?),
    }
    Ok(())
}

async fn create_user(
    app: &App,
    email: Email,
    name: String,
    role: UserRole,
    hash: Option<String>,
    location: Location,
) -> Result<PersonId, Failure> {
    let tenant = find_tenant(app, location.tenant.as_deref()).await?;
    let console = console(app, tenant);
    let organization = find_organization(app, &console, location.organization.as_deref()).await?;
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

/// Reads the password from the first line of standard input and returns its hash.
async fn password(about: &[&str]) -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().take(4_096).read_to_string(&mut text)?;
    let password = text.lines().next().unwrap_or_default().to_owned();
    check_password(&password, about)?;
    Ok(Hasher::new()?.hash(password).await?)
}
