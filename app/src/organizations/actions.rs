//! Server functions that create, change and archive organizations and manage their members.
use crate::{
    outcome::{Done, Kind, Refusal},
    ui::{Address, SuccessMessage, ctx},
};
use domain::{
    Email, Invalid,
    policy::{self, SetMembership},
};
use leptos::prelude::*;
use store::Error;

#[server(prefix = "/actions", endpoint = "organizations/create")]
pub async fn create_organization(name: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let name = domain::text::name("name", &name, 80)?;
    let proof = store.authorize(&actor, policy::CreateOrganization { name }).await?;
    let mut write = store.write(&actor).await?;
    let id = write.create_organization(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(format!("/organizations/{id}")))
}

/// Adds the person with an email address to an organization.
#[server(prefix = "/actions", endpoint = "organizations/add-member")]
pub async fn add_member(organization: String, email: String, role: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organization, role) = (ctx::id(&organization)?, role.parse()?);
    let email = Email::parse(&email)?;
    let person = store.read(&actor).await?.person_by_email(&email).await.map_err(|error| match error {
        Error::NotFound => Refusal::from(Invalid::new("email", t!("member-not-found"))),
        other => other.into(),
    })?;
    let proof = store.authorize(&actor, SetMembership { organization, person, role }).await?;
    let mut write = store.write(&actor).await?;
    let applied = write.set_membership(proof).await?;
    write.commit().await?;
    Ok(SuccessMessage::stay_or_request(applied, format!("/organizations/{organization}")))
}

#[server(prefix = "/actions", endpoint = "organizations/set-role")]
pub async fn set_role(organization: String, person: String, role: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organization, person) = (ctx::id(&organization)?, ctx::id(&person)?);
    let action = policy::SetMembership { organization, person, role: role.parse()? };
    let proof = store.authorize(&actor, action).await?;
    let mut write = store.write(&actor).await?;
    let applied = write.set_membership(proof).await?;
    write.commit().await?;
    Ok(SuccessMessage::stay_or_request(applied, format!("/organizations/{organization}")))
}

/// Removes a member; `successor` becomes responsible for their service accounts in the organization.
#[server(prefix = "/actions", endpoint = "organizations/remove-member")]
pub async fn remove_member(
    organization: String,
    person: String,
    #[server(default)] successor: String,
) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organization, person) = (ctx::id(&organization)?, ctx::id(&person)?);
    let successor = super::successor(&successor)?;
    let action = policy::RemoveMembership { organization, person, successor };
    let proof = store.authorize(&actor, action).await?;
    let mut write = store.write(&actor).await?;
    write.remove_membership(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(format!("/organizations/{organization}")))
}

/// Removes the actor; `successor` becomes responsible for their service accounts in the organization.
#[server(prefix = "/actions", endpoint = "organizations/leave")]
pub async fn leave(organization: String, #[server(default)] successor: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let nobody = || Refusal::new(Kind::Forbidden, t!("refused-signed-out"));
    let (organization, person) = (ctx::id(&organization)?, actor.person().ok_or_else(nobody)?);
    let successor = super::successor(&successor)?;
    let action = policy::LeaveOrganization { organization, person, successor };
    let proof = store.authorize(&actor, action).await?;
    let mut write = store.write(&actor).await?;
    write.leave_organization(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(Address::new("/organizations").to_string()))
}

#[server(prefix = "/actions", endpoint = "organizations/rename")]
pub async fn rename(organization: String, name: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organization, name) = (ctx::id(&organization)?, domain::text::name("name", &name, 80)?);
    let proof = store.authorize(&actor, policy::RenameOrganization { organization, name }).await?;
    let mut write = store.write(&actor).await?;
    write.rename_organization(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(format!("/organizations/{organization}")))
}

#[server(prefix = "/actions", endpoint = "organizations/archive")]
pub async fn archive(organization: String) -> Result<Done, Refusal> {
    let (actor, store, organization) = (ctx::actor()?, ctx::store()?, ctx::id(&organization)?);
    let proof = store.authorize(&actor, policy::ArchiveOrganization { organization }).await?;
    let mut write = store.write(&actor).await?;
    write.archive_organization(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(format!("/organizations/{organization}")))
}

#[server(prefix = "/actions", endpoint = "organizations/restore")]
pub async fn restore(organization: String) -> Result<Done, Refusal> {
    let (actor, store, organization) = (ctx::actor()?, ctx::store()?, ctx::id(&organization)?);
    let proof = store.authorize(&actor, policy::RestoreOrganization { organization }).await?;
    let mut write = store.write(&actor).await?;
    write.restore_organization(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(format!("/organizations/{organization}")))
}

/// Sets whether an organization accepts join requests.
#[server(prefix = "/actions", endpoint = "organizations/requests")]
pub async fn set_accepts_join_requests(organization: String, #[server(default)] open: bool) -> Result<Done, Refusal> {
    let (actor, store, organization) = (ctx::actor()?, ctx::store()?, ctx::id(&organization)?);
    let proof = store.authorize(&actor, policy::SetAcceptsJoinRequests { organization, open }).await?;
    let mut write = store.write(&actor).await?;
    write.set_accepts_join_requests(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
