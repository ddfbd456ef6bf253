//! `castellan admin` commands for tenants, people and keys.
mod keys;

use super::targets::{Location, console, create_organization, find_or_create_tenant, find_organization};
use crate::{
    authentication::{Hasher, check_password},
    config::Config,
    failure::Failure,
    keys::{EnvironmentSecrets, SecretsDir},
    output::Output,
    state::{App, IfMissing},
};
use clap::{Subcommand, ValueEnum};
use domain::{
    Email, Networks, PersonId,
    policy::{CreatePerson, IssuePasswordLink, SetMembership},
    role::{Role, TenantRole},
    scope::Scopes,
};
use serde_json::json;
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
    ///
    /// Without `--password-stdin`, prints a one-time link with which the person sets a password.
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
        /// Name or ID of the person's tenant; required if people of several tenants have the address
        #[arg(long)]
        tenant: Option<String>,
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
        /// Name or ID of the person's tenant; required if people of several tenants have the address
        #[arg(long)]
        tenant: Option<String>,
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
    /// List the API keys of a person, a tenant, or all tenants
    ListKeys {
        /// Email address of the person, or ID of the service account
        #[arg(long)]
        user: Option<String>,
        /// Name or ID of the tenant [default: all]
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Revoke all API keys of a person or service account
    RevokeKeys {
        /// Email address of the person, or ID of the service account
        #[arg(long)]
        user: String,
        /// Name or ID of the person's tenant; required if people of several tenants have the address
        #[arg(long)]
        tenant: Option<String>,
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

    /// Returns whether the command may be the first one of a deployment. The other `create-…` commands need what these create.
    pub(super) const fn if_missing(&self) -> IfMissing {
        match self {
            Self::CreateTenant { .. } | Self::CreateUser { .. } => IfMissing::Create,
            _ => IfMissing::Fail,
        }
    }
}

/// Rotates the session secret in its file, or registers the secret from the environment. The database is opened without
/// checking the current secret, because it is about to change.
pub(super) async fn rotate_session_secret(
    config: Config,
    given: EnvironmentSecrets,
    output: Output,
) -> Result<(), Failure> {
    let url = config.database().expose().to_owned();
    let (secrets, keys) = App::open_keys(&config, &url, given, IfMissing::Fail).await?;
    let store = Store::open(App::settings(&keys, url)).await?;
    if keys.configured {
        keys.accept_session_secret(&store).await?;
        store.close().await;
        let text = "The session secret from the environment is now in use. Restart every node with it.";
        return output.print(&json!({ "file": null }), text);
    }
    keys.check_with(&store, &secrets).await?;
    keys.rotate_session_secret(&store, &secrets).await?;
    store.close().await;
    let file = secrets.path("sessions.key");
    let text = format_args!(
        "The session secret was replaced; sessions stay valid. Copy {} to the other nodes and restart every node.",
        file.display()
    );
    output.print(&json!({ "file": file }), text)
}

/// Runs the command and notifies the server of changes, even after a partial failure.
pub(super) async fn run(command: Admin, app: App, output: Output) -> Result<(), Failure> {
    let result = execute(command, &app, output).await;
    crate::console::notify_server(&app).await;
    app.store.close().await;
    result
}

async fn execute(command: Admin, app: &App, output: Output) -> Result<(), Failure> {
    match command {
        Admin::CreateTenant { name } => {
            let tenant = app.store.system().create_tenant(&name).await?;
            create_organization(app, &console(app, tenant), &name).await?;
            output.print(&json!({ "id": tenant }), tenant)?;
        }
        Admin::CreateUser { email, name, role, password_stdin, location } => {
            let email = Email::parse(&email)?;
            let name = name.unwrap_or_else(|| email.to_string());
            let hash = match password_stdin {
                true => Some(password(&[&name, email.as_str()]).await?),
                false => None,
            };
            let (person, link) = create_user(app, email, name, role, hash, location).await?;
            let text = link.as_ref().map(|link| {
                format!("\n\nThis link sets the password. It works once and expires in 72 hours:\n\n  {link}")
            });
            output
                .print(&json!({ "id": person, "link": link }), format_args!("{person}{}", text.unwrap_or_default()))?;
        }
        Admin::CreateKey { user, tenant, name, scopes, organization, days, networks } => {
            let request = keys::KeyRequest { name, scopes, organization, days, networks };
            keys::create(app, &user, tenant.as_deref(), request, output).await?;
        }
        Admin::CreateServiceAccount { name, responsible, tenant, role, organization } => {
            let role = match role {
                ServiceRole::Viewer => Role::Viewer,
                ServiceRole::Member => Role::Member,
            };
            let (tenant, organization) = (tenant.as_deref(), organization.as_deref());
            let account = keys::service_account(app, name, &responsible, tenant, role, organization).await?;
            output.print(&json!({ "id": account }), account)?;
        }
        Admin::RotateSessionSecret => {} // handled before the store opens
        Admin::RotateCheckpointKey => {
            let secrets = SecretsDir::open_or_create(&app.config.secrets_dir())?;
            app.keys.checkpoints.rotate(&secrets, false)?;
            let file = secrets.path("checkpoints.pem");
            let text = format_args!(
                "The checkpoint key was replaced. Copy {} to the other nodes and restart every node.",
                file.display()
            );
            output.print(&json!({ "file": file }), text)?;
        }
        Admin::RotateGrantKey => {
            let secrets = SecretsDir::open_or_create(&app.config.secrets_dir())?;
            app.keys.grants.rotate(&secrets, true)?;
            let file = secrets.path("grants.pem");
            let text = format_args!(
                "The grant key was replaced. The next start signs open tasks and the rules again. Copy {} to the other nodes, then start \
                 every node.",
                file.display()
            );
            output.print(&json!({ "file": file }), text)?;
        }
        Admin::ListKeys { user, tenant } => keys::list(app, user.as_deref(), tenant.as_deref(), output).await?,
        Admin::BreakGlass(command) => super::break_glass::run(command, app, output).await?,
        Admin::Organizations(command) => super::organizations::run(command, app).await?,
        Admin::Emergency(command) => super::emergency::run(command, app, output).await?,
        Admin::RevokeKeys { user, tenant } => {
            let revoked = keys::revoke(app, &user, tenant.as_deref()).await?;
            output.print(&json!({ "revoked": revoked }), format_args!("{revoked} keys revoked"))?;
        }
    }
    Ok(())
}

/// Creates a person, and a link to set a password if there is none.
async fn create_user(
    app: &App,
    email: Email,
    name: String,
    role: UserRole,
    hash: Option<String>,
    location: Location,
) -> Result<(PersonId, Option<String>), Failure> {
    let tenant = find_or_create_tenant(app, location.tenant.as_deref()).await?;
    let console = console(app, tenant);
    let organization = find_organization(app, &console, location.organization.as_deref()).await?;
    let (tenant_role, role) = role.roles();
    let proof = app.store.authorize(&console, CreatePerson { email, name, tenant_role }).await?;
    let mut write = app.store.write(&console).await?;
    let person = write.create_person(proof).await?;
    if let Some(role) = role {
        write.set_membership(console.may(SetMembership { organization, person, role })?).await?;
    }
    let link = match hash {
        Some(hash) => {
            write.set_password(person, &hash).await?;
            None
        }
        None => {
            let token = auth::Token::new("")?;
            write.issue_password_link(console.may(IssuePasswordLink { person })?, token.hash).await?;
            Some(format!("{}/password?token={}", app.config.public_url(app.config.listen), token.text))
        }
    };
    write.commit().await?;
    Ok((person, link))
}

/// Reads the password from the first line of standard input and returns its hash.
async fn password(about: &[&str]) -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().take(4_096).read_to_string(&mut text)?;
    let password = text.lines().next().unwrap_or_default().to_owned();
    check_password(&password, about)?;
    Ok(Hasher::new()?.hash(password).await?)
}
