//! `castellan admin` commands for organizations (D-03).
use super::targets::{Location, console, find_person, find_tenant};
use crate::{failure::Failure, state::App};
use clap::Subcommand;
use domain::{
    Actor, OrganizationId,
    policy::{ArchiveOrganization, RemoveMembership, RenameOrganization, RestoreOrganization},
};

#[derive(Debug, Subcommand)]
pub(super) enum Organizations {
    /// Rename an organization
    RenameOrganization {
        #[command(flatten)]
        location: Location,
        /// New name
        #[arg(long)]
        name: String,
    },
    /// Archive an organization, which must have no open tasks
    ArchiveOrganization {
        #[command(flatten)]
        location: Location,
    },
    /// Restore an archived organization
    RestoreOrganization {
        #[command(flatten)]
        location: Location,
    },
    /// Remove a person from an organization, cancel their waiting tasks and revoke their keys for it
    RemoveMember {
        #[command(flatten)]
        location: Location,
        /// Email address of the person
        #[arg(long)]
        user: String,
        /// Email address of the person who takes over responsibility for their service accounts
        #[arg(long)]
        successor: Option<String>,
    },
}

pub(super) async fn run(command: Organizations, app: &App) -> Result<(), Failure> {
    macro_rules! change {
        ($console:expr, $method:ident, $action:expr) => {{
            let proof = app.store.authorize(&$console, $action).await?;
            let mut write = app.store.write(&$console).await?;
            write.$method(proof).await?;
            write.commit().await?;
        }};
    }
    match command {
        Organizations::RenameOrganization { location, name } => {
            let (console, organization) = find(app, &location).await?;
            change!(console, rename_organization, RenameOrganization { organization, name });
        }
        Organizations::ArchiveOrganization { location } => {
            let (console, organization) = find(app, &location).await?;
            change!(console, archive_organization, ArchiveOrganization { organization });
        }
        Organizations::RestoreOrganization { location } => {
            let (console, organization) = find(app, &location).await?;
            change!(console, restore_organization, RestoreOrganization { organization });
        }
        Organizations::RemoveMember { location, user, successor } => {
            let (console, organization) = find(app, &location).await?;
            let tenant = console.tenant.to_string();
            let person = find_person(app, &user, Some(&tenant)).await?.id;
            let successor = match successor {
                Some(address) => Some(find_person(app, &address, Some(&tenant)).await?.id),
                None => None,
            };
            change!(console, remove_membership, RemoveMembership { organization, person, successor });
        }
    }
    Ok(())
}

/// Finds the named organization, archived or not. These commands have no default organization.
async fn find(app: &App, location: &Location) -> Result<(Actor, OrganizationId), Failure> {
    let wanted = location
        .organization
        .as_deref()
        .ok_or_else(|| Failure::new("specify the organization: --organization NAME"))?;
    let console = console(app, find_tenant(app, location.tenant.as_deref()).await?);
    let mut read = app.store.read(&console).await?;
    let (in_use, archived) = (read.organizations().await?, read.archived_organizations().await?);
    let mut all = in_use.iter().chain(&archived);
    let found = all.find(|organization| organization.name == wanted || organization.id.to_string() == wanted);
    let found = found.ok_or_else(|| Failure::new(format!("there is no organization {wanted}")))?;
    Ok((console, found.id))
}
