//! `castellan admin archive-organisation …` and the like: organisations without the web (D-03).
use super::admin::{Place, console, find_person, find_tenant};
use crate::{failure::Failure, state::App};
use clap::Subcommand;
use domain::{
    Actor, OrganisationId,
    policy::{ArchiveOrganisation, RemoveMembership, RenameOrganisation, RestoreOrganisation},
};

#[derive(Debug, Subcommand)]
pub(super) enum Organisations {
    /// Give an organisation another name
    RenameOrganisation {
        #[command(flatten)]
        place: Place,
        /// What people call it from now on
        #[arg(long)]
        name: String,
    },
    /// Put an organisation away in which no task runs or waits
    ArchiveOrganisation {
        #[command(flatten)]
        place: Place,
    },
    /// Bring an archived organisation back
    RestoreOrganisation {
        #[command(flatten)]
        place: Place,
    },
    /// Take a person out of an organisation: cancels what of theirs waits there, and revokes their keys for it
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

pub(super) async fn run(command: Organisations, app: &App) -> Result<(), Failure> {
    macro_rules! change {
        ($console:expr, $method:ident, $action:expr) => {{
            let proof = app.store.authorise(&$console, $action).await?;
            let mut write = app.store.write(&$console).await?;
            write.$method(proof).await?;
            write.commit().await?;
        }};
    }
    match command {
        Organisations::RenameOrganisation { place, name } => {
            let (console, organisation) = find(app, &place).await?;
            change!(console, rename_organisation, RenameOrganisation { organisation, name });
        }
        Organisations::ArchiveOrganisation { place } => {
            let (console, organisation) = find(app, &place).await?;
            change!(console, archive_organisation, ArchiveOrganisation { organisation });
        }
        Organisations::RestoreOrganisation { place } => {
            let (console, organisation) = find(app, &place).await?;
            change!(console, restore_organisation, RestoreOrganisation { organisation });
        }
        Organisations::RemoveMember { place, user, successor } => {
            let (console, organisation) = find(app, &place).await?;
            let person = find_person(app, &user).await?.id;
            let successor = match successor {
                Some(address) => Some(find_person(app, &address).await?.id),
                None => None,
            };
            change!(console, remove_membership, RemoveMembership { organisation, person, successor });
        }
    }
    Ok(())
}

/// The organisation, archived or not, which must be named: none of this is done to one by default.
async fn find(app: &App, place: &Place) -> Result<(Actor, OrganisationId), Failure> {
    let wanted =
        place.organisation.as_deref().ok_or_else(|| Failure::new("name the organisation: --organisation NAME"))?;
    let console = console(app, find_tenant(app, place.tenant.as_deref()).await?);
    let mut read = app.store.read(&console).await?;
    let (in_use, archived) = (read.organisations().await?, read.archived_organisations().await?);
    let mut all = in_use.iter().chain(&archived);
    let found = all.find(|organisation| organisation.name == wanted || organisation.id.to_string() == wanted);
    let found = found.ok_or_else(|| Failure::new(format!("there is no organisation {wanted}")))?;
    Ok((console, found.id))
}
