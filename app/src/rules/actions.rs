//! Server functions that check and replace the approval rules.
use super::draft::{self, Row};
use crate::{
    outcome::{Done, Refusal},
    ui::{SuccessMessage, ctx},
};
use domain::policy;
use leptos::prelude::*;
use store::Applied;

/// Checks all rules and shows what they would change. Saves nothing.
#[server(prefix = "/actions", endpoint = "rules/review")]
pub async fn review_rules(version: i64, #[server(default)] rules: Vec<Row>) -> Result<Done, Refusal> {
    ctx::admins_only(&ctx::actor()?)?;
    draft::check(&rules)?;
    Ok(Done::GoTo(draft::address("/rules/review", version, &rules)))
}

/// Replaces all rules, unless they have changed since `version`. Less strict ones can wait for a second admin.
#[server(prefix = "/actions", endpoint = "rules/change")]
pub async fn change_rules(version: i64, #[server(default)] rules: Vec<Row>) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let rules = draft::check(&rules)?;
    let proof = store.authorize(&actor, policy::ChangeRules { rules, version }).await?;
    let mut write = store.write(&actor).await?;
    let applied = write.change_rules(proof).await?;
    write.commit().await?;
    Ok(match applied {
        Applied::Now => Done::GoTo("/rules".into()),
        Applied::AfterConfirmation => SuccessMessage::ChangeRequested.at("/rules"),
    })
}
