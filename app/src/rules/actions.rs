//! Changing the rules.
use crate::{
    outcome::{Done, Refusal},
    ui::ctx,
};
use domain::policy;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// One rule as a form sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// See [`domain::rule::Rule::name`].
    pub name: String,
    /// Words of [`domain::task::Tool`]; none stands for all.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Words of [`domain::network::NetworkPolicy`]; none stands for all.
    #[serde(default)]
    pub networks: Vec<String>,
    /// A word of [`domain::rule::Effect`].
    pub effect: String,
    /// How many must say yes, where people are asked.
    #[serde(default)]
    pub approvers: String,
    /// How long they have, in hours.
    #[serde(default)]
    pub hours: String,
}

/// Replaces all rules, if they are still those of `version`.
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
