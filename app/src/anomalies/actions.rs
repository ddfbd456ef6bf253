//! Server function that marks an anomaly as reviewed.
use crate::{
    outcome::{Done, Refusal},
    ui::ctx,
};
use domain::policy;
use leptos::prelude::*;

/// Marks an anomaly as reviewed in the state it had at `seen` (microseconds since the epoch).
#[server(prefix = "/actions", endpoint = "anomalies/review")]
pub async fn review_anomaly(id: String, seen: i64) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let proof =
        store.authorize(&actor, policy::ReviewAnomaly { id: ctx::id(&id)?, seen: domain::Timestamp(seen) }).await?;
    let mut write = store.write(&actor).await?;
    write.review_anomaly(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
