//! Server functions that end the person's own browser sessions.
use crate::{
    outcome::{Done, Kind, Refusal},
    ui::ctx,
};
use domain::policy;
use leptos::prelude::*;

/// Ends a browser session; ending the current one signs out.
#[server(prefix = "/actions", endpoint = "browser-sessions/end")]
pub async fn end_browser_session(id: String) -> Result<Done, Refusal> {
    let (actor, store, sign_in) = (ctx::actor()?, ctx::store()?, ctx::sign_in()?);
    let not_found = || Refusal::new(Kind::NotFound, t!("refused-not-found"));
    let session = id.parse().map_err(|_| not_found())?;
    if sign_in.session() == Some(session) {
        sign_in.sign_out().await?;
        return Ok(Done::GoTo("/sign-in".into()));
    }
    let owner = actor.person().ok_or_else(not_found)?;
    let proof = store.authorize(&actor, policy::EndBrowserSession { session, owner }).await?;
    let mut write = store.write(&actor).await?;
    write.end_browser_session(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Ends all browser sessions except the current one.
#[server(prefix = "/actions", endpoint = "browser-sessions/end-others")]
pub async fn end_other_browser_sessions() -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let not_found = || Refusal::new(Kind::NotFound, t!("refused-not-found"));
    let owner = actor.person().ok_or_else(not_found)?;
    let this = ctx::sign_in()?.session().ok_or_else(not_found)?;
    let proof = store.authorize(&actor, policy::EndOtherBrowserSessions { owner }).await?;
    let mut write = store.write(&actor).await?;
    write.end_other_browser_sessions(proof, this).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
