//! Proving oneself again, and ending links.
use crate::outcome::{Done, Refusal};
use leptos::prelude::*;

/// Proves by password who is signed in, for what needs that it was a moment ago.
#[server(prefix = "/actions", endpoint = "account/prove")]
pub async fn prove(password: String) -> Result<Done, Refusal> {
    use crate::ui::ctx;
    ctx::actor()?;
    ctx::door()?.prove(password).await?;
    Ok(Done::Stay)
}

/// Ends a link to an identity; the last way in stays.
#[server(prefix = "/actions", endpoint = "account/unlink")]
pub async fn unlink(id: String) -> Result<Done, Refusal> {
    use crate::{outcome::Kind, ui::ctx};
    ctx::actor()?;
    let id = id.parse().map_err(|_| Refusal::new(Kind::NotFound, t!("refused-not-found")))?;
    ctx::door()?.unlink_identity(id).await?;
    Ok(Done::Stay)
}
