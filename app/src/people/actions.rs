//! Server functions that create people and change their accounts.
use crate::{
    outcome::{Done, Kind, Refusal},
    ui::{SuccessMessage, ctx},
};
use auth::Token;
use domain::{
    Email, Invalid, PersonId,
    policy::{self, SetMembership},
};
use leptos::prelude::*;
use store::Applied;

/// Creates a person, adds them to the chosen organization, and shows the link that sets their password once.
#[server(prefix = "/actions", endpoint = "people/create")]
pub async fn create_person(
    name: String,
    email: String,
    tenant_role: String,
    #[server(default)] organization: String,
    #[server(default)] role: String,
) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let name = domain::text::name("name", &name, 80)?;
    let (email, tenant_role) = (Email::parse(&email)?, tenant_role.parse()?);
    let membership = match organization.as_str() {
        "" => None,
        id => Some((id.parse().map_err(|_| Invalid::new("organization", t!("organization-unknown")))?, role.parse()?)),
    };
    let proof = store.authorize(&actor, policy::CreatePerson { email, name, tenant_role }).await?;
    let token = Token::new("")?;
    let mut write = store.write(&actor).await?;
    let person = write.create_person(proof).await?;
    if let Some((organization, role)) = membership {
        write.set_membership(actor.may(SetMembership { organization, person, role })?).await?;
    }
    let applied = write.issue_password_link(actor.may(policy::IssuePasswordLink { person })?, token.hash).await?;
    write.commit().await?;
    Ok(link_or_request(applied, &token, person))
}

/// Issues a new password link; earlier ones become invalid.
#[server(prefix = "/actions", endpoint = "people/link")]
pub async fn issue_link(id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let person = ctx::id(&id)?;
    let proof = store.authorize(&actor, policy::IssuePasswordLink { person }).await?;
    let token = Token::new("")?;
    let mut write = store.write(&actor).await?;
    let applied = write.issue_password_link(proof, token.hash).await?;
    write.commit().await?;
    Ok(link_or_request(applied, &token, person))
}

/// Shows a link, unless it waits for confirmation: the person who confirms it then gets one.
fn link_or_request(applied: Applied, token: &Token, person: PersonId) -> Done {
    match applied {
        Applied::Now => Done::Secret(super::link(token)),
        Applied::AfterConfirmation => SuccessMessage::ChangeRequested.at(format!("/people/{person}")),
    }
}

/// Removes all second factors of a person who lost them.
#[server(prefix = "/actions", endpoint = "people/reset-factors")]
pub async fn reset_factors(id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof = store.authorize(&actor, policy::ResetFactors { person: ctx::id(&id)? }).await?;
    let mut write = store.write(&actor).await?;
    let applied = write.reset_factors(proof).await?;
    write.commit().await?;
    Ok(SuccessMessage::FactorsReset.if_applied(applied).at(format!("/people/{id}")))
}

/// Mails a confirmation link to a new address, for a person who has lost access to the current one.
#[server(prefix = "/actions", endpoint = "people/address")]
pub async fn replace_address(id: String, #[server(default)] email: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (person, email) = (ctx::id(&id)?, Email::parse(&email)?);
    let proof = store.authorize(&actor, policy::ReplaceAddress { person, email }).await?;
    if !store.is_mail_enabled() {
        return Err(Refusal::new(Kind::Conflict, t!("address-without-mail")));
    }
    let token = Token::new("")?;
    let mut write = store.write(&actor).await?;
    let link = store::MailedLink { token: &token.text, token_hash: token.hash };
    let applied = write.replace_address(proof, link).await?;
    write.commit().await?;
    Ok(SuccessMessage::AddressRequested.if_applied(applied).at(format!("/people/{id}")))
}

#[server(prefix = "/actions", endpoint = "people/tenant-role")]
pub async fn set_tenant_role(id: String, tenant_role: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let action = policy::SetTenantRole { person: ctx::id(&id)?, tenant_role: tenant_role.parse()? };
    let proof = store.authorize(&actor, action).await?;
    let mut write = store.write(&actor).await?;
    let applied = write.set_tenant_role(proof).await?;
    write.commit().await?;
    Ok(SuccessMessage::stay_or_request(applied, format!("/people/{id}")))
}
