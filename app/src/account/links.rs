//! Ending links to identities.
use crate::outcome::{Done, Refusal};
use leptos::prelude::*;

/// Ends a link to an identity; the last way in stays.
#[server(prefix = "/actions", endpoint = "account/unlink")]
pub async fn unlink(id: String) -> Result<Done, Refusal> {
    use crate::ui::ctx;
    ctx::actor()?;
    let id = ctx::id(&id)?;
    ctx::sign_in()?.unlink_identity(id).await?;
    Ok(Done::Stay)
}
