//! Server function that replaces the approval rules.
use crate::{
    outcome::{Done, Refusal},
    ui::ctx,
};
use domain::policy;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// One rule, as a form submits it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// See [`domain::rule::Rule::name`].
    pub name: String,
    /// Values of [`domain::task::Tool`]; empty for all.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Values of [`domain::network::NetworkPolicy`]; empty for all.
    #[serde(default)]
    pub networks: Vec<String>,
    /// A value of [`domain::rule::Effect`].
    pub effect: String,
    /// How many people must approve, if the rule asks for approval.
    #[serde(default)]
    pub approvers: String,
    /// How long they have, in hours.
    #[serde(default)]
    pub hours: String,
}

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
