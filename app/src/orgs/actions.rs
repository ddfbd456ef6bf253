//! Making organisations, and who is in them.
use crate::{
    outcome::{Done, Kind, Refusal},
    ui::{Address, ctx},
};
use domain::{
    Email, Invalid,
    policy::{self, SetMembership},
};
use leptos::prelude::*;
use store::Error;

/// Makes an organisation, and goes on to it.
#[server(prefix = "/actions", endpoint = "organisations/create")]
pub async fn create_organisation(name: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let name = domain::text::name("name", &name, 80)?;
    let proof = store.authorise(&actor, policy::CreateOrganisation { name }).await?;
    let mut write = store.write(&actor).await?;
    let id = write.create_organisation(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(format!("/organisations/{id}")))
}

/// Puts the person with an address into an organisation.
#[server(prefix = "/actions", endpoint = "organisations/add-member")]
pub async fn add_member(organisation: String, email: String, role: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organisation, role) = (ctx::id(&organisation)?, role.parse()?);
    let email = Email::parse(&email)?;
    let person = store.read(&actor).await?.person_called(&email).await.map_err(|error| match error {
        Error::NotFound => Refusal::from(Invalid::new("email", t!("member-unknown"))),
        other => other.into(),
    })?;
    let proof = store.authorise(&actor, SetMembership { organisation, person, role }).await?;
    let mut write = store.write(&actor).await?;
    write.set_membership(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Changes a member's role.
#[server(prefix = "/actions", endpoint = "organisations/set-role")]
pub async fn set_role(organisation: String, person: String, role: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organisation, person) = (ctx::id(&organisation)?, ctx::id(&person)?);
    let action = policy::SetMembership { organisation, person, role: role.parse()? };
    let proof = store.authorise(&actor, action).await?;
    let mut write = store.write(&actor).await?;
    write.set_membership(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Takes a member out; `successor` answers from then on for their service accounts there.
#[server(prefix = "/actions", endpoint = "organisations/remove-member")]
pub async fn remove_member(
    organisation: String,
    person: String,
    #[server(default)] successor: String,
) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organisation, person) = (ctx::id(&organisation)?, ctx::id(&person)?);
    let successor = super::successor(&successor)?;
    let action = policy::RemoveMembership { organisation, person, successor };
    let proof = store.authorise(&actor, action).await?;
    let mut write = store.write(&actor).await?;
    write.remove_membership(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(format!("/organisations/{organisation}")))
}

/// Takes oneself out; `successor` answers from then on for one's service accounts there.
#[server(prefix = "/actions", endpoint = "organisations/leave")]
pub async fn leave(organisation: String, #[server(default)] successor: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let nobody = || Refusal::new(Kind::Forbidden, t!("refused-signed-out"));
    let (organisation, person) = (ctx::id(&organisation)?, actor.person().ok_or_else(nobody)?);
    let successor = super::successor(&successor)?;
    let action = policy::LeaveOrganisation { organisation, person, successor };
    let proof = store.authorise(&actor, action).await?;
    let mut write = store.write(&actor).await?;
    write.leave_organisation(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(Address::new("/organisations").to_string()))
}

/// Gives an organisation another name.
#[server(prefix = "/actions", endpoint = "organisations/rename")]
pub async fn rename(organisation: String, name: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organisation, name) = (ctx::id(&organisation)?, domain::text::name("name", &name, 80)?);
    let proof = store.authorise(&actor, policy::RenameOrganisation { organisation, name }).await?;
    let mut write = store.write(&actor).await?;
    write.rename_organisation(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(format!("/organisations/{organisation}")))
}

/// Puts an organisation away.
#[server(prefix = "/actions", endpoint = "organisations/archive")]
pub async fn archive(organisation: String) -> Result<Done, Refusal> {
    let (actor, store, organisation) = (ctx::actor()?, ctx::store()?, ctx::id(&organisation)?);
    let proof = store.authorise(&actor, policy::ArchiveOrganisation { organisation }).await?;
    let mut write = store.write(&actor).await?;
    write.archive_organisation(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(format!("/organisations/{organisation}")))
}

/// Brings an archived organisation back.
#[server(prefix = "/actions", endpoint = "organisations/restore")]
pub async fn restore(organisation: String) -> Result<Done, Refusal> {
    let (actor, store, organisation) = (ctx::actor()?, ctx::store()?, ctx::id(&organisation)?);
    let proof = store.authorise(&actor, policy::RestoreOrganisation { organisation }).await?;
    let mut write = store.write(&actor).await?;
    write.restore_organisation(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(format!("/organisations/{organisation}")))
}

/// Opens an organisation to requests to join, or closes it.
#[server(prefix = "/actions", endpoint = "organisations/requests")]
pub async fn open_to_requests(organisation: String, #[server(default)] open: bool) -> Result<Done, Refusal> {
    let (actor, store, organisation) = (ctx::actor()?, ctx::store()?, ctx::id(&organisation)?);
    let proof = store.authorise(&actor, policy::OpenToRequests { organisation, open }).await?;
    let mut write = store.write(&actor).await?;
    write.open_to_requests(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
