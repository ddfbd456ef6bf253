//! Server functions that decide approval requests and change the rules for approvers.
use super::APPROVAL_SETTINGS;
use crate::{
    outcome::{Done, Refusal},
    ui::{SuccessMessage, ctx},
};
use auth::Token;
use domain::{ConfirmationId, Invalid, approval::Answer, confirmation::ProtectedChange, passkey::Assertion, policy};
use leptos::prelude::*;
use store::MailedLink;

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
    let applied = write.set_self_approval(proof).await?;
    write.commit().await?;
    Ok(SuccessMessage::stay_or_request(applied, APPROVAL_SETTINGS))
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

/// Sets whether a second admin or owner confirms new approvers and access to their accounts.
#[server(prefix = "/actions", endpoint = "approvals/dual-control")]
pub async fn set_dual_control(enabled: bool) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof = store.authorize(&actor, policy::SetDualControl { enabled }).await?;
    let mut write = store.write(&actor).await?;
    let applied = write.set_dual_control(proof).await?;
    write.commit().await?;
    Ok(SuccessMessage::stay_or_request(applied, APPROVAL_SETTINGS))
}

/// Returns a waiting request for confirmation that the actor sees.
async fn waiting(id: &str) -> Result<store::Confirmation, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let id: ConfirmationId = ctx::id(id)?;
    Ok(store.read(&actor).await?.confirmation(id).await?)
}

/// Confirms a change that another admin or owner requested. Shows a password link once, if that was requested.
#[server(prefix = "/actions", endpoint = "approvals/confirm-change")]
pub async fn confirm_change(id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let request = waiting(&id).await?;
    let proof = store.authorize(&actor, request.confirm_action()).await?;
    let token = Token::new("")?;
    let link = MailedLink { token: &token.text, token_hash: token.hash };
    let mut write = store.write(&actor).await?;
    let change = write.confirm_change(proof, link).await?;
    write.commit().await?;
    Ok(match change {
        ProtectedChange::PasswordLink { .. } => Done::Secret(crate::people::link(&token)),
        _ => SuccessMessage::ChangeConfirmed.at(APPROVAL_SETTINGS),
    })
}

/// Declines a change that waits for confirmation, or withdraws one's own request.
#[server(prefix = "/actions", endpoint = "approvals/decline-change")]
pub async fn decline_change(id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let request = waiting(&id).await?;
    let proof = store.authorize(&actor, request.decline_action()).await?;
    let mut write = store.write(&actor).await?;
    write.decline_change(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
