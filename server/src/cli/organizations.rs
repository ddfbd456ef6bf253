//! `castellan admin archive-organization …` and the like: organizations without the web (D-03).
use super::admin::{Place, console, find_person, find_tenant};
use crate::{failure::Failure, state::App};
use clap::Subcommand;
use domain::{
    Actor, OrganizationId,
    policy::{ArchiveOrganization, RemoveMembership, RenameOrganization, RestoreOrganization},
};

#[derive(Debug, Subcommand)]
pub(super) enum Organizations {
    /// Give an organization another name
    RenameOrganization {
        #[command(flatten)]
        place: Place,
        /// What people call it from now on
        #[arg(long)]
        name: String,
    },
    /// Put an organization away in which no task runs or waits
    ArchiveOrganization {
        #[command(flatten)]
        place: Place,
    },
    /// Bring an archived organization back
    RestoreOrganization {
        #[command(flatten)]
        place: Place,
    },
    /// Take a person out of an organization: cancels what of theirs waits there, and revokes their keys for it
    RemoveMember {
        #[command(flatten)]
        place: Place,
        /// Their address
        #[arg(long)]
        user: String,
        /// The address of who answers from then on for the service accounts that they answer for there
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
        Organizations::RenameOrganization { place, name } => {
            let (console, organization) = find(app, &place).await?;
            change!(console, rename_organization, RenameOrganization { organization, name });
        }
        Organizations::ArchiveOrganization { place } => {
            let (console, organization) = find(app, &place).await?;
            change!(console, archive_organization, ArchiveOrganization { organization });
        }
        Organizations::RestoreOrganization { place } => {
            let (console, organization) = find(app, &place).await?;
            change!(console, restore_organization, RestoreOrganization { organization });
        }
        Organizations::RemoveMember { place, user, successor } => {
            let (console, organization) = find(app, &place).await?;
            let person = find_person(app, &user).await?.id;
            let successor = match successor {
                Some(address) => Some(find_person(app, &address).await?.id),
                None => None,
            };
            change!(console, remove_membership, RemoveMembership { organization, person, successor });
        }
    }
    Ok(())
}

/// The organization, archived or not, which must be named: none of this is done to one by default.
async fn find(app: &App, place: &Place) -> Result<(Actor, OrganizationId), Failure> {
    let wanted =
        place.organization.as_deref().ok_or_else(|| Failure::new("name the organization: --organization NAME"))?;
    let console = console(app, find_tenant(app, place.tenant.as_deref()).await?);
    let mut read = app.store.read(&console).await?;
    let (in_use, archived) = (read.organizations().await?, read.archived_organizations().await?);
    let mut all = in_use.iter().chain(&archived);
    let found = all.find(|organization| organization.name == wanted || organization.id.to_string() == wanted);
    let found = found.ok_or_else(|| Failure::new(format!("there is no organization {wanted}")))?;
    Ok((console, found.id))
}
