//! Rules for groups that do not name an organization as it is called now.
use crate::outcome::Refusal;
use domain::provider::{GroupRule, Provider};
use leptos::prelude::*;
use store::Read;

/// A rule that does not name an organization as it is called now.
#[derive(Clone, Debug)]
pub struct Stray {
    /// The rule.
    rule: GroupRule,
    /// What the provider is called whose rule it is.
    provider: String,
    /// What the organization that it means is called now, if it means one.
    now: Option<String>,
}

/// Those of some providers.
pub async fn misnamed(read: &mut Read, providers: &[&Provider]) -> Result<Vec<Stray>, Refusal> {
    let mut found = vec![];
    for provider in providers {
        for rule in &provider.groups {
            let now = match read.organization_named(&rule.organization).await {
                Ok(organization) if organization.name == rule.organization => continue,
                Ok(organization) => Some(organization.name),
                Err(store::Error::NotFound) => None,
                Err(error) => return Err(error.into()),
            };
            found.push(Stray { rule: rule.clone(), provider: provider.label.clone(), now });
        }
    }
    Ok(found)
}

/// The same for people, where there is something to say.
#[component]
pub fn Misnamed(
    /// The rules.
    found: Vec<Stray>,
) -> impl IntoView {
    let line = |Stray { rule, provider, now }: Stray| {
        let rule = rule.to_string();
        let text = match now {
            Some(now) => t!("provider-rule-renamed", rule = rule, provider = provider, organization = now),
            None => t!("provider-rule-stray", rule = rule, provider = provider),
        };
        view! { <li>{text}</li> }
    };
    (!found.is_empty()).then(|| {
        view! {
            <div class="notice">
                <p>{t!("provider-rules-misnamed")}</p>
                <ul>{found.into_iter().map(line).collect_view()}</ul>
            </div>
        }
    })
}
