//! Server functions that decide approval requests and change the rules for approvers.
use crate::{
    outcome::{Done, Refusal},
    ui::ctx,
};
use domain::{Invalid, passkey::Assertion, policy};
use leptos::prelude::*;

/// Approves or denies exactly the canonical request that the page showed (`request_digest`).
#[server(prefix = "/actions", endpoint = "approvals/decide")]
pub async fn decide(
    id: String,
    #[server(default)] answer: String,
    #[server(default)] reason: String,
    request_digest: String,
    #[server(default)] passkey: String,
) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let id = ctx::id(&id)?;
    // The button that uses a passkey submits no answer. Its assertion confirms an approval and nothing else.
    let (answer, assertion) = match answer.is_empty() && !passkey.is_empty() {
        true => (Answer::Approve, Some(Assertion::from_browser(&passkey)?)),
        false => (answer.parse()?, None),
    };
    // Browsers submit line feeds as CR LF.
    let reason = domain::approval::reason(answer, &reason.replace("\r\n", "\n"))?;
    let request = request_digest.parse().map_err(|wrong: Invalid| Invalid::new("request_digest", wrong.reason))?;
    let approval = store.read(&actor).await?.approval(id).await?;
    let action = policy::Decide { assertion, ..approval.decide_action(answer, reason, request) };
    let proof = store.authorize(&actor, action).await?;
    let mut write = store.write(&actor).await?;
    write.decide(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Sets whether approvers can decide their own requests.
#[server(prefix = "/actions", endpoint = "approvals/self-approval")]
pub async fn set_self_approval(allowed: bool) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof = store.authorize(&actor, policy::SetSelfApproval { allowed }).await?;
    let mut write = store.write(&actor).await?;
    write.set_self_approval(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Lifts the holds on an account that follow changes by one person.
#[server(prefix = "/actions", endpoint = "approvals/lift-hold")]
pub async fn lift_hold(person: String, maker: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let action = policy::LiftHold { person: ctx::id(&person)?, maker: ctx::id(&maker)? };
    let proof = store.authorize(&actor, action).await?;
    let mut write = store.write(&actor).await?;
    write.lift_hold(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
