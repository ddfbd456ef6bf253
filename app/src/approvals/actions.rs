//! Server function that decides an approval request.
use crate::{
    outcome::{Done, Refusal},
    ui::ctx,
};
use domain::{Invalid, approval::Answer, passkey::Assertion, policy};
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
