//! Server function that replaces the approval rules.
use super::draft::Row;
use crate::{
    outcome::{Done, Refusal},
    ui::ctx,
};
use domain::policy;
use leptos::prelude::*;

/// Replaces all rules, unless they have changed since `version`.
#[server(prefix = "/actions", endpoint = "rules/change")]
pub async fn change_rules(version: i64, #[server(default)] rules: Vec<Row>) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let rules = super::draft::check(&rules)?;
    let proof = store.authorize(&actor, policy::ChangeRules { rules, version }).await?;
    let mut write = store.write(&actor).await?;
    write.change_rules(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo("/rules".into()))
}
