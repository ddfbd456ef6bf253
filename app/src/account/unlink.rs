//! Server function that unlinks an identity from an account.
use crate::outcome::{Done, Refusal};
use leptos::prelude::*;

/// Unlinks an identity; the last sign-in method cannot be removed.
#[server(prefix = "/actions", endpoint = "account/unlink")]
pub async fn unlink(id: String) -> Result<Done, Refusal> {
    use crate::ui::ctx;
    ctx::actor()?;
    let id = ctx::id(&id)?;
    ctx::sign_in()?.unlink_identity(id).await?;
    Ok(Done::Stay)
}
