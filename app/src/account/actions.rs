//! What people do with their own accounts.
use crate::outcome::{Done, Refusal};
use leptos::prelude::*;

/// One has seen what happened with one's account, up to this.
#[server(prefix = "/actions", endpoint = "account/seen")]
pub async fn see_events(last: String) -> Result<Done, Refusal> {
    use crate::{outcome::Kind, ui::ctx};
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let last = last.parse().map_err(|_| Refusal::new(Kind::NotFound, t!("refused-not-found")))?;
    let mut write = store.write(&actor).await?;
    write.see_account_events(last).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
