//! Saying that one has looked at something unusual.
use crate::{
    outcome::{Done, Refusal},
    ui::ctx,
};
use domain::policy;
use leptos::prelude::*;

/// An admin has looked at it, as it was at `seen`: microseconds since the epoch.
#[server(prefix = "/actions", endpoint = "unusual/look")]
pub async fn look_at_unusual(id: String, seen: i64) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof =
        store.authorize(&actor, policy::LookAtUnusual { id: ctx::id(&id)?, seen: domain::Timestamp(seen) }).await?;
    let mut write = store.write(&actor).await?;
    write.look_at_unusual(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
