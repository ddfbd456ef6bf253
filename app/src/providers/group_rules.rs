//! Group rules that do not match the current name of an organization.
use crate::outcome::Refusal;
use domain::provider::{GroupRule, Provider};
use leptos::prelude::*;
use store::Read;

/// A group rule whose organization has another name now, or does not exist.
#[derive(Clone, Debug)]
pub struct StaleGroupRule {
    rule: GroupRule,
    /// The label of the provider.
    provider: String,
    /// The current name of the organization, if the rule still identifies one.
    now: Option<String>,
}

/// Returns the stale group rules of some providers.
pub async fn stale_group_rules(read: &mut Read, providers: &[&Provider]) -> Result<Vec<StaleGroupRule>, Refusal> {
    let mut found = vec![];
    for provider in providers {
        for rule in &provider.groups {
            let now = match read.organization_by_name(&rule.organization).await {
                Ok(organization) if organization.name == rule.organization => continue,
                Ok(organization) => Some(organization.name),
                Err(store::Error::NotFound) => None,
                Err(error) => return Err(error.into()),
            };
            found.push(StaleGroupRule { rule: rule.clone(), provider: provider.label.clone(), now });
        }
    }
    Ok(found)
}

/// A notice that lists the rules, if there are any.
#[component]
pub fn StaleGroupRules(found: Vec<StaleGroupRule>) -> impl IntoView {
    let line = |StaleGroupRule { rule, provider, now }: StaleGroupRule| {
        let rule = rule.to_string();
        let text = match now {
            Some(now) => t!("provider-rule-renamed", rule = rule, provider = provider, organization = now),
            None => t!("provider-rule-unknown", rule = rule, provider = provider),
        };
        view! { <li>{text}</li> }
    };
    (!found.is_empty()).then(|| {
        view! {
            <div class="notice">
                <p>{t!("provider-rules-outdated")}</p>
                <ul>{found.into_iter().map(line).collect_view()}</ul>
            </div>
        }
    })
}
