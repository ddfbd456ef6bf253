//! Asking to be let into an organisation, and answering who asks.
use crate::{
    outcome::{Done, Refusal},
    ui::ctx,
};
use domain::policy;
use leptos::prelude::*;

/// Asks an organisation's owners to be let in.
#[server(prefix = "/actions", endpoint = "join-requests/ask")]
pub async fn ask_to_join(organisation: String, #[server(default)] reason: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organisation, reason) = (ctx::id(&organisation)?, domain::joining::reason(&reason)?);
    let person = actor.person().ok_or_else(super::list::nobody)?;
    let proof = store.authorise(&actor, policy::AskToJoin { organisation, person, reason }).await?;
    let mut write = store.write(&actor).await?;
    write.ask_to_join(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Takes back what one asked.
#[server(prefix = "/actions", endpoint = "join-requests/withdraw")]
pub async fn withdraw_request(request: String) -> Result<Done, Refusal> {
    let (actor, store, request) = (ctx::actor()?, ctx::store()?, ctx::id(&request)?);
    let person = actor.person().ok_or_else(super::list::nobody)?;
    let proof = store.authorise(&actor, policy::WithdrawJoinRequest { request, person }).await?;
    let mut write = store.write(&actor).await?;
    write.withdraw_join_request(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Lets somebody in who asked.
#[server(prefix = "/actions", endpoint = "join-requests/accept")]
pub async fn accept_request(organisation: String, request: String, role: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organisation, request, role) = (ctx::id(&organisation)?, ctx::id(&request)?, role.parse()?);
    let proof = store.authorise(&actor, policy::AcceptJoinRequest { request, organisation, role }).await?;
    let mut write = store.write(&actor).await?;
    write.accept_join_request(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Says no to somebody who asked, and why.
#[server(prefix = "/actions", endpoint = "join-requests/decline")]
pub async fn decline_request(organisation: String, request: String, reason: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organisation, request) = (ctx::id(&organisation)?, ctx::id(&request)?);
    let reason = domain::joining::refusal(&reason)?;
    let proof = store.authorise(&actor, policy::DeclineJoinRequest { request, organisation, reason }).await?;
    let mut write = store.write(&actor).await?;
    write.decline_join_request(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
