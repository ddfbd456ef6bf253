//! Rules for groups that do not name an organisation as it is called now.
use crate::outcome::Refusal;
use domain::provider::{GroupRule, Provider};
use leptos::prelude::*;
use store::Read;

/// A rule, and what the organisation that it means is called now, if it means one.
pub type Stray = (GroupRule, Option<String>);

/// Those of some providers.
pub async fn misnamed(read: &mut Read, providers: &[&Provider]) -> Result<Vec<Stray>, Refusal> {
    let mut found = vec![];
    for rule in providers.iter().flat_map(|provider| &provider.groups) {
        match read.organisation_named(&rule.organisation).await {
            Ok(organisation) if organisation.name == rule.organisation => {}
            Ok(organisation) => found.push((rule.clone(), Some(organisation.name))),
            Err(store::Error::NotFound) => found.push((rule.clone(), None)),
            Err(error) => return Err(error.into()),
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
    let line = |(rule, now): Stray| {
        let rule = rule.to_string();
        let text = match now {
            Some(now) => t!("provider-rule-renamed", rule = rule, organisation = now),
            None => t!("provider-rule-stray", rule = rule),
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
