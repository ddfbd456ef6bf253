//! Server functions that request to join an organization and decide such requests.
use crate::{
    outcome::{Done, Refusal},
    ui::ctx,
};
use domain::policy;
use leptos::prelude::*;

/// Requests to join an organization.
#[server(prefix = "/actions", endpoint = "join-requests/ask")]
pub async fn request_membership(organization: String, #[server(default)] reason: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organization, reason) = (ctx::id(&organization)?, domain::joining::reason(&reason)?);
    let person = actor.person().ok_or_else(super::not_a_person)?;
    let proof = store.authorize(&actor, policy::RequestMembership { organization, person, reason }).await?;
    let mut write = store.write(&actor).await?;
    write.request_membership(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Withdraws the person's own request.
#[server(prefix = "/actions", endpoint = "join-requests/withdraw")]
pub async fn withdraw_request(request: String) -> Result<Done, Refusal> {
    let (actor, store, request) = (ctx::actor()?, ctx::store()?, ctx::id(&request)?);
    let person = actor.person().ok_or_else(super::not_a_person)?;
    let proof = store.authorize(&actor, policy::WithdrawJoinRequest { request, person }).await?;
    let mut write = store.write(&actor).await?;
    write.withdraw_join_request(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Accepts a request with a role.
#[server(prefix = "/actions", endpoint = "join-requests/accept")]
pub async fn accept_request(organization: String, request: String, role: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organization, request, role) = (ctx::id(&organization)?, ctx::id(&request)?, role.parse()?);
    let proof = store.authorize(&actor, policy::AcceptJoinRequest { request, organization, role }).await?;
    let mut write = store.write(&actor).await?;
    write.accept_join_request(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Declines a request with a reason.
#[server(prefix = "/actions", endpoint = "join-requests/decline")]
pub async fn decline_request(organization: String, request: String, reason: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organization, request) = (ctx::id(&organization)?, ctx::id(&request)?);
    let reason = domain::joining::refusal(&reason)?;
    let proof = store.authorize(&actor, policy::DeclineJoinRequest { request, organization, reason }).await?;
    let mut write = store.write(&actor).await?;
    write.decline_join_request(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
